// A server on Bun, with its publish(): bun bun.mjs plain|deflate|tls PORT [KEY CERTIFICATE]

import { helloOk, message, ok, People, WINDOW_MS } from "./people.mjs";

const [mode, port, key, certificate] = process.argv.slice(2);
const people = new People();

const room = (user) => `user:${user}`;

const leave = (socket) => {
  if (socket.data.user === null) return;
  people.leave(socket, socket.data.user);
  socket.unsubscribe(room(socket.data.user));
  socket.unsubscribe("listeners");
  socket.unsubscribe("watchers");
  socket.data.user = null;
};

const answer = (socket, request) => {
  switch (request.type) {
    case "HELLO":
      socket.data.user = request.userid;
      people.enter(socket, request.userid);
      socket.subscribe(room(request.userid));
      if (request.broadcast === false) socket.unsubscribe("listeners");
      else socket.subscribe("listeners");
      return helloOk(request);
    case "sendMessageToUser": {
      const delivered = server.subscriberCount(room(request.id));
      server.publish(room(request.id), JSON.stringify(message(socket.data.user, request)));
      return { ...ok(request), delivered };
    }
    case "subscribeOnlineStatus":
      socket.subscribe("watchers");
      return ok(request);
    default:
      leave(socket);
      return ok(request);
  }
};

const server = Bun.serve({
  port: Number(port),
  hostname: "127.0.0.1",
  tls: mode === "tls" ? { key: Bun.file(key), cert: Bun.file(certificate) } : undefined,
  fetch(request, server) {
    if (server.upgrade(request, { data: { user: null } })) return undefined;
    return new Response("a WebSocket is expected", { status: 400 });
  },
  websocket: {
    perMessageDeflate: mode === "deflate",
    message: (socket, text) => void socket.send(JSON.stringify(answer(socket, JSON.parse(text)))),
    close: leave,
  },
});

setInterval(() => {
  const news = people.publish();
  if (news === null) return;
  server.publish("watchers", JSON.stringify(news.status));
  server.publish("listeners", JSON.stringify(news.users));
}, WINDOW_MS);
