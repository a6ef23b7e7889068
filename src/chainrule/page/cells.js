// Families as grids of cells: a number in each, or in larger ones a square as large as the number.

import { toNumber } from "./arithmetic.js";
import { captionWidth } from "./boxes.js";
import { numberOf } from "./derive.js";
import { s, setAttribute, setText } from "./dom.js";
import { known, largest, setNumber, shortOf } from "./lettering.js";
import { scalarOf, spokenOf } from "./names.js";

/** @typedef {import("./boxes.js").Box} Box */
/** @typedef {import("./picture.js").Look} Look */
/** @typedef {{ x: number, y: number, w: number, h: number }} Place its left upper corner and its size */
/** @typedef {{ element: any, row: number, column: number }} Cell counted through all matrices of a grid */
/** @typedef {{ handles: import("./handles.js").Handles, updates: ((look: Look) => void)[] }} Tools */
/** @typedef {ReturnType<typeof stateOfCell>} State */

const DEEPEST = 0.22; // tint of the largest number: the text on it stays readable
const BELOW = 15; // pixels at the bottom of a cell for its derivative
const ROOM = 7; // characters
const AXES_LETTER = 6.4; // pixels
const NUDGES = { "+": 1, "=": 1, "-": -1 }; // the arrow keys lead from cell to cell

/** What an axis counts, where that is known: "head". @param {Look} look @param {import("./axes.js").Grid} grid @param {number | null} axis */
const wordOf = ({ words }, grid, axis) => (axis === null ? "" : words[grid.family]?.[axis] || grid.words[axis]);

/** A place on an axis: "head 2". @param {Look} look @param {import("./axes.js").Grid} grid @param {number | null} axis @param {number} place */
const headingOf = (look, grid, axis, place) => `${wordOf(look, grid, axis)} ${place + 1}`.trim();

/** @param {Box} box @param {Tools} tools */
export function gridElement(box, tools) {
  const { grid, cell, caption } = box;
  const root = s("g", { class: `grid ${cell.numbers ? "numbered" : "small"}`, role: grid.panels.length > 1 ? "group" : null, "aria-label": grid.panels.length > 1 ? grid.family : null });
  root.append(s("text", { class: "name", "aria-hidden": "true", x: box.x + box.left, y: box.y + 13 }, s("tspan", { "font-style": "italic" }, caption.head), caption.low && s("tspan", { dy: 3, "font-size": "0.78em" }, caption.low)));
  const axes = s("text", { class: "axes", "aria-hidden": "true", x: box.x + box.w, y: box.y + 13, "text-anchor": "end" });
  root.append(axes);
  tools.updates.push((look) => {
    const said = [[wordOf(look, grid, grid.rowAxis), "↓"], [wordOf(look, grid, grid.columnAxis), "→"]].filter(([word]) => word).map((each) => each.join(" ")).join(" ");
    setText(axes, said.length * AXES_LETTER < box.w - box.left - captionWidth(caption) ? said : "");
  });
  const placesOf = (/** @type {"x" | "y"} */ axis) => [...new Set(box.panels.map((panel) => panel[axis]))].sort((a, b) => a - b);
  const [across, down] = [placesOf("x"), placesOf("y")];
  const cells = grid.panels.flatMap((panel, place) => {
    const { x, y } = box.panels[place];
    const { element, made } = panelElement(box, panel, { x: box.x + box.left + x, y: box.y + box.top + y }, tools);
    root.append(element);
    return made.map((each) => ({ ...each, row: each.row + down.indexOf(y) * grid.rows, column: each.column + across.indexOf(x) * grid.columns }));
  });
  roving(cells);
  return root;
}

/** One matrix. @param {Box} box @param {import("./axes.js").Grid["panels"][number]} panel @param {{ x: number, y: number }} at its first cell @param {Tools} tools */
function panelElement({ grid, cell, numbered, given }, panel, { x, y }, tools) {
  const { rows, columns, family } = grid;
  const several = grid.panels.length > 1;
  const heading = s("text", { class: "head", "aria-hidden": "true", x, y: y - (numbered ? 17 : 4) });
  const element = s("g", { role: "grid" }, several && heading);
  tools.updates.push((look) => {
    const words = several ? grid.panelAxes.map((axis, place) => headingOf(look, grid, axis, panel.place[place])).join(", ") : "";
    setText(heading, words);
    setAttribute(element, "aria-label", `${family}${several ? `, ${words}` : ""}: ${rows} × ${columns}`);
  });
  const heads = (/** @type {number} */ size, /** @type {number | null} */ axis, /** @type {string} */ role, /** @type {(place: number) => Record<string, number | string>} */ where) => [...Array(size).keys()].map((place) => {
    const head = s("g", { role }, s("text", { class: "head", ...where(place) }, String(place + 1)));
    tools.updates.push((look) => setAttribute(head, "aria-label", headingOf(look, grid, axis, place)));
    return head;
  });
  if (numbered) element.append(s("g", { role: "row" }, ...heads(columns, grid.columnAxis, "columnheader", (place) => ({ x: x + (place + 0.5) * cell.w, y: y - 4, "text-anchor": "middle" }))));
  const rowHeads = cell.numbers && rows > 1 ? heads(rows, grid.rowAxis, "rowheader", (place) => ({ x: x - 5, y: y + (place + 0.5) * cell.h + 4, "text-anchor": "end" })) : [];
  const made = panel.keys.flatMap((keys, row) => {
    const line = s("g", { role: "row" }, rowHeads[row]);
    element.append(line);
    return keys.map((key, column) => {
      const place = { x: x + column * cell.w, y: y + row * cell.h, w: cell.w, h: cell.h };
      const drawn = cellElement(key, place, given, cell.numbers ? numberInside(key, place) : squareInside(key, place), tools);
      line.append(drawn);
      return { element: drawn, row, column };
    });
  });
  return { element, made };
}

/** The arrow keys lead from cell to cell; the tab key comes to the one where they were last. @param {Cell[]} cells */
function roving(cells) {
  const at = new Map(cells.map((each) => [`${each.row},${each.column}`, each]));
  let here = cells[0];
  setAttribute(here.element, "tabindex", 0);
  for (const each of cells) {
    each.element.addEventListener("focus", () => {
      setAttribute(here.element, "tabindex", -1);
      setAttribute(each.element, "tabindex", 0);
      here = each;
    });
    each.element.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      const inRow = cells.filter(({ row }) => row === each.row);
      const next = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
      const found = event.key === "Home" ? inRow[0] : event.key === "End" ? inRow[inRow.length - 1] : next && at.get(`${each.row + next[0]},${each.column + next[1]}`);
      if (!found && !next) return;
      event.preventDefault();
      found?.element.focus();
    });
  }
}

/** What there is to show of a number: with it its derivative, or its new value. @param {Look} look @param {string} key */
function stateOfCell({ shown, visible, backward, updated, selected, lit, near, idle }, key) {
  const back = `d_${key}`;
  const next = key.replace(":", "_next:");
  const hasNext = updated && known(shown, next) && visible(next);
  const hasBack = backward && known(shown, back) && visible(back) && key !== `${shown.loss}:`;
  const below = hasNext ? next : hasBack ? back : null;
  return { see: visible(key), below, hasNext, chosen: selected === key, chosenBelow: selected === back || selected === next, lit: lit.has(key), near: near.has(key), nearBelow: near.has(back), idle: idle(key) };
}

/** A name with its value, and what else is known of it. @param {Look} look @param {string} key @param {State} state */
function saidOf({ shown }, key, { see, below, idle }) {
  const value = (/** @type {string} */ each) => `${spokenOf(shown, scalarOf(each))} = ${shortOf(shown, each)}`;
  const own = see ? value(key) : `${spokenOf(shown, scalarOf(key))} is not calculated yet`;
  return `${own}${idle ? ", in no formula" : ""}${below ? `; ${value(below)}` : ""}`;
}

/** Three lines across a cell. @param {Place} place */
function hatching({ x, y, w, h }) {
  const line = (/** @type {number} */ far) => `M${x + Math.max(0, far - h)} ${y + Math.min(h, far)}L${x + Math.min(w, far)} ${y + Math.max(0, far - w)}`;
  return [0.25, 0.5, 0.75].map((part) => line(part * (w + h))).join("");
}

/** @typedef {{ elements: Element[], update: (look: Look, state: State) => void, below?: Element }} Inside what a cell has in it */

/** @param {string} key @param {Place} place @param {boolean} given whether it can be changed @param {Inside} inside @param {Tools} tools */
function cellElement(key, { x, y, w, h }, given, inside, { handles, updates }) {
  const group = s("g", { class: "pick cell", role: "gridcell", tabindex: -1, "data-key": key },
    s("rect", { class: "paper", x, y, width: w, height: h }), ...inside.elements,
    s("path", { class: "hatch", d: hatching({ x, y, w, h }) }),
    s("rect", { class: "ring", x: x + 1.25, y: y + 1.25, width: w - 2.5, height: h - 2.5, rx: 2 }));
  let [whole, below, before] = [key, key, ""];
  handles.reachable(group, () => whole); // chosen again, its derivative
  inside.below?.addEventListener("click", (/** @type {Event} */ event) => {
    event.stopPropagation();
    whole = below;
    handles.pick(below);
  });
  if (given) handles.draggable(group, key, NUDGES);
  updates.push((look) => {
    const state = stateOfCell(look, key);
    below = state.below ?? key;
    whole = state.chosen ? below : key;
    const classes = { lit: state.lit, near: state.near, "near-below": state.nearBelow, idle: state.idle, selected: state.chosen, "selected-below": state.chosenBelow, unseen: !state.see };
    setAttribute(group, "class", `pick cell${given ? " given" : ""}${Object.entries(classes).map(([name, holds]) => (holds ? ` ${name}` : "")).join("")}`);
    setAttribute(group, "aria-selected", String(state.chosen || state.chosenBelow));
    const value = (/** @type {string} */ each) => toNumber(numberOf(look.shown, scalarOf(each)));
    const now = [state.see && value(key), state.below && `${state.below} ${value(state.below)}`, state.idle, look.derivatives, shareOf(look, look.derivatives ? state.below : key)].join();
    if (now === before) return;
    before = now;
    setAttribute(group, "aria-label", saidOf(look, key, state));
    inside.update(look, state);
  });
  return group;
}

/** How large a number is among its family, from -1 to 1; 0 where it may not be seen. @param {Look} look @param {string | null} key */
function shareOf({ shown, visible }, key) {
  if (!key || !visible(key)) return 0;
  const each = scalarOf(key);
  const most = largest(shown, each.family);
  return most ? toNumber(numberOf(shown, each)) / most : 0;
}

/** @param {Element} text */
function lengthOf({ textContent }) {
  const { length } = textContent ?? "";
  return length > ROOM ? "longer" : length === ROOM ? "long" : "";
}

/** A number, with its derivative below. @param {string} key @param {Place} place @returns {Inside} */
function numberInside(key, { x, y, w, h }) {
  const tint = s("rect", { class: "tint", x, y, width: w });
  const under = s("rect", { class: "under", x, y: y + h - BELOW, width: w, height: BELOW });
  const forward = s("text", { class: "forward", x: x + w / 2, "text-anchor": "middle" });
  const backward = s("text", { class: "backward", x: x + w / 2, y: y + h - 4.5, "text-anchor": "middle" });
  const update = (/** @type {Look} */ look, /** @type {State} */ state) => {
    const { shown } = look;
    const share = shareOf(look, key);
    setAttribute(tint, "height", state.below ? h - BELOW : h);
    setAttribute(tint, "class", `tint${share < 0 ? " negative" : ""}`);
    setAttribute(tint, "fill-opacity", (DEEPEST * Math.abs(share)).toFixed(3));
    setAttribute(under, "opacity", state.below ? 1 : 0);
    setAttribute(forward, "y", y + (state.below ? (h - BELOW) / 2 + 5 : h / 2 + 4.5));
    setNumber(forward, shown, state.see ? key : null, "", "?", ROOM);
    setNumber(backward, shown, state.below, "", "", ROOM);
    setAttribute(forward, "class", `forward ${lengthOf(forward)}`);
    setAttribute(backward, "class", `backward ${lengthOf(backward)}${state.hasNext ? " updated" : ""}`);
  };
  return { elements: [tint, under, forward, backward], update, below: under };
}

/** A square, filled for a positive number and hollow for a negative one; of the derivative, where those are shown. @param {string} key @param {Place} place @returns {Inside} */
function squareInside(key, { x, y, w, h }) {
  const square = s("rect", { class: "square" });
  const update = (/** @type {Look} */ look, /** @type {State} */ state) => {
    const share = shareOf(look, look.derivatives ? state.below : key);
    const side = Math.sqrt(Math.abs(share)) * (w - 3);
    for (const [name, value] of /** @type {[string, number][]} */ ([["x", x + (w - side) / 2], ["y", y + (h - side) / 2], ["width", side], ["height", side]])) setAttribute(square, name, value.toFixed(1));
    setAttribute(square, "class", `square${share < 0 ? " negative" : ""}`);
  };
  return { elements: [square], update };
}
