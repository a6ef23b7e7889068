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
const WIDEST_ROW = 130; // cells of matrices side by side
const GAP = 7; // pixels between them
const MOST_CELLS = 200_000;

/** The family that a map shows: its values, or the derivatives by them. @param {Shown} shown @param {string} family @param {Side} side */
const shownFamily = (shown, family, side) => (side === "value" ? family : shown.definitions.has(`d_${family}`) ? `d_${family}` : null);

/**
 * Rows and columns of a family: the last two of its axes, several such matrices side by side where it has more, of the
 * sample shown. `first` is the place of its first entry, `block` the size of one matrix.
 * @param {import("./evaluate.js").Family} family @param {number} sample
 */
function gridOf({ shape, axes }, sample) {
  const sampled = shape.length > 2 && axes[0] === "n";
  const own = sampled ? shape.slice(1) : shape;
  const [columns, rows = 1] = [...own].reverse();
  const matrices = count(own) / (rows * columns);
  const fitting = Math.min(matrices, Math.max(1, Math.floor(WIDEST_ROW / columns)));
  const side = Math.ceil(matrices / Math.ceil(matrices / fitting));
  const entryOf = (/** @type {number} */ row, /** @type {number} */ column) => {
    const matrix = Math.floor(row / rows) * side + Math.floor(column / columns);
    return matrix * rows * columns + (row % rows) * columns + (column % columns);
  };
  const placeOf = (/** @type {number} */ entry) => {
    const [matrix, inside] = [Math.floor(entry / (rows * columns)), entry % (rows * columns)];
    return { row: Math.floor(matrix / side) * rows + Math.floor(inside / columns), column: (matrix % side) * columns + (inside % columns) };
  };
  return { rows: rows * Math.ceil(matrices / side), columns: columns * side, size: count(own), first: sampled ? sample * count(own) : 0, block: { rows, columns }, entryOf, placeOf };
}

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

  /** @param {import("./evaluate.js").Family} whole @param {string} meaning of its rows and columns @param {number} sample */
  function mapOf(whole, meaning, sample) {
    const { name: family, shape } = whole;
    const { rows, columns, size: entries, first, block, entryOf, placeOf } = gridOf(whole, sample);
    const cell = Math.max(3, Math.min(17, Math.floor(Math.min(560 / columns, 330 / rows))));
    const gap = entries > block.rows * block.columns ? GAP : 0;
    const end = (/** @type {number} */ place, /** @type {number} */ inBlock) => place * cell + Math.floor(place / inBlock) * gap; // in pixels
    const size = { width: AXIS.left + end(columns, block.columns) - gap + AXIS.right, height: AXIS.top + end(rows, block.rows) - gap + AXIS.bottom };
    const under = (/** @type {number} */ pixels, /** @type {number} */ inBlock, /** @type {number} */ most) => {
      const matrix = Math.max(0, Math.floor(pixels / (inBlock * cell + gap)));
      return clamp(matrix * inBlock + clamp((pixels - matrix * (inBlock * cell + gap)) / cell, inBlock), most);
    };
    const canvas = h("canvas", { class: "map", role: "img", tabindex: 0, "data-family": family });
    const caption = h("figcaption", {});
    let at = { row: 0, column: 0 };
    const keyAt = () => {
      const shownNow = last && shownFamily(last.shown, family, side);
      const entry = entryOf(at.row, at.column);
      return shownNow && entry < entries ? keyOf(scalar(shownNow, unflat(shape, first + entry))) : "";
    };
    const tell = () => {
      const key = keyAt();
      if (last && key && seen(key)) setText(readout, `${keyName(last.shown, key)} = ${numberText(rounded(numberOf(last.shown, scalarOf(key)), 6))}`);
      if (last) draw(last);
    };
    /** @param {PointerEvent} event */
    const place = (event) => {
      const box = canvas.getBoundingClientRect();
      const scale = size.width / box.width;
      at = { row: under((event.clientY - box.top) * scale - AXIS.top, block.rows, rows), column: under((event.clientX - box.left) * scale - AXIS.left, block.columns, columns) };
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
      const numbers = shown.ledger[name].slice(first, first + entries).map(seen(keyOf(scalar(name, unflat(shown.families.get(name)?.shape ?? [], 0)))) ? toNumber : () => NaN);
      const most = numbers.reduce((largest, each) => Math.max(largest, Math.abs(each) || 0), 0);
      numbers.forEach((value, entry) => {
        const { row, column } = placeOf(entry);
        context.globalAlpha = most && Number.isFinite(value) ? Math.abs(value) / most : 0;
        context.fillStyle = value < 0 ? colour.negative : colour.positive;
        context.fillRect(AXIS.left + end(column, block.columns), AXIS.top + end(row, block.rows), cell - (cell > 5 ? 1 : 0), cell - (cell > 5 ? 1 : 0));
      });
      context.globalAlpha = 1;
      context.strokeStyle = colour.line;
      for (let entry = 0; entry < entries; entry += block.rows * block.columns) {
        const { row, column } = placeOf(entry);
        context.strokeRect(AXIS.left + end(column, block.columns) - 0.5, AXIS.top + end(row, block.rows) - 0.5, block.columns * cell + 1, block.rows * cell + 1);
      }
      axesOf(context, { ...block, cell, ...size }, colour);
      const ring = ({ row, column } = at) => {
        context.strokeStyle = colour.ink;
        context.lineWidth = 2;
        context.strokeRect(AXIS.left + end(column, block.columns) - 0.5, AXIS.top + end(row, block.rows) - 0.5, cell, cell);
      };
      if (canvas.ownerDocument.activeElement === canvas || canvas.matches(":hover")) ring();
      const chosen = scalarOf(state.selected.split("/")[0]);
      const entry = chosen.family === name ? flat(shape, chosen.index) - first : -1;
      if (entry >= 0 && entry < entries) ring(placeOf(entry));
      const [least, largest] = numbers.reduce(([low, high], each) => [Math.min(low, each), Math.max(high, each)], [Infinity, -Infinity]);
      const scale = Number.isFinite(least) ? `from ${numberText(rounded(least, 3))} to ${numberText(rounded(largest, 3))}` : "not calculated yet";
      const titled = `${side === "value" ? family : `derivatives by ${family}`}: ${rows > 1 ? `${gap ? shape.slice(Number(whole.axes[0] === "n")).join(" × ") : `${rows} × ${columns}`}${meaning}` : `${columns} numbers`}, ${scale}`;
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
    const now = JSON.stringify([view.sample, families.map(({ name, shape }) => [name, shape])]);
    if (now !== made) {
      updates = [];
      const groupOf = (/** @type {import("./evaluate.js").Family} */ { role, layer }) => (role === "input" ? "input" : layer ? `layer ${layer}` : "error");
      const groups = ["input", ...new Set(families.map(groupOf).filter((group) => group.startsWith("layer "))), "error"];
      maps.replaceChildren(...groups.map((group) => h("div", { class: `layer${group.includes(" ") ? "" : " flat"}` }, ...families.filter((each) => groupOf(each) === group).map((each) => mapOf(each, axesText(each), view.sample)))));
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
