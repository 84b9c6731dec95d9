// One run: its state, command, errors, classes, confusion, config.
import { byId, fill, h } from "./dom.js";
import { duration, epochs, number, percent, stateText } from "./format.js";
import { ask, chosen, listen, pick, store, throttle } from "./store.js";
import { command, resultTable } from "./table.js";

const mostCells = 20; // classes up to which a confusion matrix has its numbers

let current = "", shown = "", open = new Set();

function facts(row) {
  const pairs = [
    ["State", h("span", { class: "state " + row.state }, stateText(row.state))],
    ["Progress", row.epochs ? `${epochs(Math.floor(10 * row.epoch) / 10)} of ${epochs(row.epochs)} epochs, ${number(row.step)} of ${number(row.steps)} steps` : ""],
    ["Training loss", number(row.loss)], ["Test error", percent(row.error)],
    ["Speed", row.images_per_s ? number(Math.round(row.images_per_s)) + " images/s" : ""], ["Time left", duration(row.seconds_left)],
    ["Where", [row.host, row.pid && "process " + row.pid, row.job && "job " + row.job, row.device].filter(Boolean).join(", ")],
    ["Folder", row.folder],
  ];
  return h("dl", { class: "facts" }, pairs.filter(([, v]) => v).map(([k, v]) => [h("dt", {}, k), h("dd", {}, v)]));
}

function classes(c) {
  const known = Boolean(c.counts?.length);
  return h("div", {}, h("h3", {}, `Accuracy of each class, ${c.set === "train" ? "training images" : c.set + " set"}, epoch ${epochs(c.epoch)}`),
    h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Accuracy of each class" }, h("table", { class: "classes" },
      h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Class"), known && h("th", { scope: "col", class: "number" }, "Training images"), h("th", { scope: "col", class: "number" }, "Accuracy"), h("td"))),
      h("tbody", {}, c.order.map((k) => {
        const bar = h("span", { class: "fill" });
        bar.style.width = 100 * c.accuracy[k] + "%";
        return h("tr", {}, h("th", { scope: "row" }, c.names[k]), known && h("td", { class: "number" }, number(c.counts[k])), h("td", { class: "number" }, percent(c.accuracy[k], 1)), h("td", { class: "bar", "aria-hidden": "true" }, bar));
      })))));
}

// confusion is a matrix with numbers where they fit, else a map with the largest mistakes in words.
function confusion(matrix, names) {
  const head = h("h3", {}, "Confusion on the test set, last step");
  const share = matrix.map((row) => { const sum = row.reduce((a, b) => a + b, 0) || 1; return row.map((n) => n / sum); });
  const heat = getComputedStyle(document.documentElement).getPropertyValue("--heat").trim();
  const mistakes = share.flatMap((row, i) => row.map((p, j) => ({ i, j, p, n: matrix[i][j] }))).filter((m) => m.i !== m.j && m.n > 0).sort((a, b) => b.p - a.p).slice(0, 8);
  const words = h("p", { class: "note" }, "The most frequent mistakes: " + mistakes.map((m) => `${names[m.i]} taken for ${names[m.j]} ${percent(m.p, 0)}`).join(", ") + ".");
  if (matrix.length > mostCells) {
    const map = h("canvas", { class: "map", width: matrix.length, height: matrix.length, role: "img", "aria-label": "Confusion matrix as a map: a row for each true class, a column for each predicted one" });
    const ctx = map.getContext("2d");
    share.forEach((row, i) => row.forEach((p, j) => { ctx.fillStyle = `rgb(${heat} / ${Math.sqrt(p)})`; ctx.fillRect(j, i, 1, 1); }));
    return h("div", {}, head, map, h("p", { class: "note" }, "Rows are true classes, columns predicted ones, by class number; darker is more."), words);
  }
  return h("div", {}, head, h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Confusion matrix" }, h("table", { class: "confusion" },
    h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "true \\ predicted"), names.map((n, j) => h("th", { scope: "col", title: n }, String(j))))),
    h("tbody", {}, matrix.map((row, i) => h("tr", {}, h("th", { scope: "row" }, i + " " + names[i]), row.map((n, j) => {
      const cell = h("td", { class: i === j && "right", title: `${names[i]} taken for ${names[j]}` }, String(n));
      if (n > 0) cell.style.background = `rgb(${heat} / ${(0.5 * Math.sqrt(share[i][j])).toFixed(3)})`;
      return cell;
    })))))), words);
}

function section(title, name, content) {
  const details = h("details", { toggle: () => (details.open ? open.add(name) : open.delete(name)) }, h("summary", {}, title), content);
  details.open = open.has(name);
  return details;
}

async function update() {
  const row = store.rows.get(current);
  if (!row) {
    byId("head-run").textContent = "Run";
    fill(byId("run"), h("p", {}, store.rows.size ? "Choose a run from the list of runs." : "There are no runs yet."));
    return;
  }
  const key = JSON.stringify([row, matchMedia("(prefers-color-scheme: dark)").matches]);
  if (key === shown) return;
  let d;
  try { d = await ask("/api/run", [["id", current]]); } catch (err) { fill(byId("run"), h("p", {}, err.message)); return; }
  if (d.id !== current) return;
  shown = key;
  byId("head-run").textContent = row.name;
  const picked = chosen().includes(row.id);
  fill(byId("run"),
    facts(row),
    h("p", {}, h("button", { type: "button", click: () => { pick(picked ? chosen() : [...chosen(), row.id]); location.hash = "#curves"; } }, "Show its curves")),
    d.problem && h("div", {}, h("h3", {}, "Problem"), h("pre", { class: "log" }, d.problem)),
    d.log && d.log !== d.problem && h("div", {}, h("h3", {}, "How it ended"), h("pre", { class: "log" }, d.log)),
    d.job_log && h("div", {}, h("h3", {}, "Log of Slurm job " + row.job), h("pre", { class: "log" }, d.job_log)),
    h("h3", {}, "Command"), h("p", { class: "note" }, "It resumes the run, or makes it again in another folder with out=FOLDER."), command(d.command),
    d.table && resultTable(d.table),
    d.classes && classes(d.classes),
    d.confusion && confusion(d.confusion, d.classes.names),
    d.config && section("Config", "config", h("pre", {}, d.config)),
    d.environment && section("Environment", "environment", h("dl", { class: "facts" }, d.environment.map(([k, v]) => [h("dt", {}, k), h("dd", {}, v)]))));
}

export function startRun(active) {
  const redraw = throttle(async () => { if (active()) await update(); }, 1500);
  listen(redraw);
  return (id) => {
    const first = [...store.rows.values()].sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }))[0];
    if (id || !current) current = id || chosen()[0] || first?.id || "";
    shown = "";
    redraw();
  };
}
