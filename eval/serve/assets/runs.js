// The list of runs.
import { byId, fill, h, options } from "./dom.js";
import { duration, epochs, number, percent, states, stateText } from "./format.js";
import { chosen, listen, mostChosen, pick, store } from "./store.js";

const first = 200; // rows that are drawn until all are asked for
let all = false;
const drawn = new Map(); // row elements by ID, with the row that they show

const orders = {
  name: () => 0,
  changed: (a, b) => b.changed.localeCompare(a.changed),
  error: (a, b) => (a.error ?? 2) - (b.error ?? 2),
  left: (a, b) => (b.seconds_left ?? 0) - (a.seconds_left ?? 0),
};

function visible() {
  const words = byId("filter").value.toLowerCase().split(/\s+/).filter(Boolean);
  const state = byId("state").value;
  const order = orders[byId("sort").value];
  return [...store.rows.values()]
    .filter((r) => (!state || r.state === state) && words.every((w) => r.name.toLowerCase().includes(w)))
    .sort((a, b) => order(a, b) || a.name.localeCompare(b.name, "en", { numeric: true }));
}

function progress(row) {
  const share = row.steps ? Math.min(1, row.step / row.steps) : 0;
  const bar = h("span");
  bar.style.width = 100 * share + "%";
  const text = row.epochs ? epochs(Math.floor(row.epoch * 10) / 10) + "/" + epochs(row.epochs) : "";
  return h("div", { class: "progress" },
    h("span", { class: "track", role: "progressbar", "aria-label": "Progress", "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": Math.round(100 * share), "aria-valuetext": text ? text + " epochs" : "not known" }, bar),
    h("span", {}, text));
}

const where = (r) => [r.host, r.pid && r.state === "running" ? "process " + r.pid : "", r.job ? "job " + r.job : ""].filter(Boolean).join(", ");

function line(row, selected) {
  const box = h("input", { type: "checkbox", "aria-label": "Select " + row.name, change: () => toggle(row.id, box.checked) });
  box.checked = selected;
  return h("tr", { class: selected && "chosen", "data-id": row.id },
    h("td", {}, h("label", { class: "pick" }, box)),
    h("td", { class: "name" }, h("a", { href: "#run/" + row.id, title: row.name }, row.name), row.problem && h("span", { class: "problem" }, row.problem)),
    h("td", { class: "stateCell" }, h("span", { class: "state " + row.state }, stateText(row.state)), row.set && h("span", { class: "quiet" }, " " + row.set)),
    h("td", { class: "progressCell" }, progress(row)),
    h("td", { class: "number loss", "data-name": "loss" }, number(row.loss)),
    h("td", { class: "number error", "data-name": "error" }, percent(row.error)),
    h("td", { class: "number rate" }, row.state === "running" && row.images_per_s ? number(Math.round(row.images_per_s)) : ""),
    h("td", { class: "number left", "data-name": "left" }, duration(row.seconds_left)),
    h("td", { class: "where" }, where(row)));
}

function toggle(id, on) {
  const ids = new Set(chosen());
  if (on) ids.add(id); else ids.delete(id);
  if (ids.size > mostChosen) ids.delete(id);
  pick(ids);
}

// draw brings the table up to date; rows that did not change keep their elements, and with them the focus.
function draw() {
  const rows = visible(), selected = new Set(chosen());
  const shown = all ? rows : rows.slice(0, first);
  const body = byId("rows");
  let at = body.firstElementChild;
  const keep = new Set();
  for (const row of shown) {
    keep.add(row.id);
    const had = drawn.get(row.id), is = selected.has(row.id);
    let element = had?.element;
    if (!had || had.row !== row || had.selected !== is) {
      element = line(row, is);
      if (had) {
        const focus = had.element.contains(document.activeElement) ? document.activeElement.tagName.toLowerCase() : "";
        if (at === had.element) at = element;
        had.element.replaceWith(element);
        if (focus) element.querySelector(focus)?.focus();
      }
      drawn.set(row.id, { element, row, selected: is });
    }
    if (element === at) at = at.nextElementSibling;
    else body.insertBefore(element, at);
  }
  for (const [id, { element }] of drawn) {
    if (keep.has(id)) continue;
    element.remove();
    drawn.delete(id);
  }
  const rest = rows.length - shown.length;
  const total = store.head.totals.runs;
  fill(byId("more"),
    rest > 0 && h("button", { type: "button", click: () => { all = true; draw(); } }, "Show all " + rows.length + " runs"),
    rows.length === 0 && (total ? "No run fits the filter." : "There are no runs in this folder yet. They appear here as soon as they have begun."));
  byId("chosen").textContent = selected.size + " selected" + (store.picked ? "" : " (those at work and the newest)") + (selected.size >= mostChosen ? ", which is the most" : "");
}

export function startRuns(active) {
  options(byId("state"), [["", "all"], ...Object.keys(states).map((s) => [s, stateText(s)])]);
  const redraw = () => active() && draw();
  for (const [id, event] of [["filter", "input"], ["state", "change"], ["sort", "change"]]) byId(id).addEventListener(event, draw);
  byId("choose").addEventListener("click", () => pick(visible().map((r) => r.id)));
  byId("clear").addEventListener("click", () => pick([]));
  document.addEventListener("keydown", (e) => {
    if (e.key === "/" && !/^(INPUT|SELECT|TEXTAREA)$/.test(e.target.tagName) && active()) { e.preventDefault(); byId("filter").focus(); }
  });
  listen(redraw);
  return redraw;
}
