/** Lines of the past, with the marks of their levels: geometry (pure), and the drawing. */

import {html, useState} from '../vendor/preact-htm.js';

const WIDTH = 300;
const HEIGHT = 64;

/** Return the top of a chart's scale: above all values, and above the first mark. */
export function topOf(values, marks, least = 0) {
  const known = values.filter((value) => value !== null);
  const first = marks.length === 0 ? 0 : Math.min(...marks.map(({up}) => up));
  return Math.max(...known, 1.15 * first, least) || 1;
}

/** Return the path of a line through `values`, with a gap where nothing was measured. */
export function linePath(values, top, width = WIDTH, height = HEIGHT) {
  const step = width / Math.max(1, values.length - 1);
  let isDrawing = false;
  return values.map((value, at) => {
    if (value === null) {
      isDrawing = false;
      return '';
    }
    const point = `${(at * step).toFixed(1)} ${(height - 1 - (height - 2) * Math.min(1, value / top)).toFixed(1)}`;
    const isAlone = !isDrawing && (values[at + 1] ?? null) === null;
    const command = isDrawing ? 'L' : 'M';
    isDrawing = true;
    return isAlone ? `M${point}h.1` : command + point;
  }).join('');
}

/** Return the path of a bar for each value above zero. */
export function barPath(values, top, width = WIDTH, height = HEIGHT) {
  const step = width / Math.max(1, values.length - 1);
  const bar = (value, at) => `M${(at * step).toFixed(1)} ${height}V${(height - Math.max(2, (height - 2) * Math.min(1, value / top))).toFixed(1)}`;
  return values.map((value, at) => (value > 0 ? bar(value, at) : '')).join('');
}

/** Return the newest, the largest and the smallest value; undefined of nothing. */
export function extent(values) {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? undefined : {last: known.at(-1), most: Math.max(...known), least: Math.min(...known)};
}

/** Draw one figure: `format` writes a value, `marks` are lines across, `level` colours it, counts are bars. */
export function Chart({name, title, values, marks = [], least = 0, level = 0, isBars = false, format, stepS, texts}) {
  const [at, setAt] = useState();
  const found = extent(values);
  const top = topOf(values, marks, least);
  const pick = ({currentTarget, clientX}) => {
    const {left, width} = currentTarget.getBoundingClientRect();
    setAt(Math.round(((clientX - left) / width) * (values.length - 1)));
  };
  const picked = at === undefined ? undefined : values[Math.min(Math.max(at, 0), values.length - 1)];
  const ago = at === undefined ? '' : texts.ago(texts.duration((values.length - 1 - at) * stepS));
  const words = found === undefined ? texts.notMeasured : texts.extent(format(found.last), format(found.most), format(found.least));
  return html`<figure class=${`chart level-${level}`} data-figure=${name}>
    <figcaption><span>${title}</span> <b>${picked != null ? html`${format(picked)} <small>${ago}</small>` : found === undefined ? '–' : format(found.last)}</b></figcaption>
    <svg viewBox=${`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label=${`${title}: ${words}`}
      onPointerMove=${pick} onPointerLeave=${() => setAt(undefined)}>
      ${marks.filter(({up}) => up <= top).map(({level: one, up}) => html`<line key=${one} class=${`mark level-${one}`} x1="0" x2=${WIDTH}
        y1=${HEIGHT - 1 - (HEIGHT - 2) * (up / top)} y2=${HEIGHT - 1 - (HEIGHT - 2) * (up / top)} />`)}
      <path class=${isBars ? 'bars' : ''} d=${(isBars ? barPath : linePath)(values, top)} />
      ${picked != null && html`<line class="here" x1=${(at * WIDTH) / (values.length - 1)} x2=${(at * WIDTH) / (values.length - 1)} y1="0" y2=${HEIGHT} />`}
    </svg>
  </figure>`;
}
