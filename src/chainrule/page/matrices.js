// Large networks as heat maps: a row for each neuron, a column for each of its inputs; every cell can be reached.

import { toNumber } from "./arithmetic.js";
import { sideButtons } from "./controls.js";
import { h, setAttribute, setText } from "./dom.js";
import { numberOf } from "./derive.js";
import { count, flat, unflat } from "./evaluate.js";
import { numberText, rounded } from "./format.js";
import { keyName } from "./model.js";
import { keyOf, scalar, scalarOf } from "./names.js";

/** @typedef {import("./model.js").View} View */
/** @typedef {import("./derive.js").Shown} Shown */
/** @typedef {"value" | "derivative"} Side */

const ROLES = ["input", "parameter", "value", "target"];
const AXIS = { left: 34, bottom: 20, top: 4, right: 4 };
const [ACROSS, DOWN] = [26, 13]; // pixels that a mark of an axis takes
const MOST_CELLS = 200_000;

/** The family that a map shows: its values, or the derivatives by them. @param {Shown} shown @param {string} family @param {Side} side */
const shownFamily = (shown, family, side) => (side === "value" ? family : shown.definitions.has(`d_${family}`) ? `d_${family}` : null);

/** Rows and columns of a family. @param {number[]} shape */
const gridOf = (shape) => ({ rows: shape.length > 1 ? shape[0] : 1, columns: count(shape) / (shape.length > 1 ? shape[0] : 1) });

/**
 * @param {{ pick: (key: string) => void }} actions
 */
export function matrices(actions) {
  /** @type {Side} */
  let side = "value";
  let last = /** @type {View | null} */ (null);
  let seen = (/** @type {string} */ _) => true;
  const sides = sideButtons("What the maps show", (chosen) => {
    side = chosen;
    if (last) update(last, seen);
  });
  const maps = h("div", { class: "maps" });
  const readout = h("p", { class: "readout", role: "status" }, "Point at a cell, or reach a map by Tab and move with the arrow keys.");
  const element = h("div", { class: "matrices" }, sides, maps, readout);
  let made = "";
  /** @type {((view: View) => void)[]} */
  let updates = [];

  /** @param {string} family @param {number[]} shape @param {string} meaning of its rows and columns */
  function mapOf(family, shape, meaning) {
    const { rows, columns } = gridOf(shape);
    const cell = Math.max(3, Math.min(17, Math.floor(Math.min(560 / columns, 330 / rows))));
    const size = { width: AXIS.left + columns * cell + AXIS.right, height: AXIS.top + rows * cell + AXIS.bottom };
    const canvas = h("canvas", { class: "map", role: "img", tabindex: 0, "data-family": family });
    const caption = h("figcaption", {});
    let at = { row: 0, column: 0 };
    const keyAt = () => {
      const shownNow = last && shownFamily(last.shown, family, side);
      return shownNow ? keyOf(scalar(shownNow, unflat(shape, at.row * columns + at.column))) : "";
    };
    const tell = () => {
      const key = keyAt();
      if (last && key && seen(key)) setText(readout, `${keyName(last.shown, key)} = ${numberText(rounded(numberOf(last.shown, { family: key.slice(0, key.lastIndexOf(":")), index: unflat(shape, at.row * columns + at.column) }), 6))}`);
      if (last) draw(last);
    };
    /** @param {PointerEvent} event */
    const place = (event) => {
      const box = canvas.getBoundingClientRect();
      const scale = size.width / box.width;
      at = { row: clamp(((event.clientY - box.top) * scale - AXIS.top) / cell, rows), column: clamp(((event.clientX - box.left) * scale - AXIS.left) / cell, columns) };
      tell();
    };
    canvas.addEventListener("pointermove", place);
    canvas.addEventListener("click", (/** @type {PointerEvent} */ event) => {
      place(event);
      if (keyAt()) actions.pick(keyAt());
    });
    canvas.addEventListener("focus", tell);
    canvas.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      /** @type {Record<string, [number, number]>} */
      const moves = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1], Home: [0, -columns], End: [0, columns], PageUp: [-rows, 0], PageDown: [rows, 0] };
      if (event.key === "Enter" || event.key === " ") actions.pick(keyAt());
      else if (!moves[event.key]) return;
      else {
        const [down, right] = moves[event.key];
        at = { row: clamp(at.row + down, rows), column: clamp(at.column + right, columns) };
        tell();
      }
      event.preventDefault();
      event.stopPropagation();
    });

    /** @param {View} view */
    function draw({ shown, state }) {
      const name = shownFamily(shown, family, side);
      const ratio = devicePixelRatio || 1;
      if (canvas.width !== Math.round(size.width * ratio)) {
        [canvas.width, canvas.height] = [Math.round(size.width * ratio), Math.round(size.height * ratio)];
        canvas.style.width = `${size.width}px`;
      }
      const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
      const colour = colours(canvas);
      context.setTransform(ratio, 0, 0, ratio, 0, 0);
      context.clearRect(0, 0, size.width, size.height);
      canvas.parentElement.hidden = !name;
      if (!name) return;
      const numbers = shown.ledger[name].map(seen(keyOf(scalar(name, unflat(shown.families.get(name)?.shape ?? [], 0)))) ? toNumber : () => NaN);
      const most = numbers.reduce((largest, each) => Math.max(largest, Math.abs(each) || 0), 0);
      numbers.forEach((value, entry) => {
        const [row, column] = [Math.floor(entry / columns), entry % columns];
        context.globalAlpha = most && Number.isFinite(value) ? Math.abs(value) / most : 0;
        context.fillStyle = value < 0 ? colour.negative : colour.positive;
        context.fillRect(AXIS.left + column * cell, AXIS.top + row * cell, cell - (cell > 5 ? 1 : 0), cell - (cell > 5 ? 1 : 0));
      });
      context.globalAlpha = 1;
      context.strokeStyle = colour.line;
      context.strokeRect(AXIS.left - 0.5, AXIS.top - 0.5, columns * cell + 1, rows * cell + 1);
      axesOf(context, { rows, columns, cell, ...size }, colour);
      const ring = (/** @type {number} */ row, /** @type {number} */ column) => {
        context.strokeStyle = colour.ink;
        context.lineWidth = 2;
        context.strokeRect(AXIS.left + column * cell - 0.5, AXIS.top + row * cell - 0.5, cell, cell);
      };
      if (canvas.ownerDocument.activeElement === canvas || canvas.matches(":hover")) ring(at.row, at.column);
      const chosen = scalarOf(state.selected.split("/")[0]);
      if (chosen.family === name) ring(Math.floor(flat(shape, chosen.index) / columns), flat(shape, chosen.index) % columns);
      const [least, largest] = numbers.reduce(([low, high], each) => [Math.min(low, each), Math.max(high, each)], [Infinity, -Infinity]);
      const scale = Number.isFinite(least) ? `from ${numberText(rounded(least, 3))} to ${numberText(rounded(largest, 3))}` : "not calculated yet";
      const titled = `${side === "value" ? family : `derivatives by ${family}`}: ${rows > 1 ? `${rows} × ${columns}${meaning}` : `${columns} numbers`}, ${scale}`;
      setText(caption, titled);
      setAttribute(canvas, "aria-label", `Heat map of ${titled}. Move with the arrow keys.`);
    }
    updates.push(draw);
    return h("figure", {}, caption, canvas);
  }

  /** @param {View} view @param {(key: string) => boolean} visible */
  function update(view, visible) {
    [last, seen] = [view, visible];
    const families = [...view.shown.families.values()].filter(({ role, shape }) => ROLES.includes(role) && count(shape) > 1 && count(shape) <= MOST_CELLS);
    const now = JSON.stringify(families.map(({ name, shape }) => [name, shape]));
    if (now !== made) {
      updates = [];
      const groupOf = (/** @type {import("./evaluate.js").Family} */ { role, layer }) => (role === "input" ? "input" : layer ? `layer ${layer}` : "error");
      const groups = ["input", ...new Set(families.map(groupOf).filter((group) => group.startsWith("layer "))), "error"];
      maps.replaceChildren(...groups.map((group) => h("div", { class: `layer${group.includes(" ") ? "" : " flat"}` }, ...families.filter((each) => groupOf(each) === group).map((each) => mapOf(each.name, each.shape, axesText(each))))));
      made = now;
    }
    for (const each of updates) each(view);
  }
  return { element, update };
}

/** What the rows and columns of a map are. @param {import("./evaluate.js").Family} family */
const axesText = ({ role, axes }) => (axes.length !== 2 ? "" : axes[0] === "n" ? ` (sample × ${role === "input" ? "input" : "neuron"})` : role === "parameter" ? " (neuron × its input)" : "");

/** @param {number} place @param {number} size */
const clamp = (place, size) => Math.max(0, Math.min(size - 1, Math.floor(place)));

/** The page's colours, as they are now. @param {Element} element */
function colours(element) {
  const style = getComputedStyle(element);
  const named = (/** @type {string} */ name) => style.getPropertyValue(name).trim();
  return { positive: named("--positive"), negative: named("--negative"), line: named("--line"), ink: named("--ink"), muted: named("--muted"), font: `11px ${named("--sans")}` };
}

/** @param {CanvasRenderingContext2D} context @param {{ rows: number, columns: number, cell: number, width: number, height: number }} grid @param {ReturnType<typeof colours>} colour */
function axesOf(context, { rows, columns, cell, height }, colour) {
  context.fillStyle = colour.muted;
  context.font = colour.font;
  context.textAlign = "center";
  for (const at of marks(columns, cell, ACROSS)) context.fillText(String(at), AXIS.left + (at - 0.5) * cell, height - 5);
  context.textAlign = "right";
  for (const at of rows > 1 ? marks(rows, cell, DOWN) : []) context.fillText(String(at), AXIS.left - 5, AXIS.top + (at - 0.5) * cell + 4);
}

/** Which places of an axis are marked: the first, and round numbers. @param {number} size @param {number} cell @param {number} room */
function marks(size, cell, room) {
  const step = [1, 5, 10, 20, 50, 100, 200, 500, 1000].find((each) => each * cell >= room) ?? size;
  const places = step === 1 ? [] : [1];
  for (let at = step; at <= size; at += step) if (at > 1 || step === 1) places.push(at);
  return places;
}
