// How one number comes about: its own formula, and for a derivative its chain of factors or the sum over the paths.
// The same rules as in the worked example that the package prints.

import { flat, valueOf } from "./evaluate.js";
import { pathsOf } from "./paths.js";
import { familyOf, hasDelta, isRatio, keyOf, scalar } from "./names.js";
import { ELLIPSIS, ONE, SHOWN_ADDENDS, bound, expanded, holds, indexNumber, isNumber, nodes, positions, refsOf, same, substituted, tidied, withArgs } from "./tree.js";
import { exactly } from "./arithmetic.js";
import { rounded } from "./format.js";

/** @typedef {import("./tree.js").Expr} Expr */
/** @typedef {import("./names.js").Scalar} Scalar */
/** @typedef {import("./names.js").Ratio} Ratio */
/** @typedef {import("./names.js").Quantity} Quantity */
/** @typedef {import("./evaluate.js").Definition} Definition */
/**
 * @typedef {object} Shown one round with its numbers, ready to be written about
 * @property {Map<string, import("./evaluate.js").Family>} families
 * @property {Map<string, Definition>} definitions
 * @property {string} loss
 * @property {import("./evaluate.js").Ledger} ledger
 * @property {Record<string, (string | number)[]>} typed
 * @property {Record<string, import("./evaluate.js").Row>} functions
 * @property {import("./arithmetic.js").Arithmetic} kind
 * @property {number} digits
 */
/** @typedef {{ sides: Expr[], note?: string, final?: boolean, of?: Quantity }} Equation */
/** @typedef {{ ratio: Ratio, slope: Expr, at: Record<string, number>, sizes: Record<string, number> }} Factor */
/** @typedef {{ upstream: Scalar | null, scale: Expr | null, factor: Factor | null, slope: Expr, at: Record<string, number>, sizes: Record<string, number> }} Addend */

const GROUPED_AT_MOST = 2000;

/** A quantity as a node of a formula. @param {Quantity} of @returns {Expr} */
export const quantityRef = (of) => ({ op: "ref", name: "", of });

/** @param {Shown} shown @param {Scalar} each */
export function numberOf(shown, each) {
  return shown.ledger[each.family][flat(familyOf(shown, each.family).shape, each.index)];
}

/** A number as it is shown: as typed, where a person typed it, else rounded. @param {Shown} shown @param {Scalar} each */
export function textOf(shown, each) {
  const typed = shown.typed[each.family]?.[flat(familyOf(shown, each.family).shape, each.index)];
  return typeof typed === "string" ? typed : rounded(numberOf(shown, each), shown.digits);
}

/** @param {string} text @param {Quantity} [of] @returns {Expr} */
export const numberNode = (text, of) =>
  text.startsWith("-") ? { op: "neg", args: [{ op: "num", value: text.slice(1) }], of } : { op: "num", value: text, of };

/** @param {Shown} shown @param {Scalar} each */
const shownNode = (shown, each) => numberNode(textOf(shown, each), each);

/** @param {Expr} node @returns {Scalar} */
const scalarAt = (node) => scalar(/** @type {string} */ (node.name), /** @type {number[]} */ (node.at ?? []));

/** @param {Expr} expr @param {(each: Scalar) => Expr} put @returns {Expr} */
function filled(expr, put) {
  if (expr.op === "ref") return same(expr, ELLIPSIS) ? expr : put(scalarAt(expr));
  return expr.args ? withArgs(expr, expr.args.map((arg) => filled(arg, put))) : expr;
}

/** @param {Expr} expr */
const withNames = (expr) => filled(expr, quantityRef);
/** @param {Shown} shown @param {Expr} expr */
const withNumbers = (shown, expr) => filled(expr, (each) => shownNode(shown, each));

/** A function by its formula, 1 / (1 + exp(-x)) for logistic(x), where that is one expression. @param {Shown} shown @param {Expr} formula */
function unfolded(shown, formula) {
  const row = formula.op === "call" ? shown.functions[/** @type {string} */ (formula.name)] : null;
  if (!row?.formula || [...nodes(row.formula)].some((node) => node.op === "if")) return formula;
  const args = Object.fromEntries(row.parameters.map((name, place) => [name, formula.args?.[place]]));
  /** @param {Expr} expr @returns {Expr} */
  const put = (expr) =>
    expr.op === "ref" && !expr.at && args[/** @type {string} */ (expr.name)] ? /** @type {Expr} */ (args[/** @type {string} */ (expr.name)]) : expr.args ? withArgs(expr, expr.args.map(put)) : expr;
  return put(row.formula);
}

/** name = formula = the same with numbers = value; a side that repeats the one before is left out. @param {Shown} shown @param {Expr} left @param {Expr} formula @param {Record<string, number>} at @param {Record<string, number>} sizes @param {Expr} value @returns {Expr[]} */
function sidesOf(shown, left, formula, at, sizes, value) {
  const written = untied(shown, expanded(formula, at, sizes));
  const sides = [left];
  /** @type {string} */
  let before = "";
  for (const side of [withNames(written), withNumbers(shown, unfolded(shown, written)), value]) {
    const text = lineText(side);
    if (text !== before) sides.push(side);
    before = text;
  }
  return sides;
}

/** The slope of a largest value without the number of those that share it, where it is the only one. @param {Shown} shown @param {Expr} expr @returns {Expr} */
function untied(shown, expr) {
  if (!expr.args) return expr;
  const [top, below] = expr.args;
  if (expr.op === "div" && below.op === "add" && ![...nodes(expr)].includes(ELLIPSIS)) {
    const held = /** @type {Expr[]} */ (below.args).map((each) => isLargest(shown, each));
    if (!held.includes(null) && held.filter(Boolean).length === 1) return untied(shown, top);
  }
  return withArgs(expr, expr.args.map((each) => untied(shown, each)));
}

/** Whether [x = max(...)] holds; null for any other formula. @param {Shown} shown @param {Expr} expr */
function isLargest(shown, expr) {
  const [left, right] = expr.args ?? [];
  if (expr.op !== "if" || expr.relation !== "==" || right.op !== "call" || right.name !== "max") return null;
  const value = evaluated(shown, left, {}, {});
  const others = /** @type {Expr[]} */ (right.args).map((each) => evaluated(shown, each, {}, {}));
  return others.every((each) => shown.kind.compare(value, each) >= 0) && others.some((each) => shown.kind.compare(value, each) === 0);
}

/** A formula as a text that tells it from others; 1.0 and 1 are the same. @param {Expr} expr @returns {string} */
function lineText(expr) {
  if (expr.op === "ref") return expr.of ? `<${"by" in expr.of ? keyOf(expr.of.of) + "/" + keyOf(expr.of.by) : keyOf(expr.of)}>` : `${expr.name}`;
  if (expr.op === "num") return numberKey(/** @type {string} */ (expr.value));
  return `${expr.op}${expr.name ?? ""}${expr.relation ?? ""}${expr.over ?? ""}(${(expr.args ?? []).map(lineText).join(" ")})`;
}

/** @param {string} text */
function numberKey(text) {
  if (!/^[\d.]/.test(text)) return text; // NaN, Infinity
  const { n, d } = exactly(text);
  return `${n}/${d}`;
}

/** A calculated scalar by its own formula. @param {Shown} shown @param {Scalar} each @returns {Equation} */
export function equationOf(shown, each) {
  const definition = shown.definitions.get(each.family);
  const left = quantityRef(each);
  if (!definition) return { sides: [left, shownNode(shown, each)], of: each };
  const at = bound(definition.indices, each.index);
  return { sides: sidesOf(shown, left, definition.formula, at, definition.sizes, shownNode(shown, each)), of: each };
}

/** What a scalar's formula uses, each once, in the order in which it is written. @param {Shown} shown @param {Scalar} each @returns {Scalar[]} */
export function usesOf(shown, each) {
  const definition = shown.definitions.get(each.family);
  if (!definition) return [];
  const written = expanded(definition.formula, bound(definition.indices, each.index), definition.sizes);
  const found = new Map(refsOf(written).filter((node) => shown.families.has(/** @type {string} */ (node.name))).map((node) => [keyOf(scalarAt(node)), scalarAt(node)]));
  return [...found.values()];
}

/** @param {Shown} shown @param {Expr} expr @param {Record<string, number>} at @param {Record<string, number>} sizes */
function evaluated(shown, expr, at, sizes) {
  const families = Object.fromEntries([...shown.families.values()].map(({ name, shape }) => [name, { shape, values: shown.ledger[name] }]));
  return valueOf(expr, at, sizes, families, shown.functions, shown.kind);
}

/** How many addends a derivative's sum has. @param {Shown} shown @param {Scalar} each */
export function addendCount(shown, each) {
  const adjoint = /** @type {Definition} */ (shown.definitions.get(each.family));
  return pathsOf(adjoint).reduce((sum, path) => sum + path.over.reduce((a, name) => a * adjoint.sizes[name], 1), 0);
}

/** @param {Shown} shown @param {Scalar} each @returns {Generator<Addend>} */
function* ungrouped(shown, each) {
  const adjoint = /** @type {Definition} */ (shown.definitions.get(each.family));
  const below = scalar(familyOf(shown, each.family).of, each.index);
  const start = bound(adjoint.indices, each.index);
  for (const path of pathsOf(adjoint)) {
    for (const position of positions(path.over.map((name) => adjoint.sizes[name]))) {
      const at = { ...start, ...bound(path.over, position) };
      const passes = path.tests.every(({ left, relation, right }) => {
        const [a, b] = [indexNumber(substituted(left, at)), indexNumber(substituted(right, at))];
        return a === null || b === null || holds(a, relation, b);
      });
      if (passes && !isNothing(path.slope, at, adjoint.sizes)) yield addendAt(shown, path, below, at, adjoint.sizes);
    }
  }
}

/** Whether a test of its indices makes a path's slope 0. @param {Expr} slope @param {Record<string, number>} at @param {Record<string, number>} sizes */
const isNothing = (slope, at, sizes) => [...nodes(slope)].some((node) => node.op === "if") && isNumber(expanded(slope, at, sizes), "0");

/** @param {Shown} shown @param {{ upstream: Expr | null, slope: Expr }} path @param {Scalar} below @param {Record<string, number>} at @param {Record<string, number>} sizes @returns {Addend} */
function addendAt(shown, path, below, at, sizes) {
  if (path.upstream?.op !== "ref") return { upstream: null, scale: path.upstream, factor: null, slope: path.slope, at, sizes };
  const upstream = scalarAt(expanded(path.upstream, at, sizes));
  const above = scalar(familyOf(shown, upstream.family).of, upstream.index);
  if (above.family === shown.loss) return { upstream: null, scale: null, factor: null, slope: path.slope, at, sizes };
  const factor = { ratio: { of: above, by: below }, slope: path.slope, at, sizes };
  return { upstream, scale: null, factor, slope: path.slope, at, sizes };
}

/** The paths to a derivative: one for each derivative upstream, its slopes added up. @param {Shown} shown @param {Scalar} each @returns {Addend[]} */
export function addendsTo(shown, each) {
  if (addendCount(shown, each) > GROUPED_AT_MOST) return [...take(ungrouped(shown, each), SHOWN_ADDENDS + 1)];
  /** @type {Map<string, Addend>} */
  const found = new Map();
  let alone = 0;
  for (const addend of ungrouped(shown, each)) {
    const key = addend.upstream ? keyOf(addend.upstream) : `:${(alone += 1)}`;
    const first = found.get(key);
    if (!first) found.set(key, addend);
    else {
      const slope = tidied({ op: "add", args: [substituted(first.slope, first.at), substituted(addend.slope, addend.at)] });
      const factor = first.factor && { ...first.factor, slope, at: {} };
      found.set(key, { ...first, scale: null, factor, slope, at: {} });
    }
  }
  return [...found.values()].sort((a, b) => compareScalars(a.upstream, b.upstream));
}

/** @template T @param {Iterable<T>} items @param {number} most @returns {Generator<T>} */
function* take(items, most) {
  if (most < 1) return;
  for (const item of items) {
    yield item;
    if ((most -= 1) < 1) return;
  }
}

/** @param {Scalar | null} a @param {Scalar | null} b */
function compareScalars(a, b) {
  if (!a || !b) return (a ? 1 : 0) - (b ? 1 : 0);
  if (a.family !== b.family) return a.family < b.family ? -1 : 1;
  for (let axis = 0; axis < a.index.length; axis += 1) if (a.index[axis] !== b.index[axis]) return a.index[axis] - b.index[axis];
  return 0;
}

/** Follow the single paths from a derivative towards the loss. @param {Shown} shown @param {Scalar} each @returns {{ head: Scalar, factors: Factor[] }} */
export function chainOf(shown, each) {
  /** @type {Factor[]} */
  const factors = [];
  let head = each;
  for (;;) {
    const addends = addendsTo(shown, head);
    if (addends.length !== 1 || !addends[0].factor || !addends[0].upstream) return { head, factors };
    factors.unshift(addends[0].factor);
    head = addends[0].upstream;
  }
}

/** A derivative written as one, even where it has a name of its own. @param {Shown} shown @param {Scalar} each */
export const plainRatio = (shown, each) => ({ ...quantityRef({ of: scalar(shown.loss), by: scalar(familyOf(shown, each.family).of, each.index) }), target: each });

/** The part of the loss that a derivative belongs to alone: E_o1 for delta_o1. @param {Shown} shown @param {Scalar} upstream @returns {Scalar | null} */
function lossTermOf(shown, upstream) {
  const { head } = chainOf(shown, upstream);
  if (addendsTo(shown, head).length !== 1) return null;
  const family = familyOf(shown, head.family).of;
  const users = [...shown.definitions.values()].filter(
    (each) => shown.families.has(`d_${each.target}`) && refsOf(each.formula).some((node) => node.name === family),
  );
  const user = users[0];
  const adjoint = user && shown.definitions.get(`d_${user.target}`);
  if (users.length !== 1 || !adjoint || !isNumber(adjoint.formula, "1") || !user.indices.length) return null;
  for (const node of refsOf(user.formula)) {
    if (node.name !== family || !node.at?.every((index) => typeof index === "string")) continue;
    const at = bound(/** @type {string[]} */ (node.at), head.index);
    if (user.indices.every((name) => name in at)) return scalar(user.target, user.indices.map((name) => at[name]));
  }
  return null;
}

/** @param {Expr} first @param {Expr} second @returns {Expr} */
function productOf(first, second) {
  if (isNumber(second, "1")) return first;
  if (second.op === "neg" && second.args?.[0].op !== "num") return { op: "neg", args: [productOf(first, /** @type {Expr[]} */ (second.args)[0])] };
  return { op: "mul", args: second.op === "mul" ? [first, .../** @type {Expr[]} */ (second.args)] : [first, second] };
}

/** @param {Shown} shown @param {Factor} factor */
const factorNumber = (shown, factor) =>
  numberNode(rounded(evaluated(shown, factor.slope, factor.at, factor.sizes), shown.digits), factor.ratio);

/** @param {Shown} shown @param {Factor} factor @returns {Equation} */
function factorLine(shown, factor, value = factorNumber(shown, factor)) {
  return { sides: sidesOf(shown, quantityRef(factor.ratio), factor.slope, factor.at, factor.sizes, value), of: factor.ratio };
}

/** A slope or a path's part by itself; null where no derivation has it. @param {Shown} shown @param {Ratio} ratio @returns {Equation | null} */
export function ratioLine(shown, ratio) {
  const adjoint = scalar(`d_${ratio.by.family}`, ratio.by.index);
  if (!shown.definitions.has(adjoint.family)) return null;
  const addends = addendsTo(shown, adjoint);
  const [of, by] = [keyOf(ratio.of), keyOf(ratio.by)];
  for (const { factor } of addends) if (factor && keyOf(factor.ratio.of) === of && keyOf(factor.ratio.by) === by) return factorLine(shown, factor);
  const parts = addends.length > 1 ? pathLines(shown, adjoint, addends) : [];
  return parts.find(({ sides: [{ of: name }] }) => name && isRatio(name) && keyOf(name.of) === of && keyOf(name.by) === by) ?? null;
}

/** @param {Shown} shown @param {Scalar} each @returns {Equation} */
function ownLine(shown, each) {
  const addends = addendsTo(shown, each);
  const [only] = addends;
  if (addends.length === 1 && !only.upstream && !only.scale) {
    return { sides: sidesOf(shown, quantityRef(each), only.slope, only.at, only.sizes, shownNode(shown, each)), of: each };
  }
  return equationOf(shown, each);
}

/**
 * @typedef {object} Derivation of one derivative
 * @property {Scalar} head where the chain begins
 * @property {Equation[]} paths the sum over the paths to the head, where there are several
 * @property {Scalar[]} through the derivatives that these paths come from
 * @property {Equation | null} chain the product of the factors by name
 * @property {Equation[]} factors each factor with its formula and value
 * @property {Equation | null} product the factors as numbers, and the result
 * @property {Equation | null} own its own line, where there is no chain
 */

/** How a derivative comes about. @param {Shown} shown @param {Scalar} each @returns {Derivation} */
export function derivationOf(shown, each) {
  const { head, factors } = chainOf(shown, each);
  const into = addendsTo(shown, head);
  const several = into.length > 1;
  const left = quantityRef(each);
  const found = { head, paths: several ? pathLines(shown, head, into) : [], through: several ? into.flatMap((addend) => addend.upstream ?? []) : [] };
  if (!factors.length) return { ...found, chain: null, factors: [], product: null, own: several ? null : ownLine(shown, each) };
  const first = plainRatio(shown, head);
  const links = [first, ...factors.map((factor) => quantityRef(factor.ratio))];
  const headSides = several ? [first, ...deltaName(shown, head), shownNode(shown, head)] : [first, ...ownLine(shown, head).sides.slice(1)];
  const values = factors.map((factor) => factorNumber(shown, factor));
  const lines = [{ sides: headSides, note: several ? "the sum over the paths, above" : "", of: head }, ...factors.map((factor, place) => factorLine(shown, factor, values[place]))];
  return {
    ...found,
    chain: { sides: [left, { op: "mul", args: links }], of: each },
    factors: lines,
    product: { sides: [left, { op: "mul", args: [shownNode(shown, head), ...values] }, shownNode(shown, each)], final: true, of: each },
    own: null,
  };
}

/** @param {Shown} shown @param {Scalar} each @returns {Expr[]} */
const deltaName = (shown, each) => (hasDelta(shown, familyOf(shown, each.family)) ? [quantityRef(each)] : []);

/** The sum over paths: the parts by name, then each part, then the sum with numbers. @param {Shown} shown @param {Scalar} head @param {Addend[]} addends @returns {Equation[]} */
function pathLines(shown, head, addends) {
  const left = plainRatio(shown, head);
  const below = scalar(familyOf(shown, head.family).of, head.index);
  if (addends.length > SHOWN_ADDENDS) {
    return [{ sides: [left, ...equationOf(shown, head).sides.slice(1)], note: `${addendCount(shown, head)} addends`, final: true, of: head }];
  }
  const terms = lossTerms(shown, addends);
  const parts = addends.map((addend, place) => partLine(shown, addend, below, terms[place]));
  return [
    { sides: [left, { op: "add", args: parts.map((part) => part.sides[0]) }], note: "the sum over the paths", of: head },
    ...parts,
    { sides: [left, ...deltaName(shown, head), { op: "add", args: parts.map((part) => part.sides[part.sides.length - 1]) }, shownNode(shown, head)], final: true, of: head },
  ];
}

/** For each path the part of the loss that it belongs to, where no other path belongs to the same one. @param {Shown} shown @param {Addend[]} addends */
export function lossTerms(shown, addends) {
  const terms = addends.map((addend) => addend.upstream && lossTermOf(shown, addend.upstream));
  // A path through a layer before leads to several parts, which may be those of the others too.
  if (addends.some((addend, place) => addend.upstream && !terms[place])) return terms.map(() => null);
  const keys = terms.map((term) => term && keyOf(term));
  return terms.map((term, place) => (keys.filter((key) => key === keys[place]).length === 1 ? term : null));
}

/** One path's part. @param {Shown} shown @param {Addend} addend @param {Scalar} below @param {Scalar | null} term @returns {Equation} */
function partLine(shown, addend, below, term) {
  const written = expanded(addend.slope, addend.at, addend.sizes);
  let [named, numbers] = [withNames(written), withNumbers(shown, written)];
  let value = evaluated(shown, addend.slope, addend.at, addend.sizes);
  const plain = addend.scale ? productOf(addend.scale, named) : named;
  if (addend.upstream) {
    named = productOf(quantityRef(addend.upstream), named);
    numbers = productOf(shownNode(shown, addend.upstream), numbers);
    value = shown.kind.mul(numberOf(shown, addend.upstream), value);
  } else if (addend.scale) {
    named = plain;
    numbers = productOf(addend.scale, numbers);
    value = shown.kind.mul(evaluated(shown, addend.scale, {}, {}), value);
  }
  const name = !addend.upstream || !addend.factor ? plain : term ? quantityRef({ of: term, by: below }) : /** @type {Expr} */ ({ op: "mul", args: [plainRatio(shown, addend.upstream), quantityRef(addend.factor.ratio)] });
  const sides = [name];
  for (const side of [named, numbers, numberNode(rounded(value, shown.digits), name.of)]) {
    if (lineText(side) !== lineText(sides[sides.length - 1])) sides.push(side);
  }
  return { sides, of: addend.upstream ?? undefined };
}
