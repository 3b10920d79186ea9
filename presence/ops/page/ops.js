// The operator page: it looks, every two seconds while somebody can see it, and changes nothing.

import { Problem, askMetrics, askReady, askWithKey, follow, key, pause } from "./daemon.js";
import { Reading, Tiles } from "./numbers.js";
import { Feed, Refusals, User, duration, element } from "./people.js";

const INTERVAL_MS = 2000;
const FEED_INTERVAL_MS = 500;

const byId = (id) => document.getElementById(id);

const tiles = new Tiles(byId("tiles"));
const user = new User(byId("found"), byId("found-empty"));
const refusals = new Refusals(byId("codes"), byId("refusals"));
const feed = new Feed(byId("feed"), lookUp);

let watching = new AbortController(); // ends when nobody can see the page
let following; // ends with that, and with the key
let silentSince;

// What is open to all.

async function look(signal) {
  try {
    const [text, ready] = await Promise.all([askMetrics(signal), askReady(signal)]);
    const reading = new Reading(text);
    tiles.take(reading);
    showAbout(reading);
    showReady(ready);
    silentSince = undefined;
    byId("notice").hidden = true;
  } catch (problem) {
    if (signal.aborted) return;
    silentSince ??= new Date();
    const why = problem instanceof Problem ? `says: ${problem.message}` : "does not answer";
    byId("notice").textContent = `The daemon ${why}, since ${silentSince.toLocaleTimeString("en-GB")}. The numbers below are of before.`;
    byId("notice").hidden = false;
    showState("silent", "no answer");
  }
}

function showAbout(reading) {
  const [build] = reading.of("presence_build_info");
  const started = reading.sum("process_start_time_seconds");
  const version = build ? `version ${build.labels.version}` : "";
  const age = started ? `up for ${duration(Date.now() / 1000 - started)}` : "";
  byId("about").textContent = [location.host, version, age].filter(Boolean).join(" · ");
}

function showReady({ ready, reasons }) {
  showState(ready ? "ready" : "refusing", ready ? "ready" : "not ready");
  const items = Object.entries(reasons).map(([name, text]) => element("li", "", element("b", "", name), ` ${text}`));
  byId("reasons").replaceChildren(...items);
  byId("reasons").hidden = ready;
}

function showState(state, text) {
  const line = byId("state");
  if (line.dataset.state === state) return;
  line.dataset.state = state;
  line.textContent = text;
  document.title = `${text} – presence operations`;
}

// What needs the key.

function showAccess(access, note) {
  document.body.dataset.access = access;
  byId("access-note").textContent = note;
}

function dropKey(note) {
  following?.abort();
  key.forget();
  for (const shown of [feed, user, refusals]) shown.clear();
  showAccess("none", note);
}

async function lookWithKey(signal) {
  if (key.get() === null) return;
  try {
    await Promise.all([refusals.look(signal), user.look(signal)]);
    if (!signal.aborted && key.get() !== null) begin();
  } catch (problem) {
    notice(problem);
  }
}

// A daemon that does not answer is told of elsewhere; the key may have been changed.
function notice(problem) {
  if (problem instanceof Problem && problem.isAboutTheKey) dropKey(wrong(problem));
}

function wrong({ status, message }) {
  return status === 401 ? "The daemon does not take this key." : `No key helps here: ${message}.`;
}

// Follow who comes and goes, unless that is done already.
async function begin() {
  if (following && !following.signal.aborted) return;
  showAccess("full", "");
  const controller = (following = new AbortController());
  const signal = AbortSignal.any([controller.signal, watching.signal]);
  signal.addEventListener("abort", () => controller.abort(), { once: true });
  try {
    await followFeed(signal);
  } catch (problem) {
    notice(problem);
  } finally {
    controller.abort(); // the next look tries again
  }
}

async function followFeed(signal) {
  const tell = (text) => (byId("following").textContent = text);
  await feed.begin(signal);
  let waiting; // what came and went on balance while the last was shown
  let showing = false;

  async function show() {
    showing = true;
    while (waiting && !signal.aborted) {
      const change = { ...waiting, wentOnline: [...waiting.online], wentOffline: [...waiting.offline] };
      waiting = undefined;
      await feed.catchUp(change, signal).catch(notice);
      await pause(FEED_INTERVAL_MS, signal);
    }
    showing = false;
  }

  function take({ previous = 0, wentOnline = [], wentOffline = [] }) {
    waiting ??= { previous, online: new Set(), offline: new Set() };
    for (const id of wentOnline) if (!waiting.offline.delete(id)) waiting.online.add(id);
    for (const id of wentOffline) if (!waiting.online.delete(id)) waiting.offline.add(id);
    if (!showing) show();
  }

  await follow(feed, signal, take, tell);
}

async function open(event) {
  event.preventDefault();
  const shown = byId("key").value.trim();
  byId("key").value = "";
  showAccess("none", "asking …");
  try {
    await askWithKey("refusals", watching.signal, shown);
  } catch (problem) {
    const silent = "The daemon does not answer.";
    const strange = "The daemon does not take this key."; // no header can carry it
    const isStrange = !/^[\x20-\x7e]*$/.test(shown);
    showAccess("none", problem instanceof Problem ? wrong(problem) : isStrange ? strange : silent);
    byId("key").focus();
    return;
  }
  key.keep(shown);
  byId("user").focus();
  lookWithKey(watching.signal);
}

function lookUp(id) {
  user.id = String(id);
  byId("user").value = id;
  user.look(watching.signal).catch(notice);
}

// Time.

async function watch({ signal }) {
  while (!signal.aborted) {
    await Promise.all([look(signal), lookWithKey(signal)]);
    await pause(INTERVAL_MS, signal);
  }
}

function begun() {
  watching.abort();
  watching = new AbortController();
  if (!document.hidden) watch(watching);
}

byId("access").addEventListener("submit", open);
byId("forget").addEventListener("click", () => {
  dropKey("The key is forgotten.");
  byId("key").focus();
});
byId("search").addEventListener("submit", (event) => {
  event.preventDefault();
  lookUp(byId("user").value);
});
document.addEventListener("visibilitychange", begun);
if (key.get() !== null) showAccess("full", "");
begun();
