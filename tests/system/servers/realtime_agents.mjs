// OpenAI's Agents SDK, unmodified: speaks a question whose answer needs a tool of its own, then speaks into a long
// answer, and prints what it knows of the conversation, as JSON.
// node realtime_agents.mjs FOLDER_OF_THE_SDK URL QUESTION_PCM INTERRUPTION_PCM
import fs from "node:fs";
import { createRequire } from "node:module";

const [folder, url, question, interruption] = process.argv.slice(2);
const require = createRequire(`${folder}/package.json`);
const { RealtimeAgent, RealtimeSession, OpenAIRealtimeWebSocket, tool } = require("@openai/agents-realtime");
const parameters = {
  type: "object", properties: { city: { type: "string" } }, required: ["city"], additionalProperties: false,
};
const called = [];
const weather = tool({
  name: "get_weather", description: "Tell the weather of a city.", parameters, strict: true,
  execute: async ({ city }) => {
    called.push(city);
    return `sunny in ${city}`;
  },
});
const agent = new RealtimeAgent({ name: "helper", instructions: "Be brief.", tools: [weather] });
const session = new RealtimeSession(agent, {
  transport: new OpenAIRealtimeWebSocket({ url, useInsecureApiKey: true }), model: "gpt-realtime",
});
const say = (file) => {
  const pcm = fs.readFileSync(file);
  for (let at = 0; at < pcm.length; at += 9600) {
    const part = pcm.subarray(at, at + 9600);
    session.sendAudio(part.buffer.slice(part.byteOffset, part.byteOffset + part.length));
  }
};
const messages = () => session.history.filter((item) => item.type === "message").map((item) => ({
  role: item.role, status: item.status, text: item.content.map((part) => part.transcript ?? part.text ?? "").join(" "),
}));
const errors = [];
let answers = 0, spoken = false, interrupted = false;
session.on("error", (error) => errors.push(JSON.stringify(error.error?.error ?? String(error.error))));
session.on("audio_interrupted", () => { interrupted = true; });
session.transport.on("*", (event) => {
  if (event.type === "response.output_audio.delta" && answers === 1 && !spoken) {
    spoken = true;
    say(interruption);
  }
  if (event.type !== "response.done") return;
  const { output, status } = event.response;
  if (output.some((item) => item.type === "function_call")) return;
  answers += 1;
  if (answers === 1) session.sendMessage("tell me a long story");
  if (answers < 3) return;
  setTimeout(() => {
    console.log(JSON.stringify({ called, errors, interrupted, status, messages: messages() }));
    process.exit(0);
  }, 100);
});
await session.connect({ apiKey: "ek_none" });
say(question);
setTimeout(() => {
  console.error(JSON.stringify({ called, errors, answers, messages: messages() }));
  process.exit(1);
}, 60000);
