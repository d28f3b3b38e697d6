// Deepgram's own client, unmodified: streams a file of samples, and prints each message as a line of JSON.
// node deepgram_stream.mjs FOLDER_OF_THE_SDK HOST:PORT FILE
import fs from "node:fs";
import { createRequire } from "node:module";

const [folder, host, file] = process.argv.slice(2);
const { DeepgramClient } = createRequire(`${folder}/package.json`)(folder);
const environment = { base: `http://${host}`, production: `ws://${host}`, agent: `ws://${host}`, agentRest: `http://${host}` };
const client = new DeepgramClient({ apiKey: "none", environment });
const stream = await client.listen.v1.connect({
  model: "nova-3", encoding: "linear16", sample_rate: 16000, interim_results: "true", vad_events: "true",
  utterance_end_ms: 1000, Authorization: "Token none",
});
stream.on("message", (message) => {
  const text = message.channel?.alternatives?.[0]?.transcript;
  console.log(JSON.stringify({ type: message.type, is_final: message.is_final, text }));
  if (message.type === "Results" && message.is_final && text) stream.sendCloseStream({ type: "CloseStream" });
  if (message.type === "Metadata") process.exit(0);
});
stream.on("error", (error) => {
  console.error(error?.message ?? error);
  process.exit(1);
});
stream.connect();
await stream.waitForOpen();
const audio = fs.readFileSync(file);
for (let at = 0; at < audio.length; at += 3200) stream.sendMedia(audio.subarray(at, at + 3200));
stream.sendKeepAlive({ type: "KeepAlive" });
