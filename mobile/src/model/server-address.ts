/**
 * Where the server is: an address that a user has typed, or a pairing link (`sayso pair`). Pure.
 *
 * React Native's URL lacks parts, so addresses are read here. What a link says is foreign: its parts are checked, and the user is
 * asked before the app connects elsewhere.
 */

export interface ServerEntry {
  /** `ws://` or `wss://`, with the path. */
  url: string;
  key: string | undefined;
  /** SHA-256 of the certificate, if the server signs its own. */
  fingerprint: string | undefined;
}

export type AddressProblem = 'empty' | 'scheme' | 'host' | 'port' | 'pairing';

export class AddressError extends Error {
  readonly problem: AddressProblem;

  constructor(problem: AddressProblem) {
    super(`no address of a server: ${problem}`);
    this.problem = problem;
  }
}

const PAIRING = 'sayso://pair';
const ADDRESS = /^(?:([a-z][a-z0-9+.-]*):\/\/)?(\[[0-9a-f:.]+\]|[^\s/:?#@[\]]+)(?::(\d*))?(\/(?!\/)[^\s?#]*)?$/i;
const HOST = /^(?:\[[0-9a-f:.]+\]|[\p{L}\p{N}](?:[\p{L}\p{N}.-]{0,251}[\p{L}\p{N}])?)$/iu;
const PRIVATE =
  /^(?:localhost|10\.|127\.|192\.168\.|169\.254\.|172\.(?:1[6-9]|2\d|3[01])\.|\[|[^.]+$|.*\.(?:local|lan|home|internal|fritz\.box)$)/i;
const SCHEMES: Readonly<Record<string, 'ws' | 'wss'>> = {ws: 'ws', http: 'ws', wss: 'wss', https: 'wss'};
const PORT_OF_SAYSO = 8_000;
const MAX_KEY = 512;

/**
 * Return the WebSocket's address; throws `AddressError`.
 *
 * Without a scheme, a private address has no TLS, and the port of sayso; a public name has TLS.
 *
 *     socketUrl('192.168.0.7') == 'ws://192.168.0.7:8000/ws'
 *     socketUrl('voice.example.org') == 'wss://voice.example.org/ws'
 */
export function socketUrl(typed: string): string {
  const text = typed.trim();
  if (text === '') throw new AddressError('empty');
  const [, scheme, host = '', port, path] = ADDRESS.exec(text) ?? [];
  if (!HOST.test(host) || host.includes('..')) throw new AddressError('host');
  if (scheme !== undefined && !Object.hasOwn(SCHEMES, scheme.toLowerCase())) throw new AddressError('scheme');
  if (port !== undefined && !(Number(port) >= 1 && Number(port) <= 65_535)) throw new AddressError('port');
  const isPrivate = PRIVATE.test(host);
  const found = scheme === undefined ? (isPrivate ? 'ws' : 'wss') : SCHEMES[scheme.toLowerCase()]!;
  const shownPort = port ?? (scheme === undefined && isPrivate ? PORT_OF_SAYSO : undefined);
  const shownPath = path === undefined || path === '/' ? '/ws' : path;
  return `${found}://${host.toLowerCase()}${shownPort === undefined ? '' : `:${Number(shownPort)}`}${shownPath}`;
}

/** Return the address of a path beside the WebSocket, such as `api/commands`. */
export function pageUrl(url: string, path: string): string {
  return `${url.replace(/^ws/, 'http').replace(/\/[^/]*$/, '')}/${path}`;
}

/** Return the same address with TLS, or without. */
export function otherScheme(url: string): string {
  return url.startsWith('wss:') ? url.replace(/^wss/, 'ws') : url.replace(/^ws/, 'wss');
}

/** Return whether the address is that of the device itself. */
export function isThisDevice(url: string): boolean {
  return /^wss?:\/\/(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?:[:/]|$)/.test(url);
}

export function isPairingLink(text: string): boolean {
  return text.trim().toLowerCase().startsWith(PAIRING);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '));
  } catch {
    throw new AddressError('pairing');
  }
}

/** Return what a pairing link says; throws `AddressError`. */
export function pairedServer(link: string): ServerEntry {
  const [start = '', query = ''] = link.trim().split('?', 2);
  if (!/^sayso:\/\/pair\/?$/i.test(start)) throw new AddressError('pairing');
  const parts = new Map(
    query.split('&').map((part) => {
      const at = part.indexOf('=');
      return at < 0 ? [part, ''] : [part.slice(0, at), decoded(part.slice(at + 1))];
    }),
  );
  const [url, key, fingerprint] = [parts.get('url'), parts.get('key'), parts.get('fingerprint')];
  if (url === undefined || !/^wss?:\/\//i.test(url)) throw new AddressError('pairing');
  if (key !== undefined && !(key.length <= MAX_KEY && /^[\x21-\x7e]+$/.test(key))) throw new AddressError('pairing');
  if (fingerprint !== undefined && !/^(?:sha256[:/ ]?)?[0-9a-f:]{64,95}$/i.test(fingerprint)) throw new AddressError('pairing');
  return {url: socketUrl(url), key, fingerprint};
}
