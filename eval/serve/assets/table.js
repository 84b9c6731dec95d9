// Tables of results, as the commands print them.
import { h } from "./dom.js";

export function resultTable(t) {
  const best = new Set(t.best.map(([row, column]) => row + "," + column));
  const head = [];
  if (t.spans.length) head.push(h("tr", {}, h("td"), t.spans.map((s) => (s.text.trim() ? h("th", { class: "span", colspan: s.columns, scope: "colgroup" }, s.text.trim()) : h("td", { colspan: s.columns })))));
  head.push(h("tr", {}, t.header.map((text) => h("th", { scope: "col" }, text))));
  return h("div", {},
    h("h3", {}, t.title),
    h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": t.title },
      h("table", { class: "results" }, h("thead", {}, head),
        h("tbody", {}, t.rows.map((row, i) => h("tr", {}, row.map((text, j) => (j === 0 ? h("th", { scope: "row" }, text) : h("td", { class: best.has(i + "," + j) && "best" }, text)))))))),
    t.notes.map((n) => h("p", { class: "note" }, n)));
}

// problems lists what could not be read.
export const problems = (list) => (list?.length ? h("div", {}, h("h3", {}, "Left out"), h("ul", {}, list.map((p) => h("li", {}, p)))) : null);

// command is a command with a button that copies it.
export function command(text) {
  const button = h("button", { type: "button", click: async () => { await navigator.clipboard.writeText(text); button.textContent = "Copied"; setTimeout(() => { button.textContent = "Copy"; }, 2000); } }, "Copy");
  return h("div", { class: "command" }, h("pre", {}, text), navigator.clipboard && button);
}
