// Two more kinds of number: intervals that contain the true value, and the floats of 32 bits that a framework has.

import { FLOATS, MIXED, exactly, fractionOf, toNumber } from "./arithmetic.js";

/** @typedef {{ low: number, high: number }} Interval */

const LIBRARY_ERROR = 4; // neighbours that a function's result may be off
export const EVERYTHING = { low: -Infinity, high: Infinity };
const NOTHING = { low: 0, high: 0 };
const UNIT = { low: 1, high: 1 };

const bits = new BigInt64Array(1);
const float = new Float64Array(bits.buffer);

/** The next float towards plus or minus infinity. @param {number} x @param {1 | -1} way */
export function neighbour(x, way) {
  if (x !== x || x === way * Infinity) return x;
  if (x === 0) return way * Number.MIN_VALUE;
  float[0] = x;
  bits[0] += x > 0 === way > 0 ? 1n : -1n;
  return float[0];
}

/** The distance of a float to the next larger one. @param {number} x */
export const ulp = (x) => neighbour(Math.abs(x), 1) - Math.abs(x);

/** @param {number} low @param {number} high @param {number} [steps] @returns {Interval} */
function outwards(low, high, steps = 1) {
  if (low !== low || high !== high) return EVERYTHING;
  for (let step = 0; step < steps; step += 1) [low, high] = [neighbour(low, -1), neighbour(high, 1)];
  return { low, high };
}

/** The narrowest interval around a number. @param {any} value @returns {Interval} */
export function intervalOf(value) {
  if (typeof value === "object" && "low" in value) return value;
  const exact = typeof value === "string" ? exactly(value) : value;
  const nearest = toNumber(exact);
  if (nearest !== nearest) return EVERYTHING;
  if (typeof exact === "number" || !Number.isFinite(nearest)) return { low: nearest, high: nearest };
  const side = MIXED.compare(exact, fractionOf(nearest));
  return side === 0 ? { low: nearest, high: nearest } : side > 0 ? { low: nearest, high: neighbour(nearest, 1) } : { low: neighbour(nearest, -1), high: nearest };
}

/** @param {number} a @param {number} b @returns {Interval} */
function sumBounds(a, b) {
  const total = a + b;
  return total - a === b && total - b === a ? { low: total, high: total } : outwards(total, total);
}

/** @param {number} a @param {number} b @returns {Interval} */
function productBounds(a, b) {
  if (a === 0 || b === 0) return NOTHING;
  const product = a * b;
  const exact = Math.abs(a) === 1 || Math.abs(b) === 1 || (Math.abs(product) < 2 ** 53 && Number.isInteger(a) && Number.isInteger(b));
  return exact ? { low: product, high: product } : outwards(product, product);
}

/** @param {Interval} a @param {Interval} b @returns {Interval} */
function timesIntervals(a, b) {
  const bounds = [a.low, a.high].flatMap((x) => [b.low, b.high].map((y) => productBounds(x, y)));
  return { low: Math.min(...bounds.map((each) => each.low)), high: Math.max(...bounds.map((each) => each.high)) };
}

/** @param {Interval} a @param {Interval} b @returns {Interval} */
function overIntervals(a, b) {
  if (b.low <= 0 && b.high >= 0) return EVERYTHING;
  const bounds = [a.low, a.high].flatMap((x) => [b.low, b.high].map((y) => (x === 0 ? 0 : x / y)));
  return bounds.some((each) => each !== each) ? EVERYTHING : outwards(Math.min(...bounds), Math.max(...bounds));
}

/** @param {Interval} base @param {Interval} exponent @returns {Interval} */
function powerInterval(base, exponent) {
  const { functions } = INTERVALS;
  if (exponent.low !== exponent.high || !Number.isInteger(exponent.low)) {
    return base.low <= 0 ? EVERYTHING : functions.exp(timesIntervals(exponent, functions.log(base)));
  }
  const whole = exponent.low;
  if (whole < 0) return overIntervals(UNIT, powerInterval(base, { low: -whole, high: -whole }));
  if (whole === 0) return UNIT;
  const sized = whole % 2 === 0 ? functions.abs(base) : base;
  return outwards(FLOATS.pow(sized.low, whole), FLOATS.pow(sized.high, whole), LIBRARY_ERROR);
}

/** @param {Interval} a @param {Interval} b @returns {Interval} */
export const hull = (a, b) => ({ low: Math.min(a.low, b.low), high: Math.max(a.high, b.high) });

/** An increasing function. @param {string} name @param {number} [least] of its argument @param {number} [start] @param {number} [end] of its values */
const rising = (name, least = -Infinity, start = -Infinity, end = Infinity) => (/** @type {Interval} */ x) => {
  if (x.low < least) return EVERYTHING;
  const wide = outwards(FLOATS.functions[name](x.low), FLOATS.functions[name](x.high), LIBRARY_ERROR);
  return { low: Math.max(wide.low, start), high: Math.min(wide.high, end) };
};

/** sin or cos, which is 1 at `top` and every turn from there. @param {(x: number) => number} plain @param {number} top */
const waving = (plain, top) => (/** @type {Interval} */ x) => {
  if (!(x.high - x.low < 6) || Math.max(Math.abs(x.low), Math.abs(x.high)) > 1e6) return { low: -1, high: 1 };
  const passes = (/** @type {number} */ place) => place + Math.ceil((x.low - place) / (2 * Math.PI) - 1e-9) * 2 * Math.PI <= x.high + 1e-8;
  const [left, right] = [plain(x.low), plain(x.high)];
  const ends = outwards(Math.min(left, right), Math.max(left, right), LIBRARY_ERROR);
  return { low: passes(top + Math.PI) ? -1 : Math.max(-1, ends.low), high: passes(top) ? 1 : Math.min(1, ends.high) };
};

/** @type {any} */
export const INTERVALS = {
  number: intervalOf,
  add: (/** @type {Interval} */ a, /** @type {Interval} */ b) => ({ low: sumBounds(a.low, b.low).low, high: sumBounds(a.high, b.high).high }),
  mul: timesIntervals,
  div: overIntervals,
  pow: powerInterval,
  neg: (/** @type {Interval} */ { low, high }) => ({ low: -high, high: -low }),
  compare: (/** @type {Interval} */ a, /** @type {Interval} */ b) => (a.high < b.low ? -1 : a.low > b.high ? 1 : a.low === a.high && b.low === b.high && a.low === b.low ? 0 : NaN),
  between: hull, // of two values where it is not certain which one it is
  functions: {
    exp: rising("exp", -Infinity, 0),
    log: rising("log", 0),
    sqrt: rising("sqrt", 0, 0),
    sin: waving(Math.sin, Math.PI / 2),
    cos: waving(Math.cos, 0),
    erf: rising("erf", -Infinity, -1, 1),
    log1p: rising("log1p", -1),
    expm1: rising("expm1", -Infinity, -1),
    tanh: rising("tanh", -Infinity, -1, 1),
    abs: (/** @type {Interval} */ x) => (x.low >= 0 ? x : x.high <= 0 ? { low: -x.high, high: -x.low } : { low: 0, high: Math.max(-x.low, x.high) }),
    sign: (/** @type {Interval} */ { low, high }) => ({ low: Math.sign(low), high: Math.sign(high) }),
    pi: () => ({ low: Math.PI, high: neighbour(Math.PI, 1) }),
  },
};

/** @param {(...args: number[]) => number} plain @returns {(...args: number[]) => number} */
const single = (plain) => (...args) => Math.fround(plain(...args));

/** @type {any} */
export const FLOATS32 = {
  number: (/** @type {any} */ value) => Math.fround(typeof value === "string" ? Number(value) : toNumber(value)),
  add: single((a, b) => a + b),
  mul: single((a, b) => a * b),
  div: single((a, b) => a / b),
  pow: single(FLOATS.pow),
  neg: (/** @type {number} */ a) => -a,
  compare: FLOATS.compare,
  functions: Object.fromEntries(Object.entries(FLOATS.functions).map(([name, plain]) => [name, single(/** @type {any} */ (plain))])),
};
