// Which axes of a program's families belong together, found in its formulas; and how a family lies as a grid.

import { keyOf, scalar } from "./names.js";
import { positions, refsOf } from "./tree.js";

/** @typedef {import("./evaluate.js").Definition} Definition */
/** @typedef {import("./evaluate.js").Family} Family */
/** @typedef {import("./tree.js").Expr} Expr */
/** @typedef {{ families: Map<string, Family>, definitions: Map<string, Definition>, loss: string }} Structure */
/**
 * @typedef {object} Axes
 * @property {(family: string, axis: number) => string} kindOf the same text for axes that one letter goes along
 * @property {Set<string>} along the kinds that windows go along
 * @property {Set<string>} time the kinds on which a number is made from one a step before
 * @property {Set<string>} past the families of which a step before is used
 * @property {Set<string>} mixed the families of which a formula other than the loss takes all samples
 */
/**
 * @typedef {object} Grid a family as cells: matrices side by side, where it has more than two axes
 * @property {string} family
 * @property {number} rows
 * @property {number} columns
 * @property {number | null} rowAxis
 * @property {number | null} columnAxis
 * @property {number[]} panelAxes
 * @property {string[]} words what each axis counts, as far as the formulas say it
 * @property {{ place: number[], keys: string[][] }[]} panels with the keys of its cells, row by row
 */

/** The definitions of the forward pass and the error. @param {Structure} shown @returns {Definition[]} */
export function forwardDefinitions(shown) {
  const all = [...shown.definitions.values()];
  const first = all.findIndex(({ target }) => shown.families.get(target)?.role === "adjoint");
  return (first < 0 ? all : all.slice(0, first)).filter(({ target }) => shown.families.get(target)?.role !== "updated");
}

/** @param {Structure} shown @param {Definition[]} definitions @returns {Axes} */
export function axesIn(shown, definitions) {
  /** @type {Map<string, string>} */
  const above = new Map();
  const root = (/** @type {string} */ each) => {
    while (above.has(each)) each = /** @type {string} */ (above.get(each));
    return each;
  };
  const order = new Map(definitions.map(({ target }, place) => [target, place]));
  const [windowed, past] = [/** @type {string[]} */ ([]), /** @type {string[]} */ ([])];
  /** @type {{ letter: string, families: string[] }[]} */
  const taken = [];
  let scopes = 0;

  /** @param {Expr} expr @param {Record<string, string>} letters @param {Definition} of */
  function tie(expr, letters, of) {
    const inner = { ...letters };
    for (const name of expr.over ?? []) {
      inner[name] = `${(scopes += 1)}`;
      if (shown.families.get(of.target)?.role === "value") taken.push({ letter: inner[name], families: refsOf(expr).map((node) => /** @type {string} */ (node.name)) });
    }
    for (const arg of expr.args ?? []) tie(arg, inner, of);
    if (expr.op !== "ref") return;
    const name = /** @type {string} */ (expr.name);
    (expr.at ?? []).forEach((index, axis) => {
      const place = `${name}.${axis}`;
      const terms = typeof index === "object" ? index.terms.map(([letter]) => letter) : typeof index === "string" ? [index] : [];
      for (const letter of terms) if (root(place) !== root(letters[letter])) above.set(root(place), root(letters[letter]));
      if (terms.length > 1) windowed.push(place);
      if (typeof index === "object" && index.constant < 0 && (order.get(name) ?? -1) >= /** @type {number} */ (order.get(of.target))) past.push(place);
    });
  }
  for (const each of definitions) tie(each.formula, Object.fromEntries(each.indices.map((name, axis) => [name, `${each.target}.${axis}`])), each);

  const samples = new Set([...shown.families.values()].filter(isSampled).map(({ name }) => root(`${name}.0`)));
  return {
    kindOf: (family, axis) => root(`${family}.${axis}`),
    along: new Set(windowed.map(root)),
    time: new Set(past.map(root)),
    past: new Set(past.map((place) => place.slice(0, place.lastIndexOf(".")))),
    mixed: new Set(taken.filter(({ letter }) => samples.has(root(letter))).flatMap(({ families }) => families)),
  };
}

/** @param {Family} family */
export const isSampled = (family) => family.axes[0] === "n";

/**
 * How a family lies: steps in time go to the right, and so does what windows go along; else rows come first.
 * @param {Family} family @param {Axes} axes @param {{ sample: number | null, beside?: Grid }} how the sample, null for all of them; and what a parameter lies beside
 * @returns {Grid}
 */
export function gridFrom(family, axes, { sample, beside }) {
  const { name, shape } = family;
  const fixed = isSampled(family) && sample !== null;
  const own = shape.map((_, axis) => axis).filter((axis) => !fixed || axis);
  const kind = (/** @type {number} */ axis) => axes.kindOf(name, axis);
  const steps = own.filter((axis) => axes.time.has(kind(axis)));
  const [rest, last] = steps.length ? [own.filter((axis) => axis !== steps[0]), steps[0]] : [own.slice(0, -1), own[own.length - 1]];
  let [rowAxis, columnAxis] = /** @type {(number | null)[]} */ ([rest[rest.length - 1] ?? null, last ?? null]);
  if (own.length === 1 && !liesAcross(family, own[0], axes, beside)) [rowAxis, columnAxis] = [columnAxis, null];
  const panelAxes = rest.slice(0, -1);
  const size = (/** @type {number | null} */ axis) => (axis === null ? 1 : shape[axis]);
  const [rows, columns] = [size(rowAxis), size(columnAxis)];
  const panels = [...positions(panelAxes.map(size))].map((place) => {
    const at = shape.map(() => 0);
    if (fixed) at[0] = /** @type {number} */ (sample);
    panelAxes.forEach((axis, position) => (at[axis] = place[position]));
    const keys = [...Array(rows).keys()].map((row) => [...Array(columns).keys()].map((column) => {
      if (rowAxis !== null) at[rowAxis] = row;
      if (columnAxis !== null) at[columnAxis] = column;
      return keyOf(scalar(name, [...at]));
    }));
    return { place, keys };
  });
  const words = shape.map((_, axis) => (isSampled(family) && !axis ? "sample" : axis === steps[0] ? "step" : ""));
  return { family: name, rows, columns, rowAxis, columnAxis, panelAxes, words, panels };
}

/** Whether a family of one axis is a row. @param {Family} family @param {number} axis @param {Axes} axes @param {Grid} [beside] */
function liesAcross(family, axis, axes, beside) {
  const kind = axes.kindOf(family.name, axis);
  if (axes.along.has(kind) || axes.time.has(kind)) return true;
  if (!beside) return false;
  const isKind = (/** @type {number | null} */ other) => other !== null && axes.kindOf(beside.family, other) === kind;
  if (isKind(beside.columnAxis)) return true;
  return ![beside.rowAxis, ...beside.panelAxes].some(isKind); // summed over, as along a row of a matrix
}
