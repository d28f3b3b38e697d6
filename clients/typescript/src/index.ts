/**
 * A client of sayso's native protocol, for browsers and Node; `browser.ts` adds a microphone and a loudspeaker.
 *
 *     const client = new SaysoClient({url: 'ws://127.0.0.1:8000/ws', options: {client_id: 'me', capabilities: ['llm', 'tools']}});
 *     client.on('reply', ({text}) => console.log(text));
 *     client.on('connection_accepted', () => client.sendText('what time is it'));
 *     client.connect();
 */

export * from './client.ts';
export type * as events from './events.ts';
export * from './reconnection.ts';
export {SentAudio} from './sent-audio.ts';
