// Every number of a round as a person writes it down, a line each: the slopes and the parts by path are lines too.

import { addendsTo, lossTerms } from "./derive.js";
import { blocksOf } from "./evaluate.js";
import { keyOf, scalar } from "./names.js";
import { keysOf } from "./model.js";
import { scalarOf } from "./names.js";
import { bound, expanded, holds, nodes, transformed } from "./tree.js";

/** @typedef {import("./tree.js").Expr} Expr */
/** @typedef {import("./derive.js").Shown} Shown */
/**
 * @typedef {object} Sheet
 * @property {Map<string, Expr>} lines formulas over the keys of other lines
 * @property {Map<string, any>} given numbers as typed
 * @property {Record<string, import("./evaluate.js").Row>} functions
 * @property {Map<string, number>} order
 */

const EVERY_ADDEND = 10 ** 6;

/** The sheet of the round that is shown. @param {Shown} shown @returns {Sheet} */
export function sheetOf(shown) {
  /** @type {Sheet["lines"]} */
  const lines = new Map();
  /** @type {Sheet["given"]} */
  const given = new Map();
  for (const family of shown.families.keys()) {
    if (shown.definitions.has(family)) continue;
    let place = 0;
    for (const key of keysOf(shown, family)) given.set(key, shown.typed[family][place++]);
  }
  for (const { definitions, steps } of blocksOf([...shown.definitions.values()])) {
    const all = definitions.map((each) => [...keysOf(shown, each.target)]);
    for (const places of steps) {
      definitions.forEach((each, member) => places[member].forEach((place) => addScalar(shown, lines, each, all[member][place])));
    }
  }
  const order = new Map([...given.keys(), ...lines.keys()].map((key, place) => [key, place]));
  return { lines, given, functions: shown.functions, order };
}

/** @param {Shown} shown @param {Sheet["lines"]} lines @param {import("./evaluate.js").Definition} definition @param {string} key */
function addScalar(shown, lines, { target, formula, indices, sizes }, key) {
  const paths = shown.families.get(target)?.role === "adjoint" && [...nodes(formula)].some((node) => node.why === "upstream");
  if (!paths || !addDerivative(shown, lines, key)) lines.set(key, sheetFormula(formula, bound(indices, scalarOf(key).index), sizes));
}

/** @param {Expr} formula @param {Record<string, number>} at @param {Record<string, number>} sizes */
const sheetFormula = (formula, at, sizes) => transformed(expanded(formula, at, sizes, EVERY_ADDEND), (node) => {
  if (node.op === "ref") return { op: "ref", name: keyOf(scalar(/** @type {string} */ (node.name), /** @type {number[]} */ (node.at ?? []))), why: node.why };
  if (node.op === "call" && node.name === "max") return /** @type {Expr[]} */ (node.args).reduce(larger);
  return node;
});

/** The larger of two numbers. @param {Expr} a @param {Expr} b @returns {Expr} */
const larger = (a, b) => ({ op: "if", relation: ">", args: [a, b, a, b] });

/** @param {string} name @returns {Expr} */
const lineRef = (name) => ({ op: "ref", name });

/** The slopes, the parts by path, and the derivative as their product or sum. @param {Shown} shown @param {Sheet["lines"]} lines @param {string} key */
function addDerivative(shown, lines, key) {
  const each = scalarOf(key);
  const addends = addendsTo(shown, each);
  if (!addends.length || addends.some(({ upstream, factor }) => !upstream || !factor)) return false;
  const below = keyOf(scalar(/** @type {any} */ (shown.families.get(each.family)).of, each.index));
  const terms = addends.length > 1 ? lossTerms(shown, addends) : [null];
  const parts = addends.map((addend, place) => {
    const { ratio } = /** @type {import("./derive.js").Factor} */ (addend.factor);
    const slope = `${keyOf(ratio.of)}/${keyOf(ratio.by)}`;
    if (!lines.has(slope)) lines.set(slope, sheetFormula(addend.slope, addend.at, addend.sizes));
    /** @type {Expr} */
    const part = { op: "mul", args: [lineRef(keyOf(/** @type {any} */ (addend.upstream))), lineRef(slope)] };
    const term = terms[place];
    if (!term) return part;
    const named = `${keyOf(term)}/${below}`;
    if (!lines.has(named)) lines.set(named, part);
    return lineRef(named);
  });
  lines.set(key, parts.length === 1 ? parts[0] : { op: "add", args: parts });
  return true;
}

/** The value of a formula of the sheet. @param {Expr} expr @param {Record<string, any>} names @param {any} kind @param {Sheet["functions"]} functions @returns {any} */
export function lineValue(expr, names, kind, functions) {
  const value = (/** @type {Expr} */ each) => lineValue(each, names, kind, functions);
  const args = expr.args ?? [];
  switch (expr.op) {
    case "num": return kind.number(expr.value);
    case "ref": return names[/** @type {string} */ (expr.name)];
    case "neg": return kind.neg(value(args[0]));
    case "add": return args.map(value).reduce(kind.add);
    case "mul": return args.map(value).reduce(kind.mul);
    case "div": return kind.div(value(args[0]), value(args[1]));
    case "pow": return kind.pow(value(args[0]), value(args[1]));
    case "if": {
      const order = kind.compare(value(args[0]), value(args[1]));
      if (order !== order && kind.between) return kind.between(value(args[2]), value(args[3]));
      return value(order === order && holds(order, /** @type {string} */ (expr.relation), 0) ? args[2] : args[3]);
    }
    case "call": {
      const row = functions[/** @type {string} */ (expr.name)];
      const values = args.map(value);
      if (!row?.formula) return kind.functions[/** @type {string} */ (expr.name)](...values);
      return lineValue(row.formula, Object.fromEntries(row.parameters.map((name, place) => [name, values[place]])), kind, functions);
    }
    default: throw new Error(`${expr.op} is not written out`);
  }
}

/** What each line gives; `replaced` stands in a line's place for all that uses it. @param {Sheet} sheet @param {any} kind @param {Map<string, any>} [replaced] */
export function calculated(sheet, kind, replaced = new Map()) {
  /** @type {Record<string, any>} */
  const found = Object.create(null);
  /** @type {Record<string, any>} */
  const used = Object.create(null);
  for (const [key, typed] of sheet.given) {
    found[key] = kind.number(typed);
    used[key] = replaced.has(key) ? replaced.get(key) : found[key];
  }
  for (const [key, formula] of sheet.lines) {
    found[key] = lineValue(formula, used, kind, sheet.functions);
    used[key] = replaced.has(key) ? replaced.get(key) : found[key];
  }
  return found;
}

/** The names in a formula, each once. @param {Expr | undefined} formula */
export const namesIn = (formula) => (formula ? [...new Set([...nodes(formula)].filter((node) => node.op === "ref").map((node) => /** @type {string} */ (node.name)))] : []);

/** The line itself and all that goes into it, as far back as pinned lines; nearest first. @param {Sheet} sheet @param {string} key @param {Set<string>} pinned */
export function sourcesOf(sheet, key, pinned) {
  const found = new Set([key]);
  for (const each of found) {
    if (each === key || !pinned.has(each)) for (const name of namesIn(sheet.lines.get(each))) found.add(name);
  }
  return [...found];
}
