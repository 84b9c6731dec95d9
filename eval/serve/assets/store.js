// What the page knows: the rows of all runs, kept up to date by the server, and which runs are selected.

export const mostChosen = 24;
const automatic = 6; // runs that are selected until a person selects some

export const store = { rows: new Map(), head: { totals: { runs: 0, states: {} } }, version: "", picked: null };

const listeners = new Set();

// listen calls a function with the IDs of the rows that changed, whenever some did.
export const listen = (f) => listeners.add(f);

const tell = (changed) => listeners.forEach((f) => f(changed));

function take(delta) {
  if (delta.full) store.rows.clear();
  for (const row of delta.rows) store.rows.set(row.id, row);
  for (const id of delta.gone) {
    store.rows.delete(id);
    store.picked?.delete(id);
  }
  if (delta.head) store.head = delta.head;
  store.version = delta.version;
  tell(new Set([...delta.rows.map((r) => r.id), ...delta.gone]));
}

// chosen are the IDs of the selected runs, of those that a person picked, else of the ones at work and the newest.
export function chosen() {
  if (store.picked) return [...store.picked];
  const rank = (r) => (r.state === "running" ? 0 : 1);
  return [...store.rows.values()]
    .filter((r) => r.step > 0)
    .sort((a, b) => rank(a) - rank(b) || b.changed.localeCompare(a.changed) || a.name.localeCompare(b.name))
    .slice(0, automatic).map((r) => r.id).sort((a, b) => store.rows.get(a).name.localeCompare(store.rows.get(b).name));
}

// pick selects runs, at most as many as can be drawn.
export function pick(ids) {
  store.picked = new Set([...ids].slice(0, mostChosen));
  tell(new Set());
}

// ask gets JSON from the server; an answer other than success is an error with its text.
export async function ask(path, query = []) {
  const answer = await fetch(path + "?" + new URLSearchParams(query));
  if (!answer.ok) throw new Error((await answer.text()).trim() || answer.statusText);
  return answer.json();
}

let source = null, timer = 0;

// connect gets all rows and then follows the changes. status is told "live" or why not. While the page is hidden there is no connection: a
// browser has few to one server, and pages in other tabs need them too.
export async function connect(status) {
  clearTimeout(timer);
  source?.close();
  source = null;
  if (document.hidden) return;
  const again = (text) => { status(false, text); timer = setTimeout(() => connect(status), 3000); };
  try {
    take(await ask("/api/runs", { since: store.version }));
  } catch (err) {
    again(err.message);
    return;
  }
  if (document.hidden || source) return;
  source = new EventSource("/api/events?" + new URLSearchParams({ since: store.version }));
  source.addEventListener("open", () => status(true, "live"));
  source.addEventListener("runs", (e) => take(JSON.parse(e.data)));
  source.addEventListener("error", () => {
    if (source?.readyState === EventSource.CLOSED) again("not connected, trying again");
    else status(false, "not connected, trying again");
  });
}

// throttle makes a function that calls f at once and then at most once in so many milliseconds, the last time included.
export function throttle(f, pause) {
  let waiting = false, again = false;
  const call = async () => {
    if (waiting) { again = true; return; }
    waiting = true;
    try { await f(); } finally {
      setTimeout(() => { waiting = false; if (again) { again = false; call(); } }, pause);
    }
  };
  return call;
}
