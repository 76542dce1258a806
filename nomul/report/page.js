// Makes every measured table explorable: two columns against each other, filtered by the others.
// Without this script the tables stand alone and nothing is lost.
"use strict";

const SVG = "http://www.w3.org/2000/svg";
const COLOURS = ["#2f6db3", "#c4571a", "#2c8a57", "#8d4fa8", "#a8821c", "#b23a58", "#3c8f96", "#6b6b6b"];
// Marks besides the circle, so that colours may come again: each as a path around 0 0.
const MARKS = [
  "M-6 0A6 6 0 1 0 6 0A6 6 0 1 0 -6 0Z", "M-5.5 -5.5H5.5V5.5H-5.5Z", "M0 -7L7 0L0 7L-7 0Z", "M0 -7L6.5 5H-6.5Z",
];
const SIZE = { width: 720, height: 380, left: 78, right: 16, top: 12, bottom: 46 };

function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function drawn(name, attributes, text) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text !== undefined) made.textContent = text;
  return made;
}

const isNumber = (value) => typeof value === "number";
const shown = (value) =>
  isNumber(value) ? Number(value.toPrecision(5)).toLocaleString("en") : String(value);

// Columns of numbers can be axes; columns of a few texts, or of a few whole numbers that come again
// and again, can be filtered by.
function kinds(rows) {
  const columns = Object.keys(rows[0]);
  const values = (name) => rows.map((row) => row[name]).filter((value) => value !== null);
  const distinct = (name) => [...new Set(values(name))];
  const axes = columns.filter((name) => values(name).every(isNumber) && distinct(name).length > 1);
  const few = (name, most) => distinct(name).length > 1 && distinct(name).length <= most;
  const texts = columns.filter((name) => !values(name).some(isNumber) && few(name, name === "block" ? 60 : 12));
  const classes = axes.filter((name) => values(name).every(Number.isInteger) && few(name, Math.min(6, rows.length / 3)));
  return { axes, filters: [...texts, ...classes], distinct };
}

const moreIsBetter = (name) => /mhz|accuracy|per second|fps|saved|less/i.test(name);

// The two axes that most rows have both of: the first such pair.
function pair(rows, axes) {
  const pairs = axes.flatMap((x, i) => axes.slice(i + 1).map((y) => [x, y]));
  const both = ([x, y]) => rows.filter((row) => row[x] !== null && row[y] !== null).length;
  return pairs.reduce((best, next) => (both(next) > both(best) ? next : best));
}

// A scale maps values to pixels; it is logarithmic where all values are positive and span decades.
function scale(values, from, to) {
  const low = Math.min(...values), high = Math.max(...values);
  const log = low > 0 && high / low > 30;
  const f = log ? Math.log10 : (value) => value;
  const pad = (f(high) - f(low)) * 0.06 || Math.abs(f(high)) * 0.1 || 1;
  const a = f(low) - pad, b = f(high) + pad;
  const place = (value) => from + ((f(value) - a) / (b - a)) * (to - from);
  const ticks = [];
  if (log) {
    for (let decade = Math.floor(a); decade <= b; decade++)
      for (const step of b - a < 2 ? [1, 2, 5] : [1]) ticks.push(step * 10 ** decade);
  } else {
    const raw = (b - a) / 5, unit = 10 ** Math.floor(Math.log10(raw));
    const step = unit * [1, 2, 5, 10].find((factor) => factor * unit >= raw);
    for (let tick = Math.ceil(a / step) * step; tick <= b; tick += step) ticks.push(tick);
  }
  return { place, ticks: ticks.filter((tick) => f(tick) >= a && f(tick) <= b) };
}

// Points that no other point beats in one axis without losing in the other.
function front(points, signs) {
  const better = (p, q) =>
    signs.x * p.x <= signs.x * q.x && signs.y * p.y <= signs.y * q.y && (p.x !== q.x || p.y !== q.y);
  return points.filter((p) => !points.some((q) => better(q, p)));
}

function choice(label, options, value, changed) {
  const select = element("select", {});
  for (const option of options) select.append(element("option", { value: option }, option));
  select.value = value;
  select.addEventListener("change", () => changed(select.value));
  return element("label", {}, `${label} `, select);
}

function tick(label, checked, changed) {
  const box = element("input", { type: "checkbox" });
  box.checked = checked;
  box.addEventListener("change", () => changed(box.checked));
  return element("label", {}, box, ` ${label}`);
}

function explore(figure, rows) {
  const { axes, filters, distinct } = kinds(rows);
  if (rows.length < 4 || axes.length < 2) return;
  const wanted = [figure.dataset.x, figure.dataset.y];
  const [x, y] = wanted.every((name) => axes.includes(name)) ? wanted : pair(rows, axes);
  const state = { x, y, colour: filters[0], hidden: {} };
  for (const name of filters) state.hidden[name] = new Set();
  state.high = { x: moreIsBetter(x), y: moreIsBetter(y) };

  const plot = drawn("svg", { viewBox: `0 0 ${SIZE.width} ${SIZE.height}`, role: "group" });
  const output = element("output", { "aria-live": "polite" });
  const legend = element("ul", { class: "legend", "aria-label": "Legend" });
  const form = element("form", {});
  form.addEventListener("submit", (event) => event.preventDefault());
  for (const axis of ["x", "y"]) {
    const more = tick("more is better", state.high[axis], (on) => { state.high[axis] = on; draw(); });
    form.append(choice(axis === "x" ? "Across" : "Up", axes, state[axis], (value) => {
      state[axis] = value;
      state.high[axis] = more.querySelector("input").checked = moreIsBetter(value);
      draw();
    }), more);
  }
  if (filters.length > 1)
    form.append(choice("Colour", filters, state.colour, (value) => { state.colour = value; draw(); }));
  for (const name of filters) {
    const group = element("fieldset", {}, element("legend", {}, name));
    for (const value of distinct(name))
      group.append(tick(shown(value), true, (on) => {
        state.hidden[name][on ? "delete" : "add"](value);
        draw();
      }));
    form.append(group);
  }
  const note = "A dashed line joins the points that no other beats in both columns.";
  const details = element("details", { class: "explore" },
    element("summary", {}, "Explore: plot two columns, filter, find the best trade-offs"),
    form, plot, legend, output, element("p", { class: "tools" }, note));
  details.open = figure.id.startsWith("overview-");
  figure[figure.dataset.x ? "prepend" : "append"](details); // of long tables the plot comes first

  function describe(point) {
    const entries = Object.entries(point.row).filter(([, value]) => value !== null);
    return entries.map(([name, value]) => `${name} ${shown(value)}`).join(", ");
  }

  function draw() {
    const kept = rows.filter((row) => filters.every((name) => !state.hidden[name].has(row[name])));
    const points = kept
      .filter((row) => isNumber(row[state.x]) && isNumber(row[state.y]))
      .map((row) => ({ row, x: row[state.x], y: row[state.y] }));
    plot.replaceChildren();
    plot.setAttribute("aria-label", `${state.y} against ${state.x}, ${points.length} points`);
    output.textContent = `${points.length} of ${rows.length} rows have both values. Point at one, or tab to it.`;
    if (points.length === 0) return;
    const right = SIZE.width - SIZE.right, bottom = SIZE.height - SIZE.bottom;
    const across = scale(points.map((p) => p.x), SIZE.left, right);
    const up = scale(points.map((p) => p.y), bottom, SIZE.top);
    for (const value of across.ticks) {
      const x = across.place(value);
      plot.append(drawn("path", { class: "rule", d: `M${x} ${SIZE.top}V${bottom}` }));
      plot.append(drawn("text", { x, y: bottom + 16, "text-anchor": "middle" }, shown(value)));
    }
    for (const value of up.ticks) {
      const y = up.place(value);
      plot.append(drawn("path", { class: "rule", d: `M${SIZE.left} ${y}H${right}` }));
      plot.append(drawn("text", { x: SIZE.left - 6, y: y + 4, "text-anchor": "end" }, shown(value)));
    }
    plot.append(drawn("path", { class: "axis", d: `M${SIZE.left} ${SIZE.top}V${bottom}H${right}` }));
    plot.append(drawn("text", { x: (SIZE.left + right) / 2, y: SIZE.height - 8, "text-anchor": "middle" }, state.x));
    plot.append(drawn("text", { transform: `translate(14 ${bottom / 2}) rotate(-90)`, "text-anchor": "middle" }, state.y));
    const best = front(points, { x: state.high.x ? -1 : 1, y: state.high.y ? -1 : 1 });
    const line = [...best].sort((p, q) => p.x - q.x).map((p) => `${across.place(p.x)} ${up.place(p.y)}`);
    plot.append(drawn("path", { class: "front", d: `M${line.join("L")}` }));
    const colours = state.colour ? distinct(state.colour) : [];
    const mark = (value) => {
      const index = Math.max(colours.indexOf(value), 0);
      return { fill: COLOURS[index % COLOURS.length], d: MARKS[Math.floor(index / COLOURS.length) % MARKS.length] };
    };
    for (const point of points) {
      const dot = drawn("path", {
        ...mark(point.row[state.colour]), tabindex: 0, role: "img", "aria-label": describe(point),
        transform: `translate(${across.place(point.x)} ${up.place(point.y)})`,
        class: best.includes(point) ? "dot best" : "dot",
      });
      dot.append(drawn("title", {}, describe(point)));
      for (const event of ["mouseenter", "focus"])
        dot.addEventListener(event, () => { output.textContent = describe(point); });
      plot.append(dot);
    }
    // Below the plot, where it hides nothing; of what is shown alone.
    const used = new Set(points.map((point) => point.row[state.colour]));
    legend.replaceChildren(...colours.filter((value) => used.has(value)).map((value) => {
      const key = drawn("svg", { viewBox: "-8 -8 16 16", width: 14, height: 14, "aria-hidden": "true" });
      key.append(drawn("path", mark(value)));
      return element("li", {}, key, ` ${shown(value)}`);
    }));
  }
  draw();
}

for (const figure of document.querySelectorAll("figure.measured")) {
  explore(figure, JSON.parse(figure.querySelector("script[type='application/json']").textContent));
}

// What is folded away on the screen belongs on paper.
let folded = [];
addEventListener("beforeprint", () => {
  folded = [...document.querySelectorAll("details:not([open])")];
  for (const details of folded) details.open = true;
});
addEventListener("afterprint", () => {
  for (const details of folded) details.open = false;
});
