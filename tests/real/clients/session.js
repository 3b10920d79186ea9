// Plays a session by the package ws and prints what it saw: node session.js URL USERID TOKEN.
// PRESENCE_NODE_MODULES is where ws is, unless require() finds it.

"use strict";

const path = require("node:path");

const { PRESENCE_NODE_MODULES } = process.env;
const WebSocket = require(PRESENCE_NODE_MODULES ? path.join(PRESENCE_NODE_MODULES, "ws") : "ws");

const SUBPROTOCOL = "presence.v1.json";
const PAYLOAD = { text: "grüß dich ✓", n: [1, null, true] };

// A connection that knows replies from events.
class Session {
  constructor(url) {
    this.ref = 0;
    this.asked = new Map();
    this.events = [];
    this.awaited = [];
    this.socket = new WebSocket(url, SUBPROTOCOL);
    this.socket.on("message", (data) => this.hear(JSON.parse(data)));
    this.opened = new Promise((resolve, reject) => {
      this.socket.on("open", resolve);
      this.socket.on("error", reject);
    });
    this.closed = new Promise((resolve) => this.socket.on("close", resolve));
  }

  hear(frame) {
    if (this.asked.has(frame.ref)) {
      this.asked.get(frame.ref)(frame);
    } else {
      this.events.push(frame);
      this.look();
    }
  }

  look() {
    for (const [index, { type, resolve }] of this.awaited.entries()) {
      const found = this.events.findIndex((event) => event.type === type);
      if (found < 0) continue;
      this.awaited.splice(index, 1);
      resolve(this.events.splice(found, 1)[0]);
      return;
    }
  }

  ask(type, fields = {}) {
    this.ref += 1;
    const { ref } = this;
    this.socket.send(JSON.stringify({ type, ref, ...fields }));
    return new Promise((resolve) => this.asked.set(ref, resolve));
  }

  event(type) {
    return new Promise((resolve) => {
      this.awaited.push({ type, resolve });
      this.look();
    });
  }
}

async function closeCode(url, ...frames) {
  const { socket, opened, closed } = new Session(url);
  await opened;
  for (const frame of frames) socket.send(frame);
  return closed;
}

async function main(url, userId, accesstoken) {
  const session = new Session(url);
  await session.opened;
  const early = await session.ask("getAllOnline");
  const hello = await session.ask("HELLO", { userid: userId, accesstoken });
  const firstList = await session.event("onlineUsers");
  const subscribed = await session.ask("subscribeOnlineStatus");
  const page = await session.ask("getAllOnline");
  const sent = await session.ask("sendMessageToUser", { id: userId, message: PAYLOAD });
  const message = await session.event("message");
  const ping = await session.ask("PING");
  const goodbye = await session.ask("GOODBYE");
  const late = await session.ask("getAllOnline");
  session.socket.close(1000);
  const seen = {
    subprotocol: session.socket.protocol,
    early: early.code,
    hello: [hello.type, hello.userid],
    onlineUsers: firstList.online,
    subscribed: subscribed.online,
    getAllOnline: page.online,
    ownSocket: page.sockets.length === 1 && page.sockets[0].socket === hello.socket,
    delivered: sent.delivered,
    message: [message.from, JSON.stringify(message.message) === JSON.stringify(PAYLOAD)],
    ping: ping.type,
    goodbye: goodbye.type,
    late: late.code,
    closed: await session.closed,
    binary: await closeCode(url, Buffer.from("binary")),
    silent: await closeCode(url),
  };
  console.log(JSON.stringify(seen));
}

const [url, userId, token] = process.argv.slice(2);
main(url, Number(userId), token).catch((problem) => {
  console.error(problem);
  process.exit(1);
});
