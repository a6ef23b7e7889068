// The parts of a picture with everything in them in its place: grids one below the other, or neurons and edges.

import { NEAR, boxOf, itemBoxes } from "./boxes.js";
import { planned } from "./layout.js";

/** @typedef {import("./boxes.js").Box} Box */
/** @typedef {import("./boxes.js").Setting} Setting */
/** @typedef {import("./boxes.js").Point} Point */
/** @typedef {import("./layout.js").Plan} Plan */
/** @typedef {import("./parts.js").Part} Part */
/** @typedef {{ x1: number, y1: number, x2: number, y2: number, of: string, by: string[], from: number, to: number, down?: boolean }} Arrow between families, or between single numbers of them; straight up to `from` and after `to` */
/** @typedef {Point & { key: string, edge: number }} Anchor where arrows leave or come in, and the side of its block */
/**
 * @typedef {object} Block
 * @property {Part} part
 * @property {Point} at
 * @property {number} w
 * @property {number} h
 * @property {number} axis where it is level with the others of its line
 * @property {Box[]} boxes
 * @property {Arrow[]} arrows
 * @property {Plan | null} dense
 * @property {Map<string, Anchor[]>} exits for each family
 * @property {Anchor[]} entries
 */

const OWN_TITLE = 22; // above dense layers
const [APART, STEPS_APART] = [24, 4]; // one below the other

/** @template {Point} T @param {T[]} all @param {number} dx @param {number} dy @returns {T[]} */
const movedPoints = (all, dx, dy) => all.map((each) => ({ ...each, x: each.x + dx, y: each.y + dy }));

/** @template {import("./layout.js").Line} T @param {T[]} all @param {number} dx @param {number} dy @returns {T[]} */
const movedLines = (all, dx, dy) => all.map((each) => ({ ...each, x1: each.x1 + dx, y1: each.y1 + dy, x2: each.x2 + dx, y2: each.y2 + dy }));

/** @param {Anchor[]} all @param {number} dx @param {number} dy @returns {Anchor[]} */
const movedAnchors = (all, dx, dy) => movedPoints(all, dx, dy).map((each) => ({ ...each, edge: each.edge + dx }));

/** @param {Plan} plan @param {number} dx @param {number} dy @returns {Plan} */
const movedPlan = (plan, dx, dy) => ({
  ...plan,
  units: movedPoints(plan.units, dx, dy).map((unit) => (unit.line ? { ...unit, line: movedLines([unit.line], dx, dy)[0] } : unit)),
  edges: movedLines(plan.edges, dx, dy).map((edge) => (edge.label ? { ...edge, label: movedPoints([edge.label], dx, dy)[0] } : edge)),
  links: movedLines(plan.links, dx, dy),
  titles: movedPoints(plan.titles, dx, dy),
});

/** A block in another place. @param {Block} block @param {number} dx @param {number} dy @returns {Block} */
export const moved = (block, dx, dy) => ({
  ...block,
  at: { x: block.at.x + dx, y: block.at.y + dy },
  boxes: movedPoints(block.boxes, dx, dy),
  arrows: movedLines(block.arrows, dx, dy),
  dense: block.dense && movedPlan(block.dense, dx, dy),
  exits: new Map([...block.exits].map(([family, anchors]) => [family, movedAnchors(anchors, dx, dy)])),
  entries: movedAnchors(block.entries, dx, dy),
});

/** @param {Box} box */
const middleOf = (box) => box.y + box.top + (box.h - box.top) / 2;

/** Grids one below the other. @param {Setting} setting @param {Part} part @param {boolean} left whether parameters stand to the left @returns {Block} */
export function gridsBlock(setting, part, left) {
  const steps = part.kind === "steps";
  /** @type {Box[]} */
  const boxes = [];
  /** @type {Arrow[]} */
  const arrows = [];
  /** @type {{ family: string, y: number, from: number, to: number }[]} */
  const rows = [];
  let end = 0;
  part.items.forEach((item, place) => {
    const side = steps && left ? "beside" : left || place ? "left" : "above";
    const { main, boxes: own } = itemBoxes(setting, item, side, !steps || !place);
    const down = end + (place ? (steps ? STEPS_APART : APART) : 0) - Math.min(...own.map(({ y }) => y));
    if (place && !steps) {
      const x = (main.grid.columns * main.cell.w) / 2;
      arrows.push({ x1: x, y1: end + 4, x2: x, y2: main.y + down + 1, of: item.family, by: [part.items[place - 1].family], from: x, to: x, down: true });
    }
    const level = own.filter((box) => (box.x < main.x && side !== "above") || (box.y < main.y + main.h && box.y + box.h > main.y + main.top));
    const [from, to] = [Math.min(...level.map(({ x }) => x)), Math.max(...level.map(({ x, w }) => x + w))];
    for (const family of [item.family, ...item.sums]) rows.push({ family, y: middleOf(main) + down, from, to });
    boxes.push(...movedPoints(own, 0, down));
    end = Math.max(...boxes.map(({ y, h }) => y + h));
  });
  const least = Math.min(...boxes.map(({ x }) => x));
  const w = Math.max(...boxes.map((each) => each.x + each.w)) - least;
  const axis = steps ? end / 2 : rows[0].y;
  const exits = new Map(rows.map(({ family, y, to }) => [family, [{ x: to, y, key: family, edge: least + w }]]));
  const entries = [{ x: steps ? least : rows[0].from, y: axis, key: rows[0].family, edge: least }];
  return moved({ part, at: { x: least, y: 0 }, w, h: end, axis, boxes, arrows, dense: null, exits, entries }, -least, 0);
}

/** Dense layers as neurons and edges. @param {Setting} setting @param {Part} part @returns {Block} */
export function denseBlock(setting, part) {
  const { upright } = setting;
  const network = /** @type {import("./network.js").Network} */ (part.network);
  const plan = planned(network, { full: true, upright, sample: setting.sample, calculated: part.items.length > 0 });
  const spots = plan.units.filter(({ kind }) => kind !== "pill").map((unit) => ({ ...unit, key: unit.keys.out ?? unit.keys.value }));
  const familyOfKey = (/** @type {string} */ key) => key.slice(0, key.lastIndexOf(":"));
  const firsts = spots.filter(({ key }) => familyOfKey(key) === network.input.name);
  /** @type {Map<string, Anchor[]>} */
  const exits = new Map();
  for (const { key, x, y, w } of spots) exits.set(familyOfKey(key), [...(exits.get(familyOfKey(key)) ?? []), { x: x + w / 2, y, key, edge: plan.width }]);
  const entries = firsts.map(({ key, x, y, w }) => ({ x: x - w / 2, y, key, edge: 0 }));
  // What the first column is made with: below it, or from top to bottom above it.
  const given = part.items.flatMap((item) => item.given).map((family) => boxOf(setting, family));
  const above = upright && given.length ? Math.max(...given.map(({ h }) => h)) + 8 : 0;
  let x = entries[0].x;
  const y = upright ? -above : Math.max(...firsts.map((unit) => unit.y + unit.h / 2)) + NEAR;
  const boxes = given.map((box) => {
    x += box.w + NEAR;
    return { ...box, x: x - box.w - NEAR, y };
  });
  const bottom = Math.max(plan.height, ...boxes.map((box) => box.y + box.h));
  const up = upright ? -above : OWN_TITLE; // its titles stand with those of the line
  const block = { part, at: { x: 0, y: up }, w: Math.max(plan.width, x), h: bottom - up, axis: (bottom - up) / 2, boxes, arrows: [], dense: plan, exits, entries };
  return moved(block, 0, -up);
}
