// A server on node with ws: node ws.mjs plain|deflate|tls PORT [KEY CERTIFICATE]

import { readFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";
import { WebSocketServer } from "ws";
import { helloOk, message, ok, People, WINDOW_MS } from "./people.mjs";

const [mode, port, key, certificate] = process.argv.slice(2);
const people = new People();
const listeners = new Set();
const watchers = new Set();

const server =
  mode === "tls"
    ? https.createServer({ key: readFileSync(key), cert: readFileSync(certificate) })
    : http.createServer();
const sockets = new WebSocketServer({ server, perMessageDeflate: mode === "deflate" });

const sendToAll = (receivers, event) => {
  const text = Buffer.from(JSON.stringify(event)); // so that ws encodes it once
  for (const receiver of receivers) receiver.send(text, { binary: false });
};

sockets.on("connection", (socket) => {
  let user = null;
  const leave = () => {
    people.leave(socket, user);
    listeners.delete(socket);
    watchers.delete(socket);
    user = null;
  };
  const answer = (request) => {
    switch (request.type) {
      case "HELLO":
        user = request.userid;
        people.enter(socket, user);
        if (request.broadcast === false) listeners.delete(socket);
        else listeners.add(socket);
        return helloOk(request);
      case "sendMessageToUser": {
        const receivers = people.users.get(request.id) ?? new Set();
        sendToAll(receivers, message(user, request));
        return { ...ok(request), delivered: receivers.size };
      }
      case "subscribeOnlineStatus":
        watchers.add(socket);
        return ok(request);
      default:
        leave();
        return ok(request);
    }
  };
  socket.on("message", (data) => socket.send(JSON.stringify(answer(JSON.parse(data)))));
  socket.on("close", leave);
  socket.on("error", () => {});
});

setInterval(() => {
  const news = people.publish();
  if (news === null) return;
  sendToAll(watchers, news.status);
  sendToAll(listeners, news.users);
}, WINDOW_MS);

server.listen({ port, host: "127.0.0.1", backlog: 4096 });
