// OpenAI's own client, unmodified: asks a typed question, and prints the type of each event and the answer, as JSON.
// node realtime_openai.mjs FOLDER_OF_THE_SDK BASE_URL ga|beta
import { createRequire } from "node:module";

const [folder, baseURL, kind] = process.argv.slice(2);
const require = createRequire(`${folder}/package.json`);
const OpenAI = require("openai");
const { OpenAIRealtimeWS } = require(kind === "beta" ? "openai/beta/realtime/ws" : "openai/realtime/ws");
const realtime = new OpenAIRealtimeWS({ model: "gpt-realtime" }, new OpenAI({ apiKey: "none", baseURL }));
const types = [];
realtime.on("error", (error) => {
  console.error(error.message);
  process.exit(1);
});
realtime.on("event", (event) => {
  types.push(event.type);
  if (event.type !== "response.done") return;
  const { text } = event.response.output[0].content[0];
  console.log(JSON.stringify({ types, status: event.response.status, text }));
  process.exit(0);
});
realtime.socket.on("open", () => {
  const session = kind === "beta" ? { modalities: ["text"] } : { type: "realtime", output_modalities: ["text"] };
  const content = [{ type: "input_text", text: "tell me a joke" }];
  realtime.send({ type: "session.update", session });
  realtime.send({ type: "conversation.item.create", item: { type: "message", role: "user", content } });
  realtime.send({ type: "response.create" });
});
