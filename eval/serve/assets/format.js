// Numbers and states in words.

export const percent = (v, digits = 2) => (v === undefined || v === null ? "" : (100 * v).toFixed(digits) + " %");

export function number(v) {
  if (v === undefined || v === null || Number.isNaN(v)) return "";
  if (v === 0) return "0";
  const size = Math.abs(v);
  if (size >= 1e6 || size < 1e-4) return v.toExponential(2);
  if (size >= 1000) return Math.round(v).toLocaleString("en");
  return String(Number(v.toPrecision(4)));
}

// duration is a time in seconds for people: 45 s, 12 min, 3 h 20 min, 2 d 4 h.
export function duration(seconds) {
  if (!seconds) return "";
  if (seconds < 60) return Math.max(1, Math.round(seconds)) + " s";
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return minutes + " min";
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return hours + " h" + (minutes % 60 ? " " + (minutes % 60) + " min" : "");
  return Math.floor(hours / 24) + " d " + (hours % 24) + " h";
}

export const epochs = (v) => (Number.isInteger(v) ? String(v) : v.toFixed(1));

// The states of runs in their order, each with a sign of its own, so that colour is not needed.
export const states = {
  running: "▶", queued: "…", new: "○", done: "✓", interrupted: "‖", stale: "?", failed: "✕", damaged: "!",
};

export const stateText = (state) => (states[state] || "·") + " " + state;

// metricName is the name of a metric in words.
export function metricName(name) {
  const [set, field] = [name.slice(0, name.indexOf("/")), name.slice(name.indexOf("/") + 1)];
  if (name === "learning_rate") return "learning rate";
  if (set.endsWith("_accuracy_by_class")) return set.slice(0, set.indexOf("_")) + " accuracy of class " + field.replace(/^0*(?=\d)/, "");
  return set + " " + (field === "ece" ? "calibration error" : field);
}
