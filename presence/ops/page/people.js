// Who comes and goes, what is known of a user, and who was refused. All of it is shown as text.

import { askWithKey } from "./daemon.js";

const MOST_ROWS = 200;
const MOST_NAMED = 50; // users of one event whose causes are not told
const MOST_TRANSITIONS = 30;

export function element(tag, className = "", ...children) {
  const made = document.createElement(tag);
  made.className = className;
  made.append(...children); // strings become text
  return made;
}

const twoDigits = (number) => String(number).padStart(2, "0");

function clock(seconds) {
  const date = new Date(seconds * 1000);
  const time = element("time", "", date.toLocaleTimeString("en-GB"));
  time.dateTime = date.toISOString();
  time.title = date.toLocaleString("en-GB");
  return time;
}

export function duration(seconds) {
  const [days, hours, minutes] = [seconds / 86_400, (seconds / 3600) % 24, (seconds / 60) % 60].map(Math.floor);
  if (days) return `${days} d ${hours} h`;
  if (hours) return `${hours} h ${twoDigits(minutes)} min`;
  return minutes ? `${minutes} min` : `${Math.floor(seconds)} s`;
}

const arrow = (to) => element("b", to, to === "online" ? "came" : "went");

// The feed. The stream says that the list has moved; the rows and their causes are then asked for, so that
// a user who came and went between two publications is shown too.
export class Feed {
  constructor(list, lookUp) {
    this.list = list;
    this.lookUp = lookUp;
    this.clear();
  }

  clear() {
    this.list.replaceChildren();
    this.epoch = undefined;
    this.seen = 0; // the version of the latest transition that is shown
    this.position = undefined; // in the stream
  }

  // Show what is remembered, unless that was done before: then the stream goes on from where it was.
  async begin(signal) {
    if (this.position !== undefined) return;
    const latest = await askWithKey("transitions", signal);
    this.position = `${latest.epoch}:${latest.version}`;
    this.show(latest, { wentOnline: [], wentOffline: [], previous: latest.version });
  }

  // Show what is new since, `change` being all that came and went on balance.
  async catchUp(change, signal) {
    this.show(await askWithKey("transitions", signal), change);
  }

  show({ epoch, transitions }, change) {
    if (epoch !== this.epoch) {
      if (this.epoch !== undefined) this.list.prepend(element("li", "more", "the daemon was started anew"));
      this.epoch = epoch;
      this.seen = 0;
    }
    const isNew = ({ version }) => version > this.seen;
    const rows = transitions.filter(isNew).map((one) => this.row(one.id, one.to, one.at, one.cause));
    const told = new Set(transitions.filter(({ version }) => version > change.previous).map(({ id }) => id));
    rows.push(...this.others("online", change.wentOnline, told), ...this.others("offline", change.wentOffline, told));
    this.seen = Math.max(this.seen, transitions[0]?.version ?? 0);
    this.list.prepend(...rows.slice(0, MOST_ROWS));
    while (this.list.childElementCount > MOST_ROWS) this.list.lastElementChild.remove();
  }

  // More came and went at once than the daemon tells the causes of.
  *others(to, users, told) {
    const others = users.filter((id) => !told.has(id));
    for (const id of others.slice(0, MOST_NAMED)) yield this.row(id, to, Date.now() / 1000, "");
    const more = others.length - MOST_NAMED;
    if (more > 0) yield element("li", "more", `and ${more} more ${to === "online" ? "came" : "went"}`);
  }

  row(id, to, at, cause) {
    const button = element("button", "link", `user ${id}`);
    button.type = "button";
    button.addEventListener("click", () => this.lookUp(id));
    const row = element("li", "", clock(at), arrow(to), button, element("code", "", cause));
    row.dataset.user = id;
    row.dataset.to = to;
    return row;
  }
}

// What is known of a user; drawn anew only when it has changed, so that it can be read and copied.
export class User {
  constructor(place, empty) {
    this.place = place;
    this.empty = empty;
    this.clear();
  }

  clear() {
    this.place.replaceChildren();
    this.empty.hidden = false;
    this.id = undefined;
    this.drawn = "";
  }

  async look(signal) {
    const { id } = this;
    if (id === undefined) return;
    try {
      const about = await askWithKey(`users/${id}`, signal);
      if (id === this.id) this.draw(JSON.stringify(about), () => this.describe(about));
    } catch (problem) {
      if (problem.status !== 404) throw problem;
      this.draw(id, () => [element("p", "", `${id} is not the id of a user.`)]);
    }
  }

  draw(text, describe) {
    if (text === this.drawn) return;
    this.drawn = text;
    this.empty.hidden = true;
    this.place.replaceChildren(...describe());
  }

  *describe({ id, online, sockets, held_until: heldUntil, transitions }) {
    const state = online ? "online" : "offline";
    const line = element("p", "verdict", element("b", state, state), ` user ${id}`);
    line.dataset.user = id;
    yield line;
    if (heldUntil !== undefined) yield element("p", "", "held online until ", clock(heldUntil));
    yield element("h3", "", `Sockets: ${sockets.length}`);
    const list = element("ul", "sockets");
    for (const { socket, since, client, peer } of sockets) {
      list.append(element("li", "", element("code", "", socket), clock(since), ` ${peer} ${client ?? ""}`));
    }
    yield list;
    yield element("h3", "", "Came and went");
    const rows = element("ol", "past");
    for (const { at, to, cause } of transitions.slice(0, MOST_TRANSITIONS)) {
      rows.append(element("li", "", clock(at), arrow(to), element("code", "", cause)));
    }
    if (!transitions.length) rows.append(element("li", "", "Not of late."));
    yield rows;
  }
}

// The last refusals, and how many there are of each code.
export class Refusals {
  constructor(codes, list) {
    this.codes = codes;
    this.list = list;
    this.clear();
  }

  clear() {
    this.codes.replaceChildren();
    this.list.replaceChildren();
    this.drawn = "";
  }

  async look(signal) {
    const { refusals } = await askWithKey("refusals", signal);
    const text = JSON.stringify(refusals);
    if (text === this.drawn) return;
    this.drawn = text;
    const counts = new Map();
    for (const { code, reason } of refusals) {
      const before = counts.get(code) ?? { number: 0, reason };
      counts.set(code, { ...before, number: before.number + 1 });
    }
    const most = [...counts].sort(([, one], [, other]) => other.number - one.number);
    this.codes.replaceChildren(...most.map(([code, { number, reason = "" }]) => {
      const item = element("li", "", element("b", "", String(number)), element("code", "", code), ` ${reason}`);
      item.dataset.code = code;
      return item;
    }));
    this.list.replaceChildren(...refusals.map(({ at, peer, code }) =>
      element("li", "", clock(at), element("code", "", code), element("span", "", peer))));
  }
}
