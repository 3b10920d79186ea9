// The demo page: three clients of the daemon, each with its own WebSocket.
// Everything that is shown goes through textContent.

const SUBPROTOCOL = "presence.v1.json";
const PASSWORD = "start123";
const SHORTEST_CEILING_SECONDS = 0.5;
const LONGEST_CEILING_SECONDS = 20;
const PING_GRACE_SECONDS = 10;
const MOST_LINES = 400;
const MOST_BUBBLES = 100;
const FAREWELL_SECONDS = 1.5;

const byId = (id) => document.getElementById(id);
const clock = () => new Date().toLocaleTimeString("en-GB");

function element(tag, className = "", text = "") {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}

// Add to a list that scrolls; stay where the reader is, unless that is at the end.
function append(list, item, most) {
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < 24;
  list.append(item);
  while (list.childElementCount > most) list.firstElementChild.remove();
  if (atEnd) list.scrollTop = list.scrollHeight;
}

const plural = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;
const withoutToken = (message, field) => (field in message ? { ...message, [field]: "…" } : message);

class Panel {
  constructor(account, { websocket, accounts, names }) {
    this.account = account;
    this.websocket = websocket;
    this.names = names;
    this.socket = null;
    this.token = null;
    this.wanted = false; // whether the person wants to be logged in
    this.attempt = 0; // counts log-ins and log-outs, so that late answers are recognised
    this.ceiling = SHORTEST_CEILING_SECONDS;
    this.hint = 0;
    this.timers = new Map();
    this.people = new Map();
    this.ref = 0;
    this.asked = new Map();
    this.build(accounts.filter(({ id }) => id !== account.id));
  }

  // The page.

  build(others) {
    this.root = byId("panel").content.firstElementChild.cloneNode(true);
    const find = (selector) => this.root.querySelector(selector);
    const { id, name, email } = this.account;
    this.root.id = `panel-${id}`;
    this.root.setAttribute("aria-label", name);
    find(".avatar").textContent = name.slice(0, 1);
    find(".name").textContent = name;
    find(".number").textContent = `user id ${id}`;
    find(".email").textContent = email;
    this.fact = find(".fact");
    this.stateLine = find(".state");
    this.password = find(".password input");
    this.password.value = PASSWORD;
    this.text = find(".send input");
    this.list = find(".people");
    this.count = find(".count");
    this.empty = find(".empty");
    this.bubbles = find(".bubbles");
    this.bubbles.setAttribute("aria-label", `Messages of ${name}`);
    this.log = find(".log");

    find(".session").addEventListener("submit", (event) => {
      event.preventDefault();
      this.logIn();
    });
    find(".logout").addEventListener("click", () => this.logOut());
    find(".send").addEventListener("submit", (event) => {
      event.preventDefault();
      this.sendTo(Number(event.submitter?.value ?? others[0].id));
    });

    this.controls = [this.text];
    for (const other of others) {
      const button = element("button", "", `→ ${other.name}`);
      button.value = other.id;
      button.setAttribute("aria-label", `Send to ${other.name}`);
      this.controls.push(button);
      find(".targets").append(button);
    }
    for (const type of ["getAllOnline", "subscribeOnlineStatus", "unsubscribeOnlineStatus", "PING"]) {
      const button = element("button", "", type.replace("OnlineStatus", ""));
      button.type = "button";
      button.title = `Send ${type}`;
      button.addEventListener("click", () => this.request(type));
      this.controls.push(button);
      find(".requests").append(button);
    }
    this.show("offline", "offline");
    byId("panels").append(this.root);
  }

  // States: offline, busy (on the way), online, refused (needs a person).
  show(state, text) {
    this.root.dataset.state = state;
    this.stateLine.textContent = text;
    for (const control of this.controls) control.disabled = state !== "online";
    if (state === "online") return;
    this.fact.textContent = "";
    this.showOnline(null);
  }

  nameOf(id) {
    return this.names.get(id) ?? `user ${id}`;
  }

  showOnline(online) {
    const known = online !== null;
    const first = this.people.size === 0;
    this.count.textContent = known ? online.length : "";
    const hint = this.offline ? "Log in to see who is here." : "Not connected.";
    this.empty.textContent = known ? "Nobody." : hint;
    const now = new Set(online ?? []);
    for (const [id, item] of this.people) {
      if (now.has(id)) continue;
      this.people.delete(id);
      if (!known) {
        item.remove();
        continue;
      }
      item.className = "left";
      setTimeout(() => item.remove(), FAREWELL_SECONDS * 1000);
    }
    if (!known) this.list.replaceChildren();
    for (const id of now) {
      if (this.people.has(id)) continue;
      const item = element("li", first ? "" : "came", this.nameOf(id));
      item.classList.toggle("self", id === this.account.id);
      item.dataset.id = id;
      item.title = `user id ${id}`;
      this.people.set(id, item);
      const next = [...this.list.children].find((other) => Number(other.dataset.id) > id);
      this.list.insertBefore(item, next ?? null);
    }
  }

  showMessage(who, body, mine) {
    const item = element("li", mine ? "mine" : "");
    item.append(element("small", "", who), element("span", "", body));
    append(this.bubbles, item, MOST_BUBBLES);
    return item;
  }

  write(kind, text) {
    const line = element("li", kind);
    const mark = { out: "↑", in: "↓", "in wrong": "↓" }[kind] ?? "·";
    const code = element("code");
    for (const part of text.split(/(?<=,)/)) code.append(part, element("wbr")); // a line may end after a comma
    line.append(element("time", "", clock()), element("b", "", mark), code);
    append(this.log, line, MOST_LINES);
  }

  // One timer for each purpose.
  after(purpose, seconds, action) {
    clearTimeout(this.timers.get(purpose));
    this.timers.set(purpose, setTimeout(action, seconds * 1000));
  }

  stopTimers() {
    for (const timer of this.timers.values()) clearTimeout(timer);
    this.timers.clear();
  }

  // Coming and going.

  get offline() {
    return ["offline", "refused"].includes(this.root.dataset.state);
  }

  logIn() {
    this.wanted = true;
    this.token = null;
    this.ceiling = SHORTEST_CEILING_SECONDS;
    return this.connect();
  }

  logOut() {
    this.wanted = false;
    const done = () => this.leave("offline", "offline");
    if (this.root.dataset.state !== "online") {
      done();
      return;
    }
    this.show("busy", "logging out …");
    this.request("GOODBYE", {}, done, done);
    this.after("log out", FAREWELL_SECONDS, done);
  }

  // Drop whatever is under way.
  leave(state, text) {
    this.attempt += 1;
    this.stopTimers();
    this.asked.clear();
    const { socket } = this;
    this.socket = null;
    if (socket) {
      socket.close(1000);
      this.write("note", "closed");
    }
    this.show(state, text);
  }

  comeBack(why) {
    if (!this.wanted) {
      this.leave("offline", "offline");
      return;
    }
    this.leave("busy", why);
    const pause = this.hint + Math.random() * this.ceiling;
    this.hint = 0;
    this.ceiling = Math.min(2 * this.ceiling, LONGEST_CEILING_SECONDS);
    this.show("busy", `back in ${pause.toFixed(1)} s`);
    this.write("note", `${why}; connecting again in ${pause.toFixed(1)} s`);
    this.after("come back", pause, () => this.connect());
  }

  refuse(why, inShort = why) {
    this.write("note wrong", why);
    this.leave("refused", inShort);
  }

  async connect() {
    this.attempt += 1;
    const { attempt } = this;
    this.show("busy", "logging in …");
    if (!this.token) {
      const token = await this.fetchToken();
      if (attempt !== this.attempt || !token) return;
      this.token = token;
      this.tokenIsNew = true;
    }
    this.show("busy", "connecting …");
    const socket = new WebSocket(this.websocket, SUBPROTOCOL);
    this.socket = socket;
    const current = (action) => (event) => {
      if (this.socket === socket) action(event);
    };
    socket.addEventListener("open", current(() => this.hello()));
    socket.addEventListener("message", current(({ data }) => this.hear(data)));
    socket.addEventListener("close", current((event) => this.lost(event)));
  }

  async fetchToken() {
    const { attempt } = this;
    this.write("note", "POST /oauth/token");
    let response;
    let answer;
    try {
      response = await fetch("/oauth/token", {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({
          grant_type: "password",
          client_id: "1",
          client_secret: "non-secret",
          username: this.account.email,
          password: this.password.value,
        }),
      });
      answer = await response.json();
    } catch {
      if (attempt === this.attempt) this.comeBack("no answer from the account API");
      return null;
    }
    if (attempt !== this.attempt) return null;
    const text = JSON.stringify(withoutToken(answer, "access_token"));
    this.write(response.ok ? "note" : "note wrong", `${response.status} ${text}`);
    if (response.ok) return answer.access_token;
    this.leave("refused", response.status === 400 ? "wrong password" : `HTTP ${response.status}`);
    return null;
  }

  hello() {
    if (this.root.dataset.state !== "online") this.show("busy", "saying HELLO …");
    this.request(
      "HELLO",
      { userid: this.account.id, accesstoken: this.token, client: "demo page" },
      (reply) => {
        this.tokenIsNew = false;
        this.ceiling = SHORTEST_CEILING_SECONDS;
        this.ping = reply.ping;
        this.watch();
        this.fact.textContent = `socket ${reply.socket}`;
        this.show("online", "online");
      },
      (error) => {
        if (error.code === "token_rejected" && !this.tokenIsNew) {
          this.renew(); // it ran out, or the account API started anew, while we were away
        } else if (error.temporary) {
          this.hint = error.after ?? 0;
          this.comeBack(error.code);
        } else {
          this.refuse(error.code);
        }
      },
    );
  }

  lost({ code, reason }) {
    this.socket = null;
    const why = `closed with ${code}${reason ? `, ${reason}` : ""}`;
    if (code >= 4400 && code < 4500) this.refuse(why, `closed with ${code}`);
    else this.comeBack(why);
  }

  // A connection that is silent for too long may be dead without a word.
  watch() {
    if (!this.ping) return;
    this.after("watch", this.ping, () => {
      this.request("PING");
      this.after("watch", PING_GRACE_SECONDS, () => this.comeBack("the server is silent"));
    });
  }

  // Requests and what comes back.

  request(type, parameters = {}, done = () => {}, failed = () => {}) {
    this.ref += 1;
    const message = { type, ref: this.ref, ...parameters };
    this.asked.set(this.ref, { done, failed });
    this.write("out", JSON.stringify(withoutToken(message, "accesstoken")));
    this.socket.send(JSON.stringify(message));
  }

  sendTo(id) {
    const body = this.text.value;
    this.text.value = "";
    const bubble = this.showMessage(`to ${this.nameOf(id)}`, body, true);
    const label = bubble.querySelector("small");
    this.request(
      "sendMessageToUser",
      { id, message: { text: body } },
      ({ delivered }) => {
        const fate = delivered ? `taken by ${plural(delivered, "socket")}` : "nobody is there";
        label.textContent += ` · ${fate}`;
      },
      ({ code }) => {
        label.textContent += ` · ${code}`;
      },
    );
  }

  hear(data) {
    const message = JSON.parse(data);
    this.write(message.type === "ERROR" ? "in wrong" : "in", data);
    this.watch();
    const { type, ref } = message;
    if (type === "OK" || type === "ERROR") {
      const asked = this.asked.get(ref);
      this.asked.delete(ref);
      asked?.[type === "OK" ? "done" : "failed"](message);
    } else if (type === "onlineUsers") {
      this.showOnline(message.online);
    } else if (type === "message") {
      const who = "from" in message ? this.nameOf(message.from) : "the platform";
      const body = message.message;
      this.showMessage(`from ${who}`, typeof body?.text === "string" ? body.text : JSON.stringify(body), false);
    } else if (type === "tokenRequired") {
      this.renew();
    } else if (type === "goingAway") {
      this.hint = message.after;
    }
  }

  async renew() {
    const { attempt } = this;
    const token = await this.fetchToken();
    if (attempt !== this.attempt || !token) return;
    this.token = token;
    this.tokenIsNew = true;
    this.hello();
  }
}

async function start() {
  const facts = await (await fetch("/demo.json")).json();
  byId("websocket").textContent = facts.websocket;
  const names = new Map([...facts.accounts, ...facts.visitors].map(({ id, name }) => [id, name]));
  const panels = facts.accounts.map((account) => new Panel(account, { ...facts, names }));
  const logInAll = () => panels.filter((panel) => panel.offline).forEach((panel) => panel.logIn());
  const logOutAll = () => panels.filter((panel) => !panel.offline).forEach((panel) => panel.logOut());
  byId("login-all").addEventListener("click", logInAll);
  byId("logout-all").addEventListener("click", logOutAll);
  byId("login-all").disabled = byId("logout-all").disabled = false;
  if (new URLSearchParams(location.search).has("auto")) logInAll();
}

start().catch((problem) => {
  byId("notice").textContent = `The demo cannot start: ${problem.message}`;
  byId("notice").hidden = false;
});
