// Where the parts of a picture go: from left to right in the order of calculation, in lines as wide as the page.

import { axesIn, forwardDefinitions } from "./axes.js";
import { denseBlock, gridsBlock, moved } from "./blocks.js";
import { CELL } from "./boxes.js";
import { count } from "./evaluate.js";
import { partsOf } from "./parts.js";

/** @typedef {import("./axes.js").Structure} Structure */
/** @typedef {import("./blocks.js").Arrow} Arrow */
/** @typedef {import("./blocks.js").Block} Block */
/** @typedef {import("./boxes.js").Setting} Setting */
/** @typedef {import("./boxes.js").Point & { sources: string[], before: string[], room: number }} Note what a part is made from that doesn't stand just before it, and what of the step before */
/** @typedef {import("./layout.js").Plan & { blocks: Block[], arrows: Arrow[], notes: Note[], whole: boolean }} Picture `whole` where all samples are shown at once */
/** @typedef {{ blocks: Block[], w: number, h: number, axis: number }} Column */

const NUMBER_CELLS = 420; // above, cells are too many for a number in each
const MOST_DRAWN = 2500;
const TITLE = 36; // above a line, for the names of its layers
const [BETWEEN, LINES, BELOW_EACH] = [30, 34, 26]; // columns, lines, and blocks of one column
const TITLE_LETTER = 7.6;
const WIDER = 1.12; // than the page, where that saves a line

/** How many cells there are to draw. @param {Structure} shown */
function cellCount(shown) {
  const calculated = new Set(forwardDefinitions(shown).map(({ target }) => target));
  const drawn = [...shown.families.values()].filter(({ name, role }) => calculated.has(name) || ["input", "parameter", "target"].includes(role));
  return drawn.reduce((sum, { shape }) => sum + count(shape), 0);
}

/** Whether a network is small enough to be drawn cell by cell. @param {Structure} shown */
export const fitsInCells = (shown) => cellCount(shown) <= MOST_DRAWN;

/** The blocks of one depth, one below the other. @param {Setting} setting @param {import("./parts.js").Part[]} parts @returns {Column} */
function columnOf(setting, parts) {
  const made = (/** @type {boolean} */ left) => parts.map((part) => (part.kind === "dense" ? denseBlock(setting, part) : gridsBlock(setting, part, left)));
  let blocks = made(parts.length > 1 || parts[0].kind === "steps");
  if (Math.max(...blocks.map(({ w }) => w)) > setting.limit) blocks = made(false);
  const w = Math.max(...blocks.map((each) => each.w));
  let y = -BELOW_EACH;
  const placed = blocks.map((block) => {
    y += BELOW_EACH + block.h;
    return moved(block, (w - block.w) / 2, y - block.h);
  });
  return { blocks: placed, w, h: y, axis: blocks.length > 1 ? y / 2 : blocks[0].axis };
}

/** @param {Column[]} columns @param {number} room @returns {Column[][]} */
function filledLines(columns, room) {
  /** @type {Column[][]} */
  const lines = [];
  let wide = Infinity;
  for (const column of columns) {
    wide += BETWEEN + column.w;
    if (wide > room) {
      lines.push([]);
      wide = column.w;
    }
    lines[lines.length - 1].push(column);
  }
  return lines;
}

/** The picture of a program. @param {Structure} shown @param {{ sample: number, limit: number, upright: boolean, titles: Record<string, string> }} how @returns {Picture} */
export function arranged(shown, { sample, limit, upright, titles }) {
  const axes = axesIn(shown, forwardDefinitions(shown));
  const cell = { ...CELL, numbers: cellCount(shown) <= NUMBER_CELLS };
  /** @type {Setting} */
  const setting = { shown, axes, sample, whole: axes.mixed.size > 0, cell, limit, upright };
  const parts = partsOf(shown, axes);
  const columns = [...new Set(parts.map(({ depth }) => depth))].map((depth) => columnOf(setting, parts.filter((part) => part.depth === depth)));
  const [plain, closer] = [filledLines(columns, limit), filledLines(columns, limit * WIDER)];
  const lines = closer.length < plain.length ? closer : plain;
  /** @type {Picture} */
  const picture = { width: 0, height: 0, units: [], edges: [], links: [], titles: [], blocks: [], arrows: [], notes: [], whole: setting.whole };
  for (const line of lines) addLine(setting, picture, line, titles);
  picture.width += 2; // for the last line of the last grid
  return picture;
}

/** One line below those before it. @param {Setting} setting @param {Picture} picture @param {Column[]} line @param {Record<string, string>} titles */
function addLine({ shown, upright, axes }, picture, line, titles) {
  const top = picture.height + (picture.height ? LINES : 0);
  const above = Math.max(...line.map(({ axis }) => axis));
  let x = 0;
  /** @type {Block[]} */
  let before = [];
  let [layerBefore, titled] = ["?", 0];
  for (const column of line) {
    const [{ part, dense }] = column.blocks;
    const family = shown.families.get(part.items[0]?.family);
    const layer = dense ? "" : family?.role === "input" ? "" : family?.layer || "?"; // the error has none
    if (!dense && layer !== layerBefore && layer !== "?") {
      x = Math.max(x, titled);
      picture.titles.push({ x, y: top + 16, layer, anchor: "start" });
      titled = x + TITLE_LETTER * (titles[layer] ?? "").length + BETWEEN / 2;
    }
    layerBefore = dense ? String(part.network?.layers.slice(-1)[0].name) : layer;
    const blocks = column.blocks.map((block) => moved(block, x, top + TITLE + above - column.axis));
    for (const block of blocks) {
      join(picture, block, before, axes.past);
      for (const title of (!upright && block.dense?.titles) || []) title.y = top + 16;
    }
    picture.blocks.push(...blocks);
    before = blocks;
    x += column.w + BETWEEN;
  }
  picture.width = Math.max(picture.width, x - BETWEEN);
  picture.height = top + TITLE + above + Math.max(...line.map(({ h, axis }) => h - axis)) + 4;
}

/** The arrows into a block from those just before it, and the names of what else it is made from. @param {Picture} picture @param {Block} block @param {Block[]} others @param {Set<string>} past */
function join(picture, block, others, past) {
  /** @type {Map<string, Arrow>} */
  const arrows = new Map();
  const sources = [];
  for (const source of block.part.sources) {
    const exits = others.flatMap(({ exits }) => exits.get(source) ?? []);
    if (!exits.length) sources.push(source);
    for (const from of exits) {
      for (const to of block.entries) {
        const known = arrows.get(`${from.y},${to.y}`);
        if (known) known.by.push(from.key);
        else arrows.set(`${from.y},${to.y}`, { x1: from.x + 4, y1: from.y, x2: to.x - 3, y2: to.y, of: to.key, by: [from.key], from: from.edge + 4, to: to.edge - 3 });
      }
    }
  }
  picture.arrows.push(...arrows.values());
  const before = block.part.items.map(({ family }) => family).filter((family) => past.has(family));
  if (sources.length || before.length) picture.notes.push({ x: block.at.x, y: block.at.y - 6, sources, before, room: block.w + BETWEEN });
}
