// The selected runs side by side: what differs in their configs, their results, their classes.
import { Chart } from "./chart.js";
import { byId, fill, h, sample } from "./dom.js";
import { isDark, look } from "./look.js";
import { ask, chosen, listen, store, throttle } from "./store.js";
import { problems, resultTable } from "./table.js";

let shown = "";

function differences(c) {
  if (!c.differences.length) return h("p", {}, "Their configs do not differ.");
  return h("div", {}, h("h3", {}, "What differs in their configs"),
    h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "What differs in their configs" }, h("table", { class: "differences" },
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Run"), c.differences.map((d) => h("th", { scope: "col" }, d.key)))),
      h("tbody", {}, c.ids.map((id, i) => h("tr", {}, h("th", { scope: "row" }, h("a", { href: "#run/" + id }, c.names[i])), c.differences.map((d) => h("td", {}, d.values[i] || "–"))))))));
}

function classChart(c) {
  if (!c.classes) return [null, null];
  const place = h("div");
  const lines = c.classes.lines.map((l) => ({ label: l.label, xs: l.mean.map((_, i) => i), ys: l.mean.map((v) => 100 * v), spread: l.runs > 1 ? l.deviation.map((v) => 100 * v) : null }));
  const block = h("div", {}, h("h3", {}, "Accuracy of each class on the test set (%), from most to fewest training images"), place,
    h("ul", { class: "legend" }, lines.map((l, i) => h("li", {}, sample(look(i)), h("span", { class: "label" }, l.label + (c.classes.lines[i].runs > 1 ? ` (${c.classes.lines[i].runs} seeds)` : ""))))));
  return [block, () => new Chart(place).show({ label: "Accuracy of each class", x: "class", y: "accuracy (%)", log: false, bounds: [0, 100], ticks: c.classes.names, lines })];
}

async function update() {
  const ids = chosen();
  const key = JSON.stringify([ids.map((id) => [id, store.rows.get(id)?.state, store.rows.get(id)?.error]), isDark.matches]);
  if (key === shown) return;
  if (!ids.length) { shown = key; fill(byId("compare"), h("p", {}, "No run is selected: choose some in the list of runs.")); return; }
  let c;
  try { c = await ask("/api/compare", ids.map((id) => ["id", id])); } catch (err) { fill(byId("compare"), h("p", {}, err.message)); return; }
  shown = key;
  const query = new URLSearchParams(ids.map((id) => ["id", id]));
  const [chartBlock, drawChart] = classChart(c);
  fill(byId("compare"),
    h("p", {}, `${ids.length} selected run${ids.length > 1 ? "s" : ""}, ${c.groups.length} setting${c.groups.length > 1 ? "s" : ""} besides the seeds`, c.unfinished > 0 && `; ${c.unfinished} without a result and in no table`, "."),
    c.tables.map(resultTable), chartBlock, differences(c), problems(c.failed),
    c.tables.length > 0 && h("p", {}, h("a", { href: "/report.html?" + query }, "Download the report of the finished ones"), " (what longtail report writes)"));
  drawChart?.();
}

export function startCompare(active) {
  const redraw = throttle(async () => { if (active()) await update(); }, 2000);
  isDark.addEventListener("change", redraw);
  listen(redraw);
  return redraw;
}
