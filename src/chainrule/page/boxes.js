// How large a family's grid is in the picture, and what stands around it.

import { gridFrom } from "./axes.js";
import { captionOf } from "./lettering.js";

/** @typedef {import("./axes.js").Structure} Structure */
/** @typedef {import("./axes.js").Axes} Axes */
/** @typedef {import("./axes.js").Grid} Grid */
/** @typedef {{ w: number, h: number, numbers: boolean }} Cell */
/** @typedef {{ x: number, y: number }} Point */
/**
 * @typedef {object} Box a grid in its place
 * @property {Grid} grid
 * @property {Cell} cell
 * @property {number} x of its left side, headings included
 * @property {number} y of its top
 * @property {number} w
 * @property {number} h
 * @property {number} left from its left side to its cells
 * @property {number} top
 * @property {{ head: string, low: string }} caption
 * @property {Point[]} panels where each begins, from the first cell of all
 * @property {boolean} numbered whether its columns are numbered
 * @property {boolean} given whether its numbers can be changed
 */
/** @typedef {{ shown: Structure, axes: Axes, sample: number, whole: boolean, cell: Cell, limit: number, upright: boolean }} Setting `whole` for all samples at once, `limit` the width of the page */

export const CELL = { w: 52, h: 36, numbers: true };
const NARROW_CELL = { w: 47, h: 34, numbers: true };
const SQUARE = { most: 16, least: 6 }; // without a number
const WIDEST = 640; // pixels of a grid with numbers
const CAPTION = 19;
const HEAD = 14; // of the numbers of rows and columns
export const NEAR = 14; // between a family and what it is made with

/** @param {{ head: string, low: string }} caption */
export const captionWidth = ({ head, low }) => 8.6 * head.length + 7 * low.length + 4;

/** @param {Setting} setting @param {string} family @param {Grid} [beside] what a parameter belongs to */
const gridIn = ({ shown, axes, sample, whole }, family, beside) => gridFrom(/** @type {any} */ (shown.families.get(family)), axes, { sample: whole ? null : sample, beside });

/** @param {Setting} setting @param {string} family @param {Grid} [beside] @param {boolean} [numbered] whether its columns may be numbered @returns {Box} */
export function boxOf(setting, family, beside, numbered = true) {
  const { shown, limit } = setting;
  const grid = gridIn(setting, family, beside);
  const side = grid.panelAxes.length ? /** @type {any} */ (shown.families.get(family)).shape[grid.panelAxes[grid.panelAxes.length - 1]] : 1;
  const cell = cellOf(setting, grid);
  const left = grid.rows > 1 && cell.numbers ? HEAD + 2 : 0;
  const withHeads = numbered && cell.numbers && grid.columns > 1;
  const top = CAPTION + (side > 1 || grid.panels.length > 1 ? HEAD + 1 : 0) + (withHeads ? HEAD : 0);
  const [wide, high] = [grid.columns * cell.w, grid.rows * cell.h];
  const gap = cell.numbers ? left + NEAR : 8;
  const fitting = Math.max(1, Math.min(side, Math.floor((Math.min(limit, WIDEST) + gap - left) / (wide + gap))));
  const inRow = Math.ceil(side / Math.ceil(side / fitting)); // rows as long as each other
  const panels = grid.panels.map((_, place) => {
    const inside = place % side;
    const row = Math.floor(place / side) * Math.ceil(side / inRow) + Math.floor(inside / inRow);
    return { x: (inside % inRow) * (wide + gap), y: row * (high + top - CAPTION + 10) };
  });
  const caption = captionOf(shown, family);
  const w = left + Math.max(Math.max(...panels.map(({ x }) => x)) + wide, captionWidth(caption));
  return { grid, cell, x: 0, y: 0, w, h: top + panels[panels.length - 1].y + high, left, top, caption, panels, numbered: withHeads, given: !shown.definitions.has(family) };
}

/** Cells with numbers as far as they fit, else squares. @param {Setting} setting @param {Grid} grid @returns {Cell} */
function cellOf({ cell, limit }, { rows, columns }) {
  const room = Math.min(limit, WIDEST) - HEAD - 2;
  if (cell.numbers && columns * NARROW_CELL.w <= room) return columns * cell.w <= room ? cell : NARROW_CELL;
  const size = Math.max(SQUARE.least, Math.min(SQUARE.most, Math.floor(room / columns), Math.floor(480 / rows)));
  return { w: size, h: size, numbers: false };
}

/** Move a box so that its first cell is there. @param {Box} box @param {number} x @param {number} y @returns {Box} */
const withCellsAt = (box, x, y) => ({ ...box, x: x - box.left, y: y - box.top });

/** Means and totals of a family: to the right where they are one for each row, else below. @param {Setting} setting @param {Box} main @param {string[]} sums @returns {Box[]} */
function sumBoxes(setting, main, sums) {
  let [x, y] = [main.x + main.w + NEAR, main.y + main.h + 8];
  return sums.map((family) => {
    const box = boxOf(setting, family, main.grid, false);
    if (box.grid.columns === 1 && box.grid.rows > 1) {
      x += box.w + NEAR;
      return withCellsAt(box, x - box.w - NEAR + box.left, main.y + main.top);
    }
    y += box.h + 8;
    return withCellsAt(box, main.x + main.left, y - box.h - 8 + box.top);
  });
}

/** @typedef {"above" | "left" | "beside"} Side where parameters stand: above, to the left in a column, or there in a row */

/** What a family is made with, around it. @param {Box} main @param {Box[]} boxes @param {Side} side @returns {Box[]} */
function around(main, boxes, side) {
  const wide = boxes.reduce((sum, { w }) => sum + w + NEAR, 0);
  if (side === "left") {
    const high = boxes.reduce((sum, { h }) => sum + h + 8, -8);
    const middle = main.y + main.top + (main.h - main.top) / 2;
    let y = Math.min(middle - high / 2, main.y + main.h - high);
    return boxes.map((box) => {
      y += box.h + 8;
      return { ...box, x: main.x - NEAR - box.w, y: y - box.h - 8 };
    });
  }
  let x = side === "beside" ? main.x - wide : boxes.length === 1 ? -boxes[0].left : Math.min((main.grid.columns * main.cell.w - wide + NEAR) / 2, 0);
  return boxes.map((box) => {
    x += box.w + NEAR;
    return { ...box, x: x - box.w - NEAR, y: side === "beside" ? main.y + main.h - box.h : main.y - 10 - box.h };
  });
}

/**
 * A family with its means and totals and with what it is made with, its own first cell at the origin.
 * @param {Setting} setting @param {import("./parts.js").Item} item @param {Side} side @param {boolean} numbered @returns {{ main: Box, boxes: Box[] }}
 */
export function itemBoxes(setting, { family, given, sums }, side, numbered) {
  const main = withCellsAt(boxOf(setting, family, undefined, numbered), 0, 0);
  const boxes = given.map((each) => boxOf(setting, each, main.grid));
  return { main, boxes: [...around(main, boxes, side), main, ...sumBoxes(setting, main, sums)] };
}
