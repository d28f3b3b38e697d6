/** A dialog over the page: the keyboard stays in it, Esc and a click beside it close it. */

import {html, useEffect, useRef} from '../vendor/preact-htm.js';
import {closeIcon} from './icons.js';

export function Dialog({title, texts, onClose, children}) {
  const dialog = useRef();
  useEffect(() => {
    dialog.current.showModal();
  }, []);
  const closeOutside = ({target}) => target === dialog.current && dialog.current.close();
  return html`<dialog ref=${dialog} onClose=${onClose} onClick=${closeOutside} aria-labelledby="dialog-title">
    <header><h2 id="dialog-title">${title}</h2>
      <button class="plain" type="button" onClick=${() => dialog.current.close()} aria-label=${texts.close}>${closeIcon()}</button>
    </header>
    <div class="inside">${children}</div>
  </dialog>`;
}
