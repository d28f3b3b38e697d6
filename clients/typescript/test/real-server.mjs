// A spoken command through a real server, with the line cut in the middle of it:
//
//     node --experimental-websocket real-server.mjs ws://127.0.0.1:8000/ws command.pcm
//
// command.pcm is s16le at 16 kHz, mono. Prints what happened as one JSON object.
import {readFileSync} from 'node:fs';
import {SaysoClient} from '../../../web/client/index.js';

const FRAME_BYTES = 3_200; // 0.1 s
const LIMIT_MS = 90_000;
const SHOWN = new Set(['connection_accepted', 'transcript', 'understood', 'tool_result', 'reply', 'turn_completed']);
const [url, path] = process.argv.slice(2);
const pcm = readFileSync(path);
const silence = Buffer.alloc(10 * FRAME_BYTES);
const sockets = [];
class WatchedSocket extends WebSocket {
  constructor(...address) {
    super(...address);
    sockets.push(this);
  }
}

const client = new SaysoClient({
  url, options: {client_id: 'node', capabilities: ['stt', 'tools']}, WebSocket: WatchedSocket, random: () => 0.2,
});
const told = [];
const next = (type) => new Promise((resolve) => {
  const stop = client.on(type, (data) => (stop(), resolve(data)));
});
client.on('frame', ({type, data}) => SHOWN.has(type) && told.push({type, data}));
const limit = setTimeout(() => finish(1), LIMIT_MS);

function finish(code) {
  clearTimeout(limit);
  console.log(JSON.stringify({told, samples: client.samples, sockets: sockets.length, phase: client.state.phase}));
  process.exit(code);
}

function say(bytes) {
  for (let at = 0; at < bytes.byteLength; at += FRAME_BYTES) client.sendAudio(new Uint8Array(bytes.subarray(at, at + FRAME_BYTES)));
}

client.connect();
await next('connection_accepted');
const half = Math.floor(pcm.byteLength / 2 / FRAME_BYTES) * FRAME_BYTES;
const started = next('speech_started');
say(pcm.subarray(0, half));
await started;
const accepted = next('connection_accepted');
sockets[0].close(4000);
say(pcm.subarray(half));
await accepted;
const completed = next('turn_completed');
say(silence);
await completed;
client.bye();
while (client.state.phase !== 'closed') await next('connection_state');
finish(0);
