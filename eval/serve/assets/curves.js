// Curves of the selected runs, which grow while one looks.
import { Chart } from "./chart.js";
import { byId, fill, h, options, sample } from "./dom.js";
import { metricName, number } from "./format.js";
import { isDark, look } from "./look.js";
import { ask, chosen, listen, store, throttle } from "./store.js";

let chart, metric = "train/loss", metrics = [], failed = [];
const known = new Map(); // series by ID, of the current metric
let groups = null;       // of the selection, for means over seeds
let wanted = "";         // the selection and metric that is shown

// fetchSeries brings those of some runs.
async function fetchSeries(ids) {
  if (!ids.length) return;
  const asked = metric;
  const answer = await ask("/api/curves", [["metric", asked], ...ids.map((id) => ["id", id])]);
  if (asked !== metric) return;
  for (const s of answer.series) known.set(s.id, s);
  metrics = [...new Set([...metrics, ...answer.metrics])].sort((a, b) => a.includes("_by_class/") - b.includes("_by_class/"));
  failed = answer.failed || [];
  options(byId("metric"), (metrics.length ? metrics : [metric]).map((m) => [m, metricName(m)]));
  byId("metric").value = metric;
}

// update brings what is missing or changed: of runs whose step grew, and of new ones.
async function update() {
  const ids = chosen();
  const now = JSON.stringify([ids, metric]);
  if (now !== wanted) {
    wanted = now;
    groups = null;
    for (const id of known.keys()) if (!ids.includes(id)) known.delete(id);
  }
  const stale = ids.filter((id) => {
    const row = store.rows.get(id), had = known.get(id);
    return row && (!had || had.seen !== row.step + row.state);
  });
  try {
    await fetchSeries(stale);
    for (const id of stale) if (known.has(id)) known.get(id).seen = store.rows.get(id).step + store.rows.get(id).state;
    if (byId("seeds").checked && !groups && ids.length) groups = (await ask("/api/compare", ids.map((id) => ["id", id]))).groups;
    draw(ids);
  } catch (err) {
    byId("curves-note").textContent = err.message;
  }
}

// lines are the curves to draw.
function lines(ids) {
  const axis = byId("axis").value;
  const one = (s) => ({ label: s.name, xs: s[axis], ys: s.value });
  const all = ids.map((id) => known.get(id)).filter((s) => s && s.value.length);
  if (!byId("seeds").checked || !groups) return all.map(one);
  return groups.map((g) => mean(g.label, g.ids.map((id) => known.get(id)).filter((s) => s && s.value.length).map(one))).filter(Boolean);
}

// mean is the mean of some curves and their sample deviation, at the places that all of those have which got so far.
function mean(label, runs) {
  if (!runs.length) return null;
  const at = new Map();
  for (const r of runs) r.xs.forEach((x, i) => at.set(x, [...(at.get(x) || []), r.ys[i]]));
  const xs = [...at.keys()].sort((a, b) => a - b).filter((x) => at.get(x).length === runs.filter((r) => r.xs.at(-1) >= x).length);
  const ys = xs.map((x) => at.get(x).reduce((a, b) => a + b, 0) / at.get(x).length);
  const spread = xs.map((x, i) => (at.get(x).length < 2 ? 0 : Math.sqrt(at.get(x).reduce((a, v) => a + (v - ys[i]) ** 2, 0) / (at.get(x).length - 1))));
  return { label: label + (runs.length > 1 ? ` (${runs.length} seeds)` : ""), xs, ys, spread: runs.length > 1 ? spread : null };
}

function draw(ids) {
  const shown = lines(ids);
  chart.show({ label: "Curves of " + metricName(metric), x: byId("axis").value, y: metricName(metric), log: byId("scale").value === "log", lines: shown });
  fill(byId("legend"), h("ul", { class: "legend", "aria-label": "Curves, with their last value" }, shown.map((l, i) => h("li", {}, sample(look(i)), h("span", { class: "label", title: l.label }, l.label), h("span", { class: "value" }, number(l.ys.at(-1)))))));
  const without = ids.length - shown.length;
  byId("curves-note").textContent = [
    !ids.length && "No run is selected: choose some in the list of runs.",
    ids.length > 0 && !shown.length && "The selected runs have no values of this metric yet.",
    shown.length > 0 && without > 0 && !byId("seeds").checked && `${without} of the selected runs ${without > 1 ? "have" : "has"} no values of this metric yet.`,
    ...failed,
  ].filter(Boolean).join(" ");
  byId("csv").hidden = !ids.length;
  byId("csv").href = "/metrics.csv?" + new URLSearchParams(ids.map((id) => ["id", id]));
}

export function startCurves(active) {
  chart = new Chart(byId("curves"));
  const redraw = throttle(async () => { if (active()) await update(); }, 1000);
  options(byId("metric"), [[metric, metricName(metric)]]);
  byId("metric").addEventListener("change", () => { metric = byId("metric").value; known.clear(); update(); });
  for (const id of ["axis", "scale", "seeds"]) byId(id).addEventListener("change", () => update());
  byId("unzoom").addEventListener("click", () => chart.whole());
  isDark.addEventListener("change", () => active() && draw(chosen()));
  listen(redraw);
  return redraw;
}
