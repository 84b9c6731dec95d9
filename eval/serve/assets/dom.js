// Elements are made here and nowhere else: texts from files of runs become text nodes, never markup.

// h makes an element; attributes with a function are listeners, true and false set or leave out, and children are elements or texts.
export function h(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(key, value);
    else if (value === true) element.setAttribute(key, "");
    else if (value !== false && value !== undefined && value !== null) element.setAttribute(key, value);
  }
  element.append(...children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false));
  return element;
}

export const byId = (id) => document.getElementById(id);

// fill replaces what is in an element.
export function fill(element, ...children) {
  element.replaceChildren(...children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false));
}

// options puts choices into a select, [value, text] each, and keeps what is chosen where it is still there.
export function options(select, pairs) {
  const before = select.value;
  const same = select.options.length === pairs.length && pairs.every(([value, text], i) => select.options[i].value === value && select.options[i].text === text);
  if (same) return;
  fill(select, pairs.map(([value, text]) => h("option", { value }, text)));
  if (pairs.some(([value]) => value === before)) select.value = before;
}

const svg = "http://www.w3.org/2000/svg";

// sample is a piece of a line with its marker, as it looks in a chart.
export function sample(look) {
  const box = document.createElementNS(svg, "svg");
  for (const [k, v] of Object.entries({ class: "sample", width: 34, height: 14, viewBox: "0 0 34 14", "aria-hidden": "true" })) box.setAttribute(k, v);
  const line = document.createElementNS(svg, "path");
  for (const [k, v] of Object.entries({ d: "M1 7H33", stroke: look.color, "stroke-width": 2, fill: "none" })) line.setAttribute(k, v);
  if (look.dash.length) line.setAttribute("stroke-dasharray", look.dash.join(" "));
  const mark = document.createElementNS(svg, "path");
  for (const [k, v] of Object.entries({ d: look.shape.path(17, 7, 4), stroke: look.color, "stroke-width": 1.5, fill: look.hollow ? "Canvas" : look.color })) mark.setAttribute(k, v);
  box.append(line, mark);
  return box;
}
