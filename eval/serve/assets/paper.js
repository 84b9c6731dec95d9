// A table of the paper that fills with our runs.
import { byId, fill, h, options } from "./dom.js";
import { ask, listen, store, throttle } from "./store.js";
import { problems, resultTable } from "./table.js";

const titles = { table2: "Table 2", figure8: "Figure 8", figure9: "Figure 9", figure10: "Figure 10" };
let shown = "";

async function update() {
  const name = byId("table").value || "table2";
  const done = [...store.rows.values()].filter((r) => r.state === "done").map((r) => r.id + r.changed).sort().join();
  const key = name + done;
  if (key === shown) return;
  if (!shown) fill(byId("paper"), h("p", {}, "Reading the finished runs ..."));
  let p;
  try { p = await ask("/api/table", [["name", name]]); } catch (err) { fill(byId("paper"), h("p", {}, err.message)); return; }
  shown = key;
  options(byId("table"), p.names.map((n) => [n, titles[n] || n]));
  byId("table").value = p.name;
  fill(byId("paper"),
    h("p", { role: "status" }, `${titles[p.name] || p.name}: ${p.cells - p.gaps} of ${p.cells} cells have runs.`),
    p.tables.map(resultTable),
    p.commands.length > 0 && h("details", {}, h("summary", {}, `Commands that fill the ${p.commands.length} gaps`), h("dl", {}, p.commands.map((c) => [h("dt", {}, c.cell), h("dd", {}, h("code", {}, c.command))]))),
    problems(p.problems));
}

export function startPaper(active) {
  const redraw = throttle(async () => { if (active()) await update(); }, 3000);
  options(byId("table"), Object.entries(titles));
  byId("table").addEventListener("change", () => update());
  listen(redraw);
  return redraw;
}
