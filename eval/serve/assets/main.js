// The page: which view is shown, totals, the connection.
import { startCompare } from "./compare.js";
import { startCurves } from "./curves.js";
import { byId, fill, h } from "./dom.js";
import { duration, number, states, stateText } from "./format.js";
import { startPaper } from "./paper.js";
import { startRun } from "./run.js";
import { startRuns } from "./runs.js";
import { connect, listen, store } from "./store.js";

const starts = { runs: startRuns, curves: startCurves, run: startRun, compare: startCompare, paper: startPaper };
let view = "";
const draw = {};
for (const [name, start] of Object.entries(starts)) draw[name] = start(() => view === name);

// route shows the view that the address names: #runs, #run/ID.
function route(focus) {
  const [name, id] = location.hash.slice(1).split("/");
  view = starts[name] ? name : "runs";
  for (const other of Object.keys(starts)) byId("view-" + other).hidden = other !== view;
  for (const a of document.querySelectorAll("nav a")) {
    if (a.hash === "#" + view) a.setAttribute("aria-current", "page"); else a.removeAttribute("aria-current");
  }
  draw[view](id);
  if (focus) { byId("main").focus({ preventScroll: true }); scrollTo(0, 0); }
}

function totals() {
  const t = store.head.totals;
  byId("folder").textContent = store.head.folder || "";
  fill(byId("totals"), h("span", {}, number(t.runs) + (t.runs === 1 ? " run" : " runs")),
    Object.keys(states).filter((s) => t.states?.[s]).map((s) => h("span", { class: "state " + s }, t.states[s] + " " + stateText(s))),
    t.images_per_s > 0 && h("span", {}, number(Math.round(t.images_per_s)) + " images/s"),
    t.seconds_left > 0 && h("span", {}, duration(t.seconds_left) + " left for all"),
    (store.head.remarks || []).map((r) => h("span", { class: "quiet remark", title: r }, r)));
  document.title = (t.states?.running ? t.states.running + " running – " : "") + "longtail " + (store.head.folder || "");
}

function status(on, text) {
  const live = byId("live");
  if (live.textContent !== text) live.textContent = text;
  live.classList.toggle("on", on);
  live.classList.toggle("off", !on);
}

listen(totals);
addEventListener("hashchange", () => route(true));
route(false);
connect(status);
document.addEventListener("visibilitychange", () => connect(status));
