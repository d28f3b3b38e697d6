import {DEFAULT_POLICY} from '@sayso/client';
import {causeOf} from '../../src/model/connection-cause.ts';
import {keyFinding, reachFinding, sessionFinding, type Answer} from '../../src/model/probe.ts';
import {refusalBy, troubleOf, type TroubleSources} from '../../src/model/trouble.ts';

test.each([
  ['Failed to connect to /192.168.0.7:8000', undefined],
  ['failed to connect to /192.168.0.7 (port 8000) from /192.168.0.9 (port 4) after 10000ms: isConnected failed: ECONNREFUSED (Connection refused)', 'refused'],
  ['The operation couldn’t be completed. Connection refused', 'refused'],
  ['failed to connect to /192.168.0.7 (port 8000) after 10000ms: timed out', 'unreachable'],
  ['the server does not answer', 'unreachable'],
  ['The request timed out. (NSURLErrorDomain error -1001.)', 'unreachable'],
  ['No route to host', 'unreachable'],
  ['Unable to resolve host "nas.local": No address associated with hostname', 'unknown_host'],
  ['java.security.cert.CertPathValidatorException: Trust anchor for certification path not found.', 'certificate'],
  ['Hostname 192.168.0.7 not verified', 'certificate'],
  ['The certificate for this server is invalid. (-1202)', 'certificate'],
  ['CLEARTEXT communication to nas not permitted by network security policy', 'wants_tls'],
  ['unexpected end of stream on http://192.168.0.7:8000/...', 'wants_tls'],
  ['Unable to parse TLS packet header', 'no_tls'],
  ["Expected HTTP 101 response but was '401 Unauthorized'", 'key'],
  ['Received bad response code from server: 403.', 'key'],
  ["Expected HTTP 101 response but was '421 Misdirected Request'", 'elsewhere'],
  ["Expected HTTP 101 response but was '429 Too Many Requests'", 'often'],
  ["Expected HTTP 101 response but was '503 Service Unavailable'", 'full'],
  ["Expected HTTP 101 response but was '200 OK'", 'not_sayso'],
  ['', undefined],
])('%p is about: %s', (message, cause) => {
  expect(causeOf(message)).toBe(cause);
});

const FINE: TroubleSources = {hasServer: true, isOnline: true, connection: {phase: 'open'}, wasOpen: true, refusal: undefined, microphone: undefined};
const waiting = (code: number, reason = '') => ({phase: 'waiting', code, reason, retryAt: 5_000} as const);
const closed = (code: number, reason = '') => ({phase: 'closed', code, reason} as const);

test.each([
  [{}, undefined],
  [{connection: {phase: 'idle'}}, undefined],
  [{connection: {phase: 'connecting'}, wasOpen: false}, undefined],
  [{connection: {phase: 'connecting'}}, {kind: 'away', retryAt: 0}],
  [{hasServer: false, connection: {phase: 'idle'}}, {kind: 'no_server', action: 'open_server'}],
  [{connection: waiting(1006)}, {kind: 'away', retryAt: 5_000, action: 'try_now'}],
  [{connection: waiting(1006), isOnline: false}, {kind: 'offline'}],
  [{connection: waiting(1006, 'Trust anchor for certification path not found.')}, {kind: 'certificate'}],
  [{connection: waiting(1013, 'all places are taken')}, {kind: 'full', reason: 'all places are taken'}],
  [{connection: waiting(1012)}, {kind: 'leaving'}],
  [{connection: waiting(4029)}, {kind: 'often'}],
  [{connection: closed(4001)}, {kind: 'key', action: 'open_server'}],
  [{connection: closed(4008)}, {kind: 'idle', action: 'connect'}],
  [{connection: closed(4090)}, {kind: 'replaced', action: 'use_here'}],
  [{connection: closed(1000)}, {kind: 'ended'}],
  [{connection: closed(1008, 'too many mistakes')}, {kind: 'trouble', reason: 'too many mistakes'}],
  [{connection: closed(1000), refusal: 'newer'}, {kind: 'newer'}],
  [{microphone: 'denied'}, {kind: 'denied', action: 'open_phone_settings'}],
  [{microphone: 'denied', connection: closed(4001)}, {kind: 'key'}],
] as const)('%j is the trouble %j', (sources, expected) => {
  const found = troubleOf({...FINE, ...sources});
  if (expected === undefined) expect(found).toBeUndefined();
  else expect(found).toMatchObject(expected);
});

test('a page tells why the app is refused', () => {
  expect([401, 403, 421, 200, 503].map((status) => refusalBy(status, false))).toEqual(['key', 'elsewhere', 'elsewhere', undefined, undefined]);
  expect(refusalBy(403, true)).toBeUndefined();
});

const HEALTHY: Answer = {status: 200, body: {status: 'healthy'}};
const FACTS = {other: undefined, isSecure: false, isThisDevice: false, isOnline: true};

test.each([
  [{answer: HEALTHY}, undefined],
  [{answer: {status: 503, body: {status: 'stopping'}}}, 'stopping'],
  [{answer: {status: 200, body: undefined}}, 'not_sayso'],
  [{answer: {status: 200, body: null}}, 'not_sayso'],
  [{answer: {status: 404, body: 'no'}}, 'not_sayso'],
  [{answer: {status: 421, body: {error: 'host'}}}, 'elsewhere'],
  [{answer: {failed: 'Connection refused'}}, 'refused'],
  [{answer: {failed: 'timed out after 8 s'}}, 'unreachable'],
  [{answer: {failed: 'Network request failed'}}, 'unknown'],
  [{answer: {failed: 'Network request failed'}, isOnline: false}, 'offline'],
  [{answer: {failed: 'Connection refused'}, isThisDevice: true}, 'this_device'],
  [{answer: {failed: 'Network request failed'}, other: HEALTHY}, 'wants_tls'],
  [{answer: {failed: 'Network request failed'}, other: HEALTHY, isSecure: true}, 'no_tls'],
  [{answer: {failed: 'Connection refused'}, other: {status: 404, body: undefined}}, 'refused'],
] as const)('the way to the server: %j is %s', (facts, problem) => {
  expect(reachFinding({...FACTS, ...facts})).toMatchObject({step: 'reach', problem});
});

test.each([
  [{status: 200, body: {}}, true, undefined], [{status: 404, body: {}}, true, undefined], [{status: 401, body: {}}, true, 'wrong_key'], [{status: 401, body: {}}, false, 'no_key'],
  [{status: 403, body: {}}, true, 'wrong_scope'], [{status: 403, body: {}}, false, 'elsewhere'], [{status: 421, body: {}}, true, 'elsewhere'],
  [{status: 429, body: {}}, true, 'often'], [{status: 500, body: {}}, true, 'stopping'], [{failed: 'Connection reset'}, true, 'wants_tls'],
] as const)('the key: %j with a key %p is %s', (answer, hasKey, problem) => {
  expect(keyFinding(answer, hasKey)).toMatchObject({step: 'key', problem});
});

test.each([
  [{protocol: 1, version: '0.2.0'}, undefined], [{protocol: 2, version: '9.0.0'}, 'newer'], [{code: 4001, reason: ''}, 'wrong_key'], [{code: 1013, reason: 'full'}, 'full'],
  [{code: 4029, reason: ''}, 'often'], [{code: 1008, reason: 'the server speaks another protocol'}, 'not_sayso'], [{code: 1006, reason: ''}, 'closed'],
  [{code: 1006, reason: "Expected HTTP 101 response but was '404 Not Found'"}, 'not_sayso'],
] as const)('a session that ends with %j is %s', (end, problem) => {
  expect(sessionFinding(end)).toMatchObject({step: 'session', problem});
});

test('the waits of the client are below the time that a session is kept', () => {
  expect(DEFAULT_POLICY.longestMs).toBeLessThan(30_000);
});
