// Sends itself large messages, compressed, and prints what came: node deflate.js URL USERID TOKEN.
// PRESENCE_NODE_MODULES is where ws is, unless require() finds it.

"use strict";

const path = require("node:path");

const { PRESENCE_NODE_MODULES } = process.env;
const WebSocket = require(PRESENCE_NODE_MODULES ? path.join(PRESENCE_NODE_MODULES, "ws") : "ws");

const [url, userId, token] = process.argv.slice(2);
const texts = Array.from({ length: 5 }, (_, number) => `${number} grüß dich ✓ `.repeat(1500));
const socket = new WebSocket(url, "presence.v1.json", { perMessageDeflate: { threshold: 0 } });
const came = [];

socket.on("open", () => {
  const user = Number(userId);
  socket.send(JSON.stringify({ type: "HELLO", userid: user, accesstoken: token }));
  for (const text of texts) socket.send(JSON.stringify({ type: "sendMessageToUser", id: user, message: text }));
});

socket.on("message", (data) => {
  const event = JSON.parse(data);
  if (event.type !== "message") return;
  came.push(event.message);
  if (came.length < texts.length) return;
  const size = Buffer.byteLength(texts.join(""));
  const seen = {
    extension: socket.extensions,
    same: texts.every((text, index) => text === came[index]),
    compressed: [socket._socket.bytesRead < size / 10, socket._socket.bytesWritten < size / 10],
  };
  console.log(JSON.stringify(seen));
  socket.close(1000);
});

socket.on("error", (problem) => {
  console.error(problem);
  process.exit(1);
});
