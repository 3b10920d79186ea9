// The numbers of the daemon: read from the text of Prometheus, shown as tiles with their last five minutes.

const POINTS = 150;
const HEIGHT = 30;

const LINE = /^(presence_\w+|process_start_time_seconds)(?:\{(.*)\})? (\S+)/;
const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g;

const count = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const rate = new Intl.NumberFormat("en", { maximumSignificantDigits: 3 });

// One reading of /metrics.
export class Reading {
  constructor(text) {
    this.at = performance.now();
    this.samples = new Map();
    for (const line of text.split("\n")) {
      const [, name, labels = "", value] = LINE.exec(line) ?? [];
      if (name === undefined) continue;
      if (!this.samples.has(name)) this.samples.set(name, []);
      const pairs = [...labels.matchAll(LABEL)].map(([, label, text]) => [label, text]);
      this.samples.get(name).push({ labels: Object.fromEntries(pairs), value: Number(value) });
    }
  }

  of(name) {
    return this.samples.get(name) ?? [];
  }

  sum(name, wanted = () => true) {
    return this.of(name).reduce((sum, { labels, value }) => (wanted(labels) ? sum + value : sum), 0);
  }
}

const since = (before, now, read) => Math.max(0, read(now) - read(before));
const now = (name) => (_, reading) => reading.sum(name);
const perSecond = (read) => (before, reading) =>
  before && since(before, reading, read) / ((reading.at - before.at) / 1000);

const isRefused = ({ result }) => result !== "ok";
const isOurs = ({ code }) => code >= 4000 && code < 4999; // 4999 stands for what clients make up

function refusals(reading) {
  return (
    reading.sum("presence_requests_total", isRefused) +
    reading.sum("presence_malformed_total") +
    reading.sum("presence_connections_closed_total", isOurs)
  );
}

function meanLag(before, reading) {
  const samples = before && since(before, reading, (one) => one.sum("presence_event_loop_lag_seconds_count"));
  const seconds = before && since(before, reading, (one) => one.sum("presence_event_loop_lag_seconds_sum"));
  return samples ? (seconds / samples) * 1000 : undefined;
}

// `read` returns a number, or undefined while it is not known.
const TILES = [
  { id: "connections", title: "Connections", read: now("presence_connections"), format: count },
  { id: "sockets", title: "Sockets", read: now("presence_sockets"), format: count },
  { id: "users", title: "Users online", read: now("presence_users_online"), format: count },
  { id: "transitions", title: "Transitions", unit: "/s", read: perSecond((one) => one.sum("presence_transitions_total")), format: rate },
  { id: "messages", title: "Messages", unit: "/s", read: perSecond((one) => one.sum("presence_messages_total")), format: rate },
  { id: "deliveries", title: "Deliveries", unit: "/s", read: perSecond((one) => one.sum("presence_deliveries_total")), format: rate },
  { id: "lag", title: "Event loop lag", unit: "ms", read: meanLag, format: rate },
  { id: "slow", title: "Slow readers", read: now("presence_slow_readers"), format: count },
  { id: "refused", title: "Refusals", unit: "/s", read: perSecond(refusals), format: rate },
];

class Tile {
  constructor({ id, title, unit = "", read, format }) {
    const root = document.getElementById("tile").content.firstElementChild.cloneNode(true);
    root.id = `tile-${id}`;
    root.querySelector("h2").textContent = title;
    this.root = root;
    this.value = root.querySelector(".value");
    this.hint = root.querySelector(".hint");
    this.unit = unit;
    this.read = read;
    this.format = format;
    this.points = [];
    this.write(this.value, undefined);
  }

  take(before, reading) {
    const point = this.read(before, reading);
    this.write(this.value, point);
    if (point === undefined) return;
    this.points.push(point);
    if (this.points.length > POINTS) this.points.shift();
    this.write(this.hint, Math.max(...this.points), "max ");
    this.draw();
  }

  write(element, number, before = "") {
    const unit = document.createElement("small");
    unit.textContent = this.unit;
    element.replaceChildren(number === undefined ? "–" : before + this.format.format(number), unit);
  }

  draw() {
    const top = Math.max(...this.points) || 1;
    const left = POINTS - this.points.length;
    const y = (point) => (HEIGHT - 1 - (point / top) * (HEIGHT - 3)).toFixed(1);
    const path = this.points.map((point, index) => `${left + index},${y(point)}`).join("L");
    this.root.querySelector(".line").setAttribute("d", `M${path}`);
    this.root.querySelector(".area").setAttribute("d", `M${left},${HEIGHT}L${path}L${POINTS - 1},${HEIGHT}Z`);
  }
}

export class Tiles {
  constructor(place) {
    this.before = undefined;
    this.tiles = TILES.map((tile) => new Tile(tile));
    place.append(...this.tiles.map(({ root }) => root));
  }

  take(reading) {
    const started = (one) => one?.sum("process_start_time_seconds");
    if (started(this.before) !== started(reading)) this.before = undefined; // another process counts from 0
    for (const tile of this.tiles) tile.take(this.before, reading);
    this.before = reading;
  }
}
