import {AddressError, isPairingLink, isThisDevice, otherScheme, pageUrl, pairedServer, socketUrl} from '../../src/model/server-address.ts';

const problemOf = (read: () => unknown) => {
  try {
    read();
  } catch (error) {
    return error instanceof AddressError ? error.problem : String(error);
  }
  return undefined;
};

test.each([
  ['192.168.0.7', 'ws://192.168.0.7:8000/ws'],
  [' 192.168.0.7:9000 ', 'ws://192.168.0.7:9000/ws'],
  ['raspberrypi.local', 'ws://raspberrypi.local:8000/ws'],
  ['nas', 'ws://nas:8000/ws'],
  ['[fe80::1]:8000', 'ws://[fe80::1]:8000/ws'],
  ['voice.example.org', 'wss://voice.example.org/ws'],
  ['http://192.168.0.7:8000', 'ws://192.168.0.7:8000/ws'],
  ['https://Voice.Example.org/', 'wss://voice.example.org/ws'],
  ['https://example.org/sayso/ws', 'wss://example.org/sayso/ws'],
  ['WSS://192.168.0.7:08000/ws', 'wss://192.168.0.7:8000/ws'],
  ['172.32.0.1', 'wss://172.32.0.1/ws'],
  ['bücher.example', 'wss://bücher.example/ws'],
])('%s is the address %s', (typed, url) => {
  expect(socketUrl(typed)).toBe(url);
});

test.each([
  ['', 'empty'], ['   ', 'empty'], ['ftp://nas', 'scheme'], ['javascript://nas', 'scheme'], ['http://', 'host'], ['a b', 'host'], ['nas..local', 'host'],
  ['user@nas', 'host'], ['<b>', 'host'], ['nas?x=1', 'host'], ['nas:0', 'port'], ['nas:65536', 'port'], ['nas:', 'port'], ['ws://-nas', 'host'],
])('%p is no address: %s', (typed, problem) => {
  expect(problemOf(() => socketUrl(typed))).toBe(problem);
});

test('pages lie beside the socket', () => {
  expect(pageUrl('wss://example.org/sayso/ws', 'api/commands')).toBe('https://example.org/sayso/api/commands');
  expect(pageUrl('ws://nas:8000/ws', 'health')).toBe('http://nas:8000/health');
  expect(otherScheme('ws://nas:8000/ws')).toBe('wss://nas:8000/ws');
  expect(otherScheme('wss://nas/ws')).toBe('ws://nas/ws');
});

test.each([['ws://127.0.0.1:8000/ws', true], ['ws://localhost/ws', true], ['ws://[::1]:1/ws', true], ['ws://localhost.example.org/ws', false], ['ws://10.0.0.1/ws', false]])(
  'whether %s is the phone itself: %p', (url, expected) => {
    expect(isThisDevice(url)).toBe(expected);
  },
);

const FINGERPRINT = 'ab:'.repeat(31) + 'ab';
const LINK = `sayso://pair?url=wss%3A%2F%2F192.168.0.7%3A8000%2Fws&key=sayso_aB3-_x&fingerprint=${encodeURIComponent(FINGERPRINT)}`;

test('a pairing link has the address, the key and the fingerprint', () => {
  expect(isPairingLink(LINK)).toBe(true);
  expect(pairedServer(` ${LINK}\n`)).toEqual({url: 'wss://192.168.0.7:8000/ws', key: 'sayso_aB3-_x', fingerprint: FINGERPRINT});
  expect(pairedServer('sayso://pair?url=ws%3A%2F%2Fnas%3A8000%2Fws')).toEqual({url: 'ws://nas:8000/ws', key: undefined, fingerprint: undefined});
});

test.each([
  'sayso://pair', 'sayso://pair?key=a', 'sayso://pairs?url=ws%3A%2F%2Fnas', 'sayso://pair?url=http%3A%2F%2Fnas', 'sayso://pair?url=javascript%3Aalert(1)',
  'sayso://pair?url=ws%3A%2F%2Fnas&key=a%0Ab', 'sayso://pair?url=ws%3A%2F%2Fnas&key=%E2%80%AE', 'sayso://pair?url=%E0%A4%A', `sayso://pair?url=ws%3A%2F%2Fnas&key=${'a'.repeat(513)}`,
  'sayso://pair?url=ws%3A%2F%2Fnas&fingerprint=zz', 'https://example.org',
])('%s is no pairing link', (link) => {
  expect(problemOf(() => pairedServer(link))).toBe('pairing');
});

test('a pairing link with a bad address says what is wrong with it', () => {
  expect(problemOf(() => pairedServer('sayso://pair?url=ws%3A%2F%2Fnas%3A99999'))).toBe('port');
});
