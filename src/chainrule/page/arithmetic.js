// Two kinds of number. MIXED keeps fractions exact until the first irrational number, as on paper: 0.3 - 0.4 + 0.1 is 0.

import { exactErf, exactExp, exactExpm1, exactLog, exactLog1p, exactPower, exactTanh } from "./double.js";

/** @typedef {{ n: bigint, d: bigint }} Fraction in lowest terms, d > 0 */
/** @typedef {number | Fraction} Value */
/**
 * @typedef {object} Arithmetic
 * @property {(typed: string | number) => Value} number
 * @property {(whole: number) => Value} whole
 * @property {(a: Value, b: Value) => Value} add
 * @property {(a: Value, b: Value) => Value} mul
 * @property {(a: Value, b: Value) => Value} div
 * @property {(a: Value, b: Value) => Value} pow
 * @property {(a: Value) => Value} neg
 * @property {(a: Value, b: Value) => number} compare negative, 0 or positive; NaN where it can't be said
 * @property {Record<string, (...args: any[]) => Value>} functions
 */

const MOST_EXACT_POWER = 64;
const signOf = (/** @type {number} */ x) => (x === 0 || x !== x ? x : Math.sign(x));

/** @type {Record<string, (...args: number[]) => number>} */
const PRIMITIVES = {
  exp: exactExp,
  log: exactLog,
  sqrt: Math.sqrt,
  sin: Math.sin,
  cos: Math.cos,
  erf: exactErf,
  log1p: exactLog1p,
  expm1: exactExpm1,
  tanh: exactTanh,
  abs: Math.abs,
  sign: signOf,
  pi: () => Math.PI,
};

/** @type {any} */
export const FLOATS = {
  number: Number,
  whole: (/** @type {number} */ whole) => whole,
  add: (/** @type {number} */ a, /** @type {number} */ b) => a + b,
  mul: (/** @type {number} */ a, /** @type {number} */ b) => a * b,
  div: (/** @type {number} */ a, /** @type {number} */ b) => a / b,
  pow: exactPower,
  neg: (/** @type {number} */ a) => -a,
  compare: (/** @type {number} */ a, /** @type {number} */ b) => (a < b ? -1 : a > b ? 1 : a === b ? 0 : NaN),
  functions: PRIMITIVES,
};

/** @param {bigint} a @param {bigint} b */
function greatest(a, b) {
  let [x, y] = [a < 0n ? -a : a, b];
  while (y) [x, y] = [y, x % y];
  return x;
}

/** @param {bigint} n @param {bigint} d @returns {Fraction} */
export function fraction(n, d) {
  if (d === 1n) return { n, d };
  const common = greatest(n, d);
  return common === 1n ? { n, d } : { n: n / common, d: d / common };
}

/** A typed number, exactly. @param {string} text @returns {Fraction} */
export function exactly(text) {
  const match = /^([-+]?)(\d*)\.?(\d*)(?:[eE]([-+]?\d+))?$/.exec(text.trim());
  if (!match) throw new Error(`not a number: ${text.slice(0, 60)}`);
  const [, sign, whole, part, power] = match;
  const places = part.length - Number(power ?? 0);
  const digits = BigInt(whole + part || "0") * (sign === "-" ? -1n : 1n);
  return places > 0 ? fraction(digits, 10n ** BigInt(places)) : { n: digits * 10n ** BigInt(-places), d: 1n };
}

/** A finite double, exactly. @param {number} x @returns {Fraction} */
export function fractionOf(x) {
  if (Number.isInteger(x)) return { n: BigInt(x), d: 1n };
  let power = 0;
  let whole = x;
  while (!Number.isInteger(whole)) {
    whole *= 2;
    power += 1;
    if (Math.abs(whole) < 2 ** -500) {
      whole *= 2 ** 500;
      power += 500;
    }
  }
  return { n: BigInt(whole), d: 1n << BigInt(power) };
}

/** The nearest double. @param {Value} value @returns {number} */
export function toNumber(value) {
  if (typeof value === "number") return value;
  const { n, d } = value;
  if (n === 0n) return 0;
  const size = n < 0n ? -n : n;
  if (size <= 9007199254740991n && d <= 9007199254740991n) return Number(n) / Number(d);
  // 66 bits of the quotient, its last one set where anything follows; Number() then rounds it once.
  const shift = d.toString(2).length - size.toString(2).length + 66;
  const [top, bottom] = shift > 0 ? [size << BigInt(shift), d] : [size, d << BigInt(-shift)];
  const quotient = top / bottom;
  const whole = Number(quotient * bottom === top ? quotient : quotient | 1n);
  const near = shift > 1000 ? (whole / 2 ** 1000) / 2 ** (shift - 1000) : whole / 2 ** shift;
  return n < 0n ? -near : near;
}

/** @param {Value} a @param {Value} b */
function compareExactly(a, b) {
  if (typeof a === "number" && typeof b === "number") return FLOATS.compare(a, b);
  const [x, y] = [toNumber(a), toNumber(b)];
  if (!Number.isFinite(x) || !Number.isFinite(y)) return FLOATS.compare(x, y);
  const [first, second] = [a, b].map((each) => (typeof each === "number" ? fractionOf(each) : each));
  const off = first.n * second.d - second.n * first.d;
  return off < 0n ? -1 : off > 0n ? 1 : 0;
}

/** @param {(...args: number[]) => number} plain @returns {(...args: Value[]) => Value} */
const byFloats = (plain) => (...args) => plain(...args.map(toNumber));

/** @type {Arithmetic} */
export const MIXED = {
  number: (typed) => (typeof typed === "number" ? typed : exactly(typed)),
  whole: (whole) => ({ n: BigInt(whole), d: 1n }),
  add: (a, b) =>
    typeof a === "number" || typeof b === "number"
      ? toNumber(a) + toNumber(b)
      : a.d === b.d
        ? fraction(a.n + b.n, a.d)
        : fraction(a.n * b.d + b.n * a.d, a.d * b.d),
  mul: (a, b) =>
    typeof a === "number" || typeof b === "number" ? toNumber(a) * toNumber(b) : fraction(a.n * b.n, a.d * b.d),
  div: (a, b) => {
    if (typeof a === "number" || typeof b === "number" || b.n === 0n) return toNumber(a) / toNumber(b);
    return b.n < 0n ? fraction(-a.n * b.d, -b.n * a.d) : fraction(a.n * b.d, b.n * a.d);
  },
  pow: (base, exponent) => {
    const power = typeof exponent === "number" || exponent.d !== 1n ? NaN : Number(exponent.n);
    if (typeof base === "number" || !(Math.abs(power) <= MOST_EXACT_POWER) || base.n === 0n) {
      return exactPower(toNumber(base), toNumber(exponent));
    }
    const up = { n: base.n ** BigInt(Math.abs(power)), d: base.d ** BigInt(Math.abs(power)) };
    return power >= 0 ? up : up.n < 0n ? { n: -up.d, d: -up.n } : { n: up.d, d: up.n };
  },
  neg: (a) => (typeof a === "number" ? -a : { n: -a.n, d: a.d }),
  compare: compareExactly,
  functions: {
    ...Object.fromEntries(Object.entries(PRIMITIVES).map(([name, plain]) => [name, byFloats(plain)])),
    abs: (x) => (typeof x === "number" ? Math.abs(x) : { n: x.n < 0n ? -x.n : x.n, d: x.d }),
    sign: (x) => (typeof x === "number" ? signOf(x) : { n: x.n < 0n ? -1n : x.n > 0n ? 1n : 0n, d: 1n }),
  },
};
