// A line chart with zoom, values under the cursor, and the keyboard.
import { h, sample } from "./dom.js";
import { number } from "./format.js";
import { look } from "./look.js";

const markers = 9; // on a curve, at most

// Distances between ticks of epochs, steps and classes, which are counted.
const whole = [1, 2, 5].flatMap((m) => [0, 1, 2, 3, 4, 5, 6].map((e) => m * 10 ** e)).sort((a, b) => a - b);

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// Chart draws into an element. What is shown comes with show: { label, x, y, log, lines, ticks, bounds }, where a line is { label, xs, ys, spread }.
export class Chart {
  constructor(element) {
    this.element = element;
    element.classList.add("chart");
    element.tabIndex = 0;
    element.setAttribute("role", "img");
    element.setAttribute("aria-label", "Chart");
    element.addEventListener("keydown", (e) => this.key(e));
    element.addEventListener("dblclick", () => this.whole());
    this.hover = h("div", { class: "hover", role: "status", hidden: true });
    new ResizeObserver(() => this.resize()).observe(element);
  }

  size() { return { width: Math.max(200, this.element.clientWidth), height: innerWidth < 640 ? 280 : 400 }; }

  resize() {
    if (this.plot && Math.abs(this.plot.width - this.size().width) > 1) this.plot.setSize(this.size());
  }

  // show draws; the zoom stays where the same things are shown as before.
  show(what) {
    this.what = what;
    this.element.setAttribute("aria-label", what.label + ": " + what.lines.map((l) => l.label + " " + number(l.ys.at(-1))).join(", "));
    const key = JSON.stringify([what.x, what.y, what.log, matchMedia("(prefers-color-scheme: dark)").matches, what.lines.map((l) => [l.label, Boolean(l.spread)])]);
    const data = this.data();
    if (this.plot && this.kind === key) {
      const zoom = this.zoomed;
      this.plot.setData(data, !zoom);
      if (zoom) this.plot.redraw();
      return;
    }
    const range = this.zoomed && this.plot && this.axis === what.x ? { min: this.plot.scales.x.min, max: this.plot.scales.x.max } : null;
    this.plot?.destroy();
    this.plot = null;
    this.kind = key;
    this.axis = what.x;
    this.zoomed = false;
    if (!what.lines.length) return;
    this.plot = new uPlot(this.settings(), data, this.element);
    this.plot.over.append(this.hover);
    if (range) { this.plot.setScale("x", range); this.zoomed = true; }
  }

  // data joins the lines at all of their places; a logarithmic scale leaves out what is not above 0.
  data() {
    const positive = (v) => (v === null || (this.what.log && !(v > 0)) ? null : v);
    const tables = [];
    for (const l of this.what.lines) {
      tables.push([l.xs, l.ys.map(positive)]);
      const [low, high] = this.what.bounds || [-Infinity, Infinity];
      if (l.spread) tables.push([l.xs, l.ys.map((v, i) => positive(Math.min(high, v + l.spread[i])))], [l.xs, l.ys.map((v, i) => positive(Math.max(low, v - l.spread[i])))]);
    }
    return tables.length ? uPlot.join(tables) : [[]];
  }

  settings() {
    const ink = css("--ink"), grid = css("--line"), font = "12px system-ui, sans-serif";
    const series = [{ label: this.what.x }], bands = [];
    this.what.lines.forEach((l, i) => {
      const style = look(i);
      series.push({ label: l.label, stroke: style.color, width: 2, dash: style.dash, spanGaps: true, points: { show: false }, style });
      if (!l.spread) return;
      const edge = { stroke: style.color, width: 0.5, spanGaps: true, points: { show: false }, edge: true };
      bands.push({ series: [series.length, series.length + 1], fill: style.color + "28" });
      series.push({ ...edge, label: l.label + " + deviation" }, { ...edge, label: l.label + " − deviation" });
    });
    const axis = { stroke: ink, font, labelFont: font, grid: { stroke: grid, width: 1 }, ticks: { stroke: grid, width: 1 } };
    const ticks = this.what.ticks;
    return {
      ...this.size(), series, bands, padding: [12, ticks ? 34 : 12, 0, 0],
      scales: { x: { time: false }, y: { distr: this.what.log ? 3 : 1 } },
      axes: [
        { ...axis, label: this.what.x, labelSize: 22, incrs: whole, ...(ticks ? { values: (u, at) => at.map((v) => ticks[v] ?? ""), rotate: ticks.some((t) => t.length > 4) ? -40 : 0, size: ticks.some((t) => t.length > 4) ? 74 : 36 } : {}) },
        { ...axis, label: this.what.y, labelSize: 22, size: 58, values: (u, at) => at.map((v) => (v === null ? "" : number(v))) },
      ],
      cursor: { drag: { x: true, y: false, uni: 10 }, points: { size: 8 }, focus: { prox: 20 } },
      hooks: {
        drawSeries: [(u, i) => mark(u, i)],
        setCursor: [(u) => this.tell(u)],
        setSelect: [(u) => { if (u.select.width > 0) this.zoomed = true; }],
      },
    };
  }

  // tell shows the values under the cursor.
  tell(u) {
    const { left, top, idx } = u.cursor;
    if (idx === null || idx === undefined || left < 0) { this.hover.hidden = true; return; }
    const near = [];
    u.series.forEach((s, i) => {
      if (i === 0 || s.edge) return;
      let at = idx; // the last value at or before the cursor
      while (at >= 0 && (u.data[i][at] === null || u.data[i][at] === undefined)) at--;
      if (at < 0) return;
      const value = u.data[i][at];
      near.push({ s, value, distance: Math.abs(u.valToPos(value, "y") - top) });
    });
    const many = near.length > 8;
    if (many) near.sort((a, b) => a.distance - b.distance).splice(8);
    near.sort((a, b) => b.value - a.value);
    const x = u.data[0][idx], cut = shared(near.map(({ s }) => s.label));
    this.hover.replaceChildren(h("strong", {}, (this.what.ticks ? this.what.ticks[x] ?? x : this.what.x + " " + number(x)) + (many ? ", the nearest" : "")),
      ...near.map(({ s, value }) => h("div", {}, sample(s.style), h("span", { class: "label" }, (cut ? "…" : "") + s.label.slice(cut)), h("span", { class: "value" }, number(value)))));
    this.hover.hidden = near.length === 0;
    const width = u.over.clientWidth;
    this.hover.style.left = left < width / 2 ? left + 14 + "px" : "auto";
    this.hover.style.right = left < width / 2 ? "auto" : width - left + 14 + "px";
    this.hover.style.top = "8px";
  }

  whole() {
    if (!this.plot) return;
    this.zoomed = false;
    this.plot.setData(this.plot.data, true);
  }

  // key moves the cursor along the values, and zooms around it.
  key(e) {
    const u = this.plot;
    if (!u || e.ctrlKey || e.metaKey || e.altKey) return;
    const xs = u.data[0], { min, max } = u.scales.x;
    const at = u.cursor.idx ?? xs.length - 1;
    const go = (i) => {
      const to = Math.max(0, Math.min(xs.length - 1, i));
      u.setCursor({ left: u.valToPos(xs[to], "x"), top: u.over.clientHeight / 2 });
    };
    const zoom = (factor) => {
      const middle = u.cursor.left >= 0 ? u.posToVal(u.cursor.left, "x") : (min + max) / 2;
      u.setScale("x", { min: Math.max(xs[0], middle - (middle - min) * factor), max: Math.min(xs.at(-1), middle + (max - middle) * factor) });
      this.zoomed = true;
    };
    const actions = {
      ArrowLeft: () => go(at - 1), ArrowRight: () => go(at + 1), Home: () => go(0), End: () => go(xs.length - 1),
      "+": () => zoom(0.6), "=": () => zoom(0.6), "-": () => zoom(1 / 0.6), "0": () => this.whole(), Escape: () => u.setCursor({ left: -10, top: -10 }),
    };
    if (!actions[e.key]) return;
    e.preventDefault();
    actions[e.key]();
  }
}

// shared is how many characters at the start of all labels are the same, up to a hyphen: where space is short, what differs counts.
function shared(labels) {
  let n = 0;
  while (labels.length > 1 && n < labels[0].length && labels.every((l) => l[n] === labels[0][n])) n++;
  return labels.length > 1 ? labels[0].lastIndexOf("-", n - 1) + 1 : 0;
}

// mark puts markers on a curve, evenly among its visible values and on the last one.
function mark(u, i) {
  const s = u.series[i];
  if (i === 0 || s.edge || !s.style) return;
  const points = [];
  u.data[i].forEach((v, at) => {
    const x = u.data[0][at];
    if (v !== null && v !== undefined && x >= u.scales.x.min && x <= u.scales.x.max) points.push([x, v]);
  });
  const every = Math.max(1, Math.ceil(points.length / markers)), offset = (i * 2) % every;
  const ctx = u.ctx, r = 4 * devicePixelRatio;
  ctx.save();
  ctx.lineWidth = 1.5 * devicePixelRatio;
  ctx.strokeStyle = s.style.color;
  ctx.fillStyle = s.style.hollow ? css("--paper") : s.style.color;
  points.forEach(([x, v], k) => {
    if (k % every !== offset && k !== points.length - 1) return;
    const path = new Path2D(s.style.shape.path(u.valToPos(x, "x", true), u.valToPos(v, "y", true), r));
    ctx.fill(path);
    ctx.stroke(path);
  });
  ctx.restore();
}
