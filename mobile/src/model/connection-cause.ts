/**
 * Why a connection failed, from what the phone says of it: React Native passes on the platform's own message, in English.
 *
 * The messages are those of OkHttp and Java on Android, and of SocketRocket and CFNetwork on iOS. One that is not known gives
 * `undefined`: then the app says that the server does not answer, and shows the message.
 */

export type ConnectionCause =
  | 'refused' | 'unreachable' | 'unknown_host' | 'certificate' | 'no_tls' | 'wants_tls' | 'key' | 'elsewhere' | 'often' | 'full'
  | 'not_sayso';

const BY_MESSAGE: readonly (readonly [RegExp, ConnectionCause])[] = [
  [/\b(?:response|code|HTTP)\b.*\b(?:401|403)\b/i, 'key'],
  [/\b(?:response|code|HTTP)\b.*\b421\b/i, 'elsewhere'],
  [/\b(?:response|code|HTTP)\b.*\b429\b/i, 'often'],
  [/\b(?:response|code|HTTP)\b.*\b503\b/i, 'full'],
  [/\b(?:response|code|HTTP)\b.*\b(?:200|30\d|404|405|426|50\d)\b/i, 'not_sayso'],
  [/trust anchor|certpath|certificate|hostname .* not verified|-98(?:07|08|13|43)|-120[2-6]/i, 'certificate'],
  [/cleartext|app transport security|-1022/i, 'wants_tls'],
  [/unable to parse tls|plaintext connection|wrong version number|-9(?:805|836|847)/i, 'no_tls'],
  [/unexpected end of stream|connection reset|connection closed|socket closed|-1005/i, 'wants_tls'],
  [/unable to resolve host|unknownhost|hostname could not be found|nodename nor servname|-1003/i, 'unknown_host'],
  [/refused|-1004/i, 'refused'],
  [/timed? ?out|no route|unreachable|host is down|offline|does not answer|-100[19]/i, 'unreachable'],
];

export function causeOf(message: string): ConnectionCause | undefined {
  return BY_MESSAGE.find(([pattern]) => pattern.test(message))?.[1];
}
