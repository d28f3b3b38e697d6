// What web/vendor/preact-htm.js is made of: preact with its hooks, and htm bound to it, as one module.
import htm from 'htm';
import {h} from 'preact';

export {render} from 'preact';
export {useEffect, useLayoutEffect, useRef, useState} from 'preact/hooks';
export const html = htm.bind(h);
