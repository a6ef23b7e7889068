// Formulas as trees of plain objects: indices put in, sums written out, factors that say nothing left out.

/** @typedef {string | number | { terms: [string, number][], constant: number }} Index */
/**
 * @typedef {object} Expr
 * @property {"num"|"ref"|"neg"|"add"|"mul"|"div"|"pow"|"call"|"sum"|"max"|"if"} op
 * @property {string} [value] of a num
 * @property {string} [name] of a ref or a call
 * @property {Index[]} [at] of a ref
 * @property {string[]} [over] of a sum or max
 * @property {string} [relation] of an if, whose args are left, right, then, otherwise
 * @property {Expr[]} [args]
 * @property {string} [why]
 * @property {import("./names.js").Quantity} [of] of a num: the quantity whose value it is
 */

export const SHOWN_ADDENDS = 12; // of a longer sum the first three and the last one are shown
/** @type {Expr} */
export const ZERO = { op: "num", value: "0" };
/** @type {Expr} */
export const ONE = { op: "num", value: "1" };
/** @type {Expr} */
export const ELLIPSIS = { op: "ref", name: "..." };

/** @type {(a: number, relation: string, b: number) => boolean} */
export function holds(a, relation, b) {
  switch (relation) {
    case "<": return a < b;
    case "<=": return a <= b;
    case ">": return a > b;
    case ">=": return a >= b;
    case "==": return a === b;
    default: return a !== b;
  }
}

/** @param {Expr} expr @param {string} text */
export const isNumber = (expr, text) => expr.op === "num" && Number(expr.value) === Number(text);

/** @param {Expr} expr @param {Expr[]} args @returns {Expr} */
export const withArgs = (expr, args) => ({ ...expr, args });

/** Whether two formulas are the same, whatever their nodes stand for. @param {Expr} a @param {Expr} b @returns {boolean} */
export function same(a, b) {
  if (a === b) return true;
  if (a.op !== b.op || a.name !== b.name || a.relation !== b.relation) return false;
  if (a.op === "num") return a.value === b.value || Number(a.value) === Number(b.value);
  if (JSON.stringify(a.at ?? []) !== JSON.stringify(b.at ?? [])) return false;
  if (JSON.stringify(a.over ?? []) !== JSON.stringify(b.over ?? [])) return false;
  const [first, second] = [a.args ?? [], b.args ?? []];
  return first.length === second.length && first.every((each, place) => same(each, second[place]));
}

/** Every node, from the top down. @param {Expr} expr @returns {Generator<Expr>} */
export function* nodes(expr) {
  yield expr;
  for (const arg of expr.args ?? []) yield* nodes(arg);
}

/** @param {Expr} expr @returns {Expr[]} */
export const refsOf = (expr) => [...nodes(expr)].filter((node) => node.op === "ref");

/** @param {Expr} expr @param {(node: Expr) => Expr} rule children first @returns {Expr} */
export function transformed(expr, rule) {
  return rule(expr.args ? withArgs(expr, expr.args.map((arg) => transformed(arg, rule))) : expr);
}

/** @param {Index} index @param {Record<string, number>} at @returns {Index} */
function indexAt(index, at) {
  if (typeof index === "number") return index;
  if (typeof index === "string") return index in at ? at[index] : index;
  let constant = index.constant;
  const terms = index.terms.filter(([name, times]) => {
    if (name in at) constant += times * at[name];
    return !(name in at);
  });
  return terms.length ? { terms, constant } : constant;
}

/** @param {number} value @returns {Expr} */
export const whole = (value) =>
  value < 0 ? { op: "neg", args: [{ op: "num", value: String(-value) }] } : { op: "num", value: String(value) };

/** A formula with letters replaced by numbers. @param {Expr} expr @param {Record<string, number>} at @returns {Expr} */
export function substituted(expr, at) {
  if (expr.op === "ref") {
    if (!expr.at) return Object.hasOwn(at, /** @type {string} */ (expr.name)) ? whole(at[/** @type {string} */ (expr.name)]) : expr;
    return { ...expr, at: expr.at.map((index) => indexAt(index, at)) };
  }
  if (!expr.args) return expr;
  let inner = at;
  if (expr.over?.some((name) => name in at)) {
    inner = Object.fromEntries(Object.entries(at).filter(([name]) => !expr.over?.includes(name)));
  }
  return withArgs(expr, expr.args.map((arg) => substituted(arg, inner)));
}

/** Every position in the ranges, the last one running fastest. @param {number[]} sizes @returns {Generator<number[]>} */
export function* positions(sizes) {
  if (sizes.some((size) => size < 1)) return;
  const at = sizes.map(() => 0);
  for (;;) {
    yield [...at];
    let place = sizes.length - 1;
    while (place >= 0 && at[place] === sizes[place] - 1) at[place--] = 0;
    if (place < 0) return;
    at[place] += 1;
  }
}

/** @param {string[]} letters @param {number[]} position @returns {Record<string, number>} */
export const bound = (letters, position) => Object.fromEntries(letters.map((name, place) => [name, position[place]]));

/**
 * A formula with the letters put in and its sums written out.
 * @param {Expr} expr @param {Record<string, number>} at @param {Record<string, number>} sizes @param {number} [shown]
 * @returns {Expr}
 */
export const expanded = (expr, at, sizes, shown = SHOWN_ADDENDS) => expandedHere(substituted(expr, at), sizes, shown);

/** @param {Expr} expr @param {Record<string, number>} sizes @param {number} shown @returns {Expr} */
function expandedHere(expr, sizes, shown) {
  if (expr.op === "sum") {
    const addends = [...addendsOf(expr, sizes, shown)].filter((each) => !isNumber(each, "0"));
    return addends.length === 0 ? ZERO : addends.length === 1 ? addends[0] : { op: "add", args: addends, why: expr.why };
  }
  if (expr.op === "max") {
    const args = [...addendsOf(expr, sizes, shown)];
    return args.length > 1 ? { op: "call", name: "max", args } : args[0];
  }
  if (expr.op === "if") {
    const [left, right, then, otherwise] = /** @type {Expr[]} */ (expr.args);
    const [a, b] = [indexNumber(left), indexNumber(right)];
    if (a !== null && b !== null) {
      return expandedHere(holds(a, /** @type {string} */ (expr.relation), b) ? then : otherwise, sizes, shown);
    }
  }
  if (!expr.args) return expr;
  let args = expr.args.map((arg) => expandedHere(arg, sizes, shown));
  if (args.every((arg, place) => arg === expr.args?.[place])) return expr;
  const zero = args.some((arg) => isNumber(arg, "0"));
  if (expr.op === "add") {
    const before = /** @type {Expr[]} */ (expr.args);
    const changed = args.some((arg, place) => !same(arg, before[place]));
    if (changed) args = args.flatMap((arg) => (arg.op === "add" ? /** @type {Expr[]} */ (arg.args) : [arg]));
  }
  return zero ? tidied(withArgs(expr, args)) : withArgs(expr, args);
}

/** @param {Expr} expr @param {Record<string, number>} sizes @param {number} shown @returns {Generator<Expr>} */
function* addendsOf(expr, sizes, shown) {
  const letters = /** @type {string[]} */ (expr.over);
  const body = /** @type {Expr[]} */ (expr.args)[0];
  const ranges = letters.map((name) => sizes[name]);
  const addend = (/** @type {number[]} */ position) =>
    expandedHere(substituted(body, bound(letters, position)), sizes, shown);
  if (ranges.reduce((a, b) => a * b, 1) <= shown) {
    for (const position of positions(ranges)) yield addend(position);
    return;
  }
  let found = 0;
  for (const position of positions(ranges)) {
    const each = addend(position);
    if (isNumber(each, "0")) continue;
    yield each;
    if ((found += 1) === 3) break;
  }
  yield ELLIPSIS;
  for (const position of positions(ranges)) {
    const each = addend(position.map((value, place) => ranges[place] - 1 - value));
    if (isNumber(each, "0")) continue;
    yield each;
    return;
  }
  yield ZERO;
}

/** The value of a formula of whole numbers only; null where anything else is in it. @param {Expr} expr @returns {number | null} */
export function indexNumber(expr) {
  if (expr.op === "num") return Number.isInteger(Number(expr.value)) ? Number(expr.value) : null;
  if (expr.op !== "neg" && expr.op !== "add" && expr.op !== "mul") return null;
  /** @type {number[]} */
  const values = [];
  for (const arg of /** @type {Expr[]} */ (expr.args)) {
    const value = indexNumber(arg);
    if (value === null) return null;
    values.push(value);
  }
  return expr.op === "neg" ? -values[0] : values.reduce((a, b) => (expr.op === "add" ? a + b : a * b));
}

/** The same value, without the factors, addends and signs that say nothing. @param {Expr} expr @returns {Expr} */
export const tidied = (expr) => transformed(expr, tidyNode);

/** @param {Expr} expr @param {string | undefined} why @returns {Expr} */
const marked = (expr, why) => (expr.why || !why ? expr : { ...expr, why });

/** @param {Expr} expr @returns {Expr} */
function tidyNode(expr) {
  const args = expr.args ?? [];
  switch (expr.op) {
    case "neg":
      if (args[0].op === "neg") {
        const inner = /** @type {Expr[]} */ (args[0].args)[0];
        return marked(inner, args[0].why ?? expr.why);
      }
      return isNumber(args[0], "0") ? ZERO : expr;
    case "add": {
      const kept = args.flatMap((arg) => (arg.op === "add" ? /** @type {Expr[]} */ (arg.args) : [arg])).filter((each) => !isNumber(each, "0"));
      return kept.length === 0 ? ZERO : kept.length === 1 ? marked(kept[0], expr.why) : withArgs(expr, kept);
    }
    case "mul":
      return tidyProduct(expr);
    case "div":
      if (isNumber(args[0], "0") || isNumber(args[1], "1")) return marked(args[0], expr.why);
      if (args[0].op === "neg") return { op: "neg", args: [withArgs(expr, [/** @type {Expr[]} */ (args[0].args)[0], args[1]])] };
      return expr;
    case "pow":
      return isNumber(args[1], "1") ? marked(args[0], expr.why) : isNumber(args[1], "0") ? ONE : expr;
    case "sum":
      return isNumber(args[0], "0") ? ZERO : expr;
    case "if":
      return same(args[2], args[3]) ? marked(args[2], expr.why) : expr;
    default:
      return expr;
  }
}

/** @param {Expr} expr @returns {Expr} */
function tidyProduct(expr) {
  const { negative, factors } = signedFactors(expr);
  if (factors.some((each) => isNumber(each, "0"))) return ZERO;
  const kept = overOnes(withoutReciprocals(factors.filter((each) => !isNumber(each, "1"))));
  const product = kept.length > 1 ? withArgs(expr, kept) : marked(kept[0] ?? ONE, expr.why);
  return negative ? { op: "neg", args: [product] } : product;
}

/** @param {Expr} expr @returns {{ negative: boolean, factors: Expr[] }} */
function signedFactors(expr) {
  if (expr.op === "neg") {
    const { negative, factors } = signedFactors(/** @type {Expr[]} */ (expr.args)[0]);
    return { negative: !negative, factors };
  }
  if (expr.op !== "mul") return { negative: false, factors: [expr] };
  const parts = /** @type {Expr[]} */ (expr.args).map(signedFactors);
  return {
    negative: parts.filter((part) => part.negative).length % 2 === 1,
    factors: parts.flatMap((part, place) => part.factors.map((each) => marked(each, expr.args?.[place].why))),
  };
}

/** @param {Expr[]} factors @returns {Expr[]} */
function withoutReciprocals(factors) {
  for (const [place, factor] of factors.entries()) {
    if (factor.op !== "div") continue;
    const [top, bottom] = /** @type {Expr[]} */ (factor.args);
    if (!isNumber(top, "1") || bottom.op !== "num" || factor.why || bottom.why) continue;
    const other = factors.findIndex((each) => each.op === "num" && isNumber(each, /** @type {string} */ (bottom.value)));
    if (other >= 0) return factors.filter((_, at) => at !== place && at !== other);
  }
  return factors;
}

/** @param {Expr[]} factors @returns {Expr[]} */
function overOnes(factors) {
  for (const [place, factor] of factors.entries()) {
    if (!place || factor.op !== "div") continue;
    const [top, bottom] = /** @type {Expr[]} */ (factor.args);
    const before = factors[place - 1];
    if (!isNumber(top, "1") || bottom.op === "num" || before.why || before.op === "num") continue;
    const quotient = /** @type {Expr} */ ({ op: "div", args: [before, bottom], why: factor.why });
    return overOnes([...factors.slice(0, place - 1), quotient, ...factors.slice(place + 1)]);
  }
  return factors;
}
