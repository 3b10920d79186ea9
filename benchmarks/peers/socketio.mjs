// A server on Socket.IO: node socketio.mjs plain PORT; requests and events go by their names.

import http from "node:http";
import { Server } from "socket.io";
import { helloOk, message, ok, People, WINDOW_MS } from "./people.mjs";

const people = new People();
const server = http.createServer();
const io = new Server(server, { transports: ["websocket"], serveClient: false });

const room = (user) => `user:${user}`;

io.on("connection", (socket) => {
  let user = null;
  const leave = () => {
    if (user === null) return;
    people.leave(socket, user);
    socket.leave(room(user));
    socket.leave("listeners");
    user = null;
  };
  socket.on("HELLO", (request) => {
    user = request.userid;
    people.enter(socket, user);
    socket.join(room(user));
    if (request.broadcast === false) socket.leave("listeners");
    else socket.join("listeners");
    socket.emit("OK", helloOk({ type: "HELLO", ...request }));
  });
  socket.on("sendMessageToUser", (request) => {
    const delivered = io.sockets.adapter.rooms.get(room(request.id))?.size ?? 0;
    io.to(room(request.id)).emit("message", message(user, request));
    socket.emit("OK", { ...ok({ type: "sendMessageToUser", ...request }), delivered });
  });
  socket.on("subscribeOnlineStatus", (request) => {
    socket.join("watchers");
    socket.emit("OK", ok({ type: "subscribeOnlineStatus", ...request }));
  });
  socket.on("GOODBYE", (request) => {
    leave();
    socket.emit("OK", ok({ type: "GOODBYE", ...request }));
  });
  socket.on("disconnect", leave);
});

setInterval(() => {
  const news = people.publish();
  if (news === null) return;
  io.to("watchers").emit("onlineStatus", news.status);
  io.to("listeners").emit("onlineUsers", news.users);
}, WINDOW_MS);

server.listen({ port: process.argv[3], host: "127.0.0.1", backlog: 4096 });
