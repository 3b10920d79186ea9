// Who is online, for the peers in JavaScript; the same for each of them.

export const WINDOW_MS = 250;

export const ok = (request) => ({ type: "OK", re: request.type, ref: request.ref });

export const helloOk = (request) => ({
  ...ok(request),
  userid: request.userid,
  socket: "5f0c8e0f5d1c4b7c9a3e2d1f",
  ping: 25,
  maxbytes: 65536,
  features: [],
});

export const message = (sender, request) => ({
  type: "message",
  from: sender,
  message: request.message,
  ts: Date.now() / 1000,
});

export class People {
  users = new Map();
  #published = new Set();
  #version = 0;

  enter(socket, user) {
    const sockets = this.users.get(user);
    if (sockets === undefined) this.users.set(user, new Set([socket]));
    else sockets.add(socket);
  }

  leave(socket, user) {
    const sockets = this.users.get(user);
    if (sockets === undefined) return;
    sockets.delete(socket);
    if (sockets.size === 0) this.users.delete(user);
  }

  // What watchers and listeners are to be told, or null when nothing has changed.
  publish() {
    const wentOnline = [...this.users.keys()].filter((user) => !this.#published.has(user));
    const wentOffline = [...this.#published].filter((user) => !this.users.has(user));
    if (wentOnline.length + wentOffline.length === 0) return null;
    this.#published = new Set(this.users.keys());
    const online = [...this.#published].sort((a, b) => a - b);
    const version = ++this.#version;
    return {
      status: { type: "onlineStatus", version, wentOnline, wentOffline },
      users: { type: "onlineUsers", online, version },
    };
  }
}
