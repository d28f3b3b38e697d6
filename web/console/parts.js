/** Parts that several views use: tables that sort, pages of rows, questions before an order, copying. */

import {Dialog} from '../shared/dialog.js';
import {html, useState} from '../vendor/preact-htm.js';
import {sorted} from './rows.js';

export const ROWS_A_PAGE = 100;

/** Copy something as JSON; say what came of it. */
export async function copy(server, texts, value) {
  const text = JSON.stringify(value, null, 2);
  try {
    await navigator.clipboard.writeText(text);
    server.tell(texts.copied);
  } catch {
    server.tell(copyBySelection(text) ? texts.copied : texts.notCopied);
  }
}

/** Copy where the browser keeps its clipboard for pages that came by https. */
function copyBySelection(text) {
  const field = Object.assign(document.createElement('textarea'), {value: text});
  document.body.append(field);
  field.select();
  const isDone = document.execCommand('copy');
  field.remove();
  return isDone;
}

export function CopyButton({server, texts, value}) {
  return html`<button type="button" class="small copy" onClick=${() => void copy(server, texts, value())}>${texts.copy}</button>`;
}

/** A number; what is nothing is quiet, so that the rest stands out. */
export const Figure = ({value, children}) => (value === 0 ? html`<span class="zero">${children}</span>` : html`<span>${children}</span>`);

export function Badge({health, children}) {
  return html`<span class=${`badge ${health}`}><i aria-hidden="true" />${children}</span>`;
}

/** Return the rows of one page, and the number of that page, which may be behind the end. */
export function pageOf(rows, page, size = ROWS_A_PAGE) {
  const at = Math.max(0, Math.min(page, Math.ceil(rows.length / size) - 1));
  return {at, shown: rows.slice(at * size, (at + 1) * size)};
}

export function Pager({at, count, size = ROWS_A_PAGE, onGo, texts}) {
  if (count <= size) return null;
  const to = Math.min(count, (at + 1) * size);
  return html`<div class="pager">
    <button type="button" class="small" disabled=${at === 0} onClick=${() => onGo(at - 1)}>${texts.previous}</button>
    <span role="status">${texts.page(texts.number(at * size + 1), texts.number(to), texts.number(count))}</span>
    <button type="button" class="small" disabled=${to >= count} onClick=${() => onGo(at + 1)}>${texts.next}</button>
  </div>`;
}

/**
 * A table: `columns` are {id, title, cell, by, isNumber, isWide}; a column with `by` sorts. Rows are what they are, in
 * their own order until a column is chosen.
 */
export function Table({label, columns, rows, rowOf = () => ({}), keyOf, texts, moreOf}) {
  const [sort, setSort] = useState({});
  const [page, setPage] = useState(0);
  const chosen = columns.find(({id}) => id === sort.id);
  const ordered = chosen === undefined ? rows : sorted(rows, chosen.by, sort.isDown);
  const {at, shown} = pageOf(ordered, page);
  const choose = (id) => {
    setPage(0);
    setSort(sort.id !== id ? {id, isDown: columns.find((one) => one.id === id).isNumber} : sort.isTurned ? {} : {id, isDown: !sort.isDown, isTurned: true});
  };
  const classOf = ({isNumber, isWide}) => [isNumber && 'number', isWide && 'wide'].filter(Boolean).join(' ');
  return html`<div class="scroll" role="group" aria-label=${label} tabindex="0"><table>
      <thead><tr>${columns.map((column) => html`<th key=${column.id} scope="col" class=${classOf(column)}
        aria-sort=${sort.id === column.id ? (sort.isDown ? 'descending' : 'ascending') : undefined}>
        ${column.by === undefined ? column.title : html`<button type="button" class="sort" data-sort=${column.id} onClick=${() => choose(column.id)}>${column.title}<span aria-hidden="true">${sort.id === column.id ? (sort.isDown ? ' ↓' : ' ↑') : ''}</span></button>`}</th>`)}</tr></thead>
      <tbody>${shown.map((row) => html`<${Row} key=${keyOf(row)} row=${row} columns=${columns} isOrdered=${chosen !== undefined} attributes=${rowOf(row)} more=${moreOf?.(row)} classOf=${classOf} />`)}</tbody>
    </table></div>
    <${Pager} at=${at} count=${ordered.length} onGo=${setPage} texts=${texts} />`;
}

function Row({row, columns, isOrdered, attributes, more, classOf}) {
  return html`<tr ...${attributes}>${columns.map((column, at) => (at === 0
    ? html`<th key=${column.id} scope="row" class=${classOf(column)}>${column.cell(row, isOrdered)}</th>`
    : html`<td key=${column.id} class=${classOf(column)}>${column.cell(row, isOrdered)}</td>`))}</tr>
    ${more && html`<tr class="more"><td colspan=${columns.length}>${more}</td></tr>`}`;
}

/** A question before an order: `order` returns whether it was taken. */
export function Question({server, texts, title, help, act, order, onClose, children}) {
  const [isBusy, setBusy] = useState(false);
  const mayOperate = server.access?.may_operate === true;
  const confirm = async (event) => {
    event.preventDefault();
    const dialog = event.target.closest('dialog');
    setBusy(true);
    await order(new FormData(event.target));
    dialog.close(); // the browser gives the focus back
  };
  return html`<${Dialog} title=${title} texts=${texts} onClose=${onClose}>
    <form class="question" onSubmit=${confirm}>
      <p>${help}</p>
      ${mayOperate ? children : html`<p class="warning" role="alert">${texts.mayNot}</p>`}
      <p class="acts">
        ${mayOperate && html`<button class="danger" disabled=${isBusy}>${act}</button>`}
        <button type="button" onClick=${({target}) => target.closest('dialog').close()}>${texts.cancel}</button>
      </p>
    </form>
  <//>`;
}
