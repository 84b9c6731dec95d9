// How a curve looks: colours of Okabe and Ito, as in the figures of longtail compare, with dashes and markers that tell curves apart
// without them.
const light = ["#0072b2", "#d55e00", "#009e73", "#b0548a", "#a86f00", "#2a8fc4", "#000000"];
const dark = ["#56b4e9", "#ff8a4c", "#3ed6a8", "#e6a3c8", "#f0c04a", "#9ad8ff", "#ffffff"];
const dashes = [[], [7, 4], [2, 3], [9, 3, 2, 3]];
const shapes = [
  { path: (x, y, r) => `M${x - r} ${y}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0z` },
  { path: (x, y, r) => `M${x - r} ${y - r}h${2 * r}v${2 * r}h${-2 * r}z` },
  { path: (x, y, r) => `M${x} ${y - 1.2 * r}l${1.2 * r} ${2.2 * r}h${-2.4 * r}z` },
  { path: (x, y, r) => `M${x} ${y - 1.4 * r}l${1.4 * r} ${1.4 * r}l${-1.4 * r} ${1.4 * r}l${-1.4 * r} ${-1.4 * r}z` },
];

export const isDark = matchMedia("(prefers-color-scheme: dark)");

// look is how the curve with a number looks: 8 markers with 4 dashes tell 32 curves apart without the 7 colours.
export function look(i) {
  const colors = isDark.matches ? dark : light;
  return { color: colors[i % colors.length], dash: dashes[(i + Math.floor(i / (2 * shapes.length))) % dashes.length], shape: shapes[i % shapes.length], hollow: Math.floor(i / shapes.length) % 2 === 1 };
}
