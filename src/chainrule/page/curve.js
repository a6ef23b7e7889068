// The error over the rounds, drawn as it comes, on a logarithmic scale where it spans more than a power of ten.

import { h, s, setAttribute, setText } from "./dom.js";
import { numberText, rounded } from "./format.js";

const SIZE = { width: 520, height: 200 };
const BOX = { left: 58, right: 26, top: 10, bottom: 26 };
const POINTS = 400;

/** @typedef {{ losses: number[], first: number, done: number, until: number }} Course */

/** Round numbers that divide a range into a few parts. @param {number} low @param {number} high @param {number} parts */
function ticks(low, high, parts) {
  const raw = (high - low) / parts || 1;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((each) => each * power).find((each) => each >= raw * 0.999) ?? power;
  const found = [];
  for (let at = Math.ceil(low / step - 1e-9); at * step <= high * (1 + 1e-12); at += 1) found.push(at * step);
  return found;
}

/** The places where the scale of the errors is marked. @param {number} low @param {number} high @param {boolean} logarithmic */
function errorTicks(low, high, logarithmic) {
  if (!logarithmic) return ticks(low, high, 4);
  const [from, to] = [Math.ceil(Math.log10(low) - 1e-9), Math.floor(Math.log10(high) + 1e-9)];
  const every = Math.max(1, Math.ceil((to - from + 1) / 5));
  return [...Array(Math.max(0, to - from + 1)).keys()].filter((each) => each % every === 0).map((each) => 10 ** (from + each));
}

/** @param {{ pick: (round: number) => void }} actions */
export function curve(actions) {
  const line = s("path", { class: "curve-line" });
  const axes = s("g", { class: "axes" });
  const marker = s("line", { class: "marker", y1: BOX.top, y2: SIZE.height - BOX.bottom });
  const dot = s("circle", { class: "marker-dot", r: 4.5 });
  const svg = s("svg", { class: "curve", viewBox: `0 0 ${SIZE.width} ${SIZE.height}`, role: "img" }, axes, line, marker, dot);
  const empty = h("p", { class: "curve-empty" }, "Train a few rounds, and the error is drawn here.");
  const element = h("div", { class: "curve-box" }, svg, empty);
  let scale = { first: 0, last: 1 };
  let drawn = "";
  /** @param {PointerEvent} event */
  const pickAt = (event) => {
    const { left, width } = svg.getBoundingClientRect();
    const share = (((event.clientX - left) / width) * SIZE.width - BOX.left) / (SIZE.width - BOX.left - BOX.right);
    actions.pick(Math.round(Math.max(scale.first, Math.min(scale.last, scale.first + share * (scale.last - scale.first)))));
  };
  svg.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => {
    svg.setPointerCapture(event.pointerId);
    pickAt(event);
  });
  svg.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => event.buttons && pickAt(event));

  /** @param {Course} course */
  function update({ losses, first, done, until }) {
    const count = losses.length;
    empty.hidden = count > 1;
    svg.toggleAttribute("hidden", count < 2);
    if (count < 2) return;
    scale = { first, last: first + count };
    const finite = losses.filter((each) => Number.isFinite(each));
    const [lowest, highest] = finite.reduce(([low, high], each) => [Math.min(low, each), Math.max(high, each)], [Infinity, -Infinity]);
    const logarithmic = lowest > 0 && highest / lowest > 10;
    const bottom = logarithmic ? 10 ** (Math.floor(Math.log10(lowest) * 4) / 4) : Math.min(0, lowest);
    const top = logarithmic ? 10 ** (Math.ceil(Math.log10(highest) * 4) / 4) : highest || 1;
    const along = (/** @type {number} */ round) => BOX.left + ((round - first) / Math.max(1, until - first)) * (SIZE.width - BOX.left - BOX.right);
    const share = (/** @type {number} */ loss) => (logarithmic ? Math.log(loss / bottom) / Math.log(top / bottom) : (loss - bottom) / (top - bottom || 1));
    const up = (/** @type {number} */ loss) => SIZE.height - BOX.bottom - share(loss) * (SIZE.height - BOX.bottom - BOX.top);
    const every = Math.max(1, Math.floor(count / POINTS));
    let path = "";
    for (let at = 0; at < count; at += at + every < count || at === count - 1 ? every : count - 1 - at) {
      if (Number.isFinite(losses[at])) path += `${path ? "L" : "M"}${along(first + at).toFixed(1)} ${up(losses[at]).toFixed(1)}`;
    }
    setAttribute(line, "d", path);
    const now = JSON.stringify([bottom, top, first, until, logarithmic]);
    if (now !== drawn) drawAxes(axes, { along, up, bottom, top, first, until, logarithmic });
    drawn = now;
    const shown = Math.min(done - first, count - 1);
    for (const end of ["x1", "x2"]) setAttribute(marker, end, along(first + shown).toFixed(1));
    setAttribute(dot, "cx", along(first + shown).toFixed(1));
    setAttribute(dot, "cy", Number.isFinite(losses[shown]) ? up(losses[shown]).toFixed(1) : BOX.top);
    setAttribute(svg, "aria-label", `The error from round ${first + 1} to ${first + count}, from ${numberText(rounded(losses[0], 4))} to ${numberText(rounded(losses[count - 1], 4))}${logarithmic ? ", on a logarithmic scale" : ""}`);
  }
  return { element, update };
}

/** @param {Element} axes @param {any} scale */
function drawAxes(axes, { along, up, bottom, top, first, until, logarithmic }) {
  axes.replaceChildren();
  const floor = SIZE.height - BOX.bottom;
  for (const each of errorTicks(bottom, top, logarithmic)) {
    const text = s("text", { x: BOX.left - 8, y: up(each) + 4, "text-anchor": "end" });
    setText(text, numberText(rounded(each, 3)));
    axes.append(s("line", { class: "grid", x1: BOX.left, x2: SIZE.width - BOX.right, y1: up(each), y2: up(each) }), text);
  }
  for (const each of ticks(first, until, 5).filter(Number.isInteger)) {
    const text = s("text", { x: along(each), y: floor + 18, "text-anchor": "middle" });
    setText(text, numberText(String(each)));
    axes.append(s("line", { class: "tick", x1: along(each), x2: along(each), y1: floor, y2: floor + 4 }), text);
  }
  axes.append(s("line", { class: "axis", x1: BOX.left, x2: SIZE.width - BOX.right, y1: floor, y2: floor }));
}
