/** What happened to the server, newest first, and who is admitted. */

import {html, useState} from '../vendor/preact-htm.js';
import {CopyButton, Pager, pageOf} from './parts.js';
import {actorRows, matching} from './rows.js';

const HEALTH = {restarted: 'changing', down: 'down', degraded: 'degraded', worker_ended: 'down', refused: 'degraded', session_crashed: 'degraded', session_failed: 'down', certificate: 'changing', certificate_trouble: 'degraded', drain: 'changing'};
const NOTICES_A_PAGE = 50;

/** Return a notice in words; kinds of a newer server are shown as they are. */
export const inWords = (notice, texts) => texts.told[notice.kind]?.(notice) ?? `${notice.kind} ${notice.subject} ${notice.detail}`;

const healthOf = ({kind, subject}) => (kind === 'load' ? (Number(subject) >= 3 ? 'down' : Number(subject) > 0 ? 'degraded' : 'well') : (HEALTH[kind] ?? 'well'));

export function NoticeList({notices, texts}) {
  if (notices.length === 0) return html`<p class="empty">${texts.noNotices}</p>`;
  return html`<ol class="notices">${notices.map((notice) => html`<li key=${notice.number} data-kind=${notice.kind} class=${healthOf(notice)}>
    <i aria-hidden="true" /><time>${texts.time(notice.at)}</time><span>${inWords(notice, texts)}</span></li>`)}</ol>`;
}

function Limits({server, texts}) {
  const gateway = actorRows(server.status.tree).find(({id}) => id === 'gateway')?.statistics ?? {};
  const shown = Object.entries(gateway).filter(([name, value]) => typeof value === 'number' && texts.limits[name] !== undefined);
  return html`<section aria-labelledby="limits-title"><h2 id="limits-title">${texts.limitsTitle}</h2>
    <dl class="facts">${shown.map(([name, value]) => html`<div key=${name}><dt>${texts.limits[name]}</dt><dd>${name === 'demand' ? `${texts.number(100 * value)} %` : texts.number(value)}</dd></div>`)}</dl></section>`;
}

export function NoticesView({server, texts}) {
  const [search, setSearch] = useState('');
  const [kind, setKind] = useState('');
  const [page, setPage] = useState(0);
  const wanted = server.notices.filter((notice) => kind === '' || notice.kind === kind);
  const found = matching(wanted, search, (notice) => [inWords(notice, texts), texts.kinds[notice.kind]]).reverse();
  const {at, shown} = pageOf(found, page, NOTICES_A_PAGE);
  return html`<section aria-labelledby="notices-title"><h2 id="notices-title">${texts.views.notices} <small>${texts.found(found.length, server.notices.length)}</small></h2>
    <div class="tools">
      <label class="field">${texts.filter}<input type="search" value=${search} onInput=${({target}) => setSearch(target.value)} /></label>
      <label class="field">${texts.columns.what}<select value=${kind} onChange=${({target}) => setKind(target.value)}>
        <option value="">${texts.all}</option>${Object.entries(texts.kinds).map(([one, name]) => html`<option key=${one} value=${one}>${name}</option>`)}</select></label>
      <${CopyButton} server=${server} texts=${texts} value=${() => found} />
    </div>
    ${found.length === 0 && server.notices.length > 0 ? html`<p class="empty">${texts.nothingFound}</p>` : html`<${NoticeList} notices=${shown} texts=${texts} />`}
    <${Pager} at=${at} count=${found.length} size=${NOTICES_A_PAGE} onGo=${setPage} texts=${texts} />
  </section>
  <${Limits} server=${server} texts=${texts} />`;
}
