// The ways to the daemon: what is open to all, what needs the key, and the stream of changes.

const KEY = "presence.ops.key";
const PATIENCE_MS = 5000;
const SILENCE_MS = 40_000; // a stream shows every 15 s that it lives
const LONGEST_PAUSE_MS = 15_000;

// The daemon answered, and said no.
export class Problem extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }

  get isAboutTheKey() {
    return this.status === 401 || this.status === 403;
  }
}

// The key lives in this tab, and nowhere else.
export const key = {
  get: () => sessionStorage.getItem(KEY),
  keep: (text) => sessionStorage.setItem(KEY, text),
  forget: () => sessionStorage.removeItem(KEY),
};

export function pause(milliseconds, signal) {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end); // a signal may last for weeks
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    signal.addEventListener("abort", end);
  });
}

async function get(path, signal, headers = {}) {
  const options = { headers, signal, cache: "no-store", credentials: "omit", redirect: "error" };
  const response = await fetch(path, options);
  if (response.headers.get("Content-Type") !== "application/problem+json") return response;
  throw new Problem(response.status, (await response.json()).detail);
}

const soon = (signal) => AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]);

export const askMetrics = async (signal) => (await get("metrics", soon(signal))).text();
export const askReady = async (signal) => (await get("ready", soon(signal))).json();

export async function askWithKey(path, signal, shown = key.get()) {
  const headers = { Authorization: `Bearer ${shown}` };
  return (await get(`api/v1/${path}`, soon(signal), headers)).json();
}

// Call `take` with the data of each event after the reader's position, which moves on, until the signal
// says stop. A stream that is lost begins anew from there.
export async function follow(reader, signal, take, tell) {
  let milliseconds = 1000;
  while (!signal.aborted) {
    let why = "lost; trying again";
    const attempt = new AbortController();
    const either = AbortSignal.any([signal, attempt.signal]);
    let watch = setTimeout(() => attempt.abort(), PATIENCE_MS);
    try {
      const headers = { Authorization: `Bearer ${key.get()}`, "Last-Event-ID": reader.position };
      const response = await get("api/v1/events", either, headers);
      tell("live");
      for await (const { id, data } of readBlocks(response.body)) {
        milliseconds = 1000;
        clearTimeout(watch);
        watch = setTimeout(() => attempt.abort(), SILENCE_MS);
        if (data === undefined) continue;
        reader.position = id;
        take(JSON.parse(data));
      }
    } catch (problem) {
      if (problem instanceof Problem) why = problem.message;
      if (problem.isAboutTheKey) throw problem;
    } finally {
      clearTimeout(watch);
      attempt.abort();
    }
    if (signal.aborted) return;
    tell(why);
    await pause(milliseconds * (0.5 + Math.random() / 2), signal);
    milliseconds = Math.min(2 * milliseconds, LONGEST_PAUSE_MS);
  }
}

// The fields of each block of a stream of Server-Sent Events; a heartbeat has none.
async function* readBlocks(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  let fields = {};
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    for (const line of lines) {
      if (line === "") {
        yield fields;
        fields = {};
      } else {
        const colon = line.indexOf(": ");
        if (colon > 0) fields[line.slice(0, colon)] = line.slice(colon + 2);
      }
    }
  }
}
