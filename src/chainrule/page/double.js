// Functions of a double, worked out with twice the digits and rounded once, so that every browser shows the same ones.

/** @typedef {[number, number]} Pair a number as the sum of a double and a much smaller one */

const LN2 = [0.6931471805599453, 2.3190468138462996e-17, 5.707708438416212e-34];
const STEPS = 8; // times that an argument is halved before its series
const TWO_OVER_ROOT_PI = [1.1283791670955126, 1.533545961316588e-17];

/** @param {number} a @param {number} b @returns {Pair} */
export function twoSum(a, b) {
  const sum = a + b;
  const part = sum - a;
  return [sum, a - (sum - part) + (b - part)];
}

/** @param {number} a @param {number} b @returns {Pair} */
export function twoProduct(a, b) {
  const product = a * b;
  const splitA = 134217729 * a;
  const splitB = 134217729 * b;
  const highA = splitA - (splitA - a);
  const highB = splitB - (splitB - b);
  const lowA = a - highA;
  const lowB = b - highB;
  return [product, lowA * lowB - (product - highA * highB - lowA * highB - highA * lowB)];
}

/** @param {Pair} a @param {Pair} b @returns {Pair} */
export function addPairs(a, b) {
  const [high, low] = twoSum(a[0], b[0]);
  const [lower, rest] = twoSum(a[1], b[1]);
  const [sum, left] = twoSum(high, low + lower);
  return twoSum(sum, left + rest);
}

/** @param {Pair} a @param {Pair} b @returns {Pair} */
export function timesPairs(a, b) {
  const [high, low] = twoProduct(a[0], b[0]);
  return twoSum(high, low + a[0] * b[1] + a[1] * b[0]);
}

/** @param {Pair} a @param {Pair} b @returns {Pair} */
export function overPairs(a, b) {
  const first = a[0] / b[0];
  const rest = addPairs(a, timesPairs([-first, 0], b));
  const second = rest[0] / b[0];
  const last = addPairs(rest, timesPairs([-second, 0], b));
  return addPairs(twoSum(first, second), [last[0] / b[0], 0]);
}

/** @param {Pair} a @param {number} factor a power of 2 @returns {Pair} */
const scaled = (a, factor) => [a[0] * factor, a[1] * factor];

/**
 * The whole number k and the pair s with exp(x) = 2^k (1 + s).
 * @param {Pair} x @returns {{ k: number, s: Pair }}
 */
function exponential(x) {
  const k = Math.round(x[0] / LN2[0]);
  let r = x;
  if (k) for (const part of LN2) r = addPairs(r, twoProduct(-k, part));
  r = scaled(r, 2 ** -STEPS);
  let term = r;
  let s = r;
  for (let n = 2; n < 12; n += 1) {
    term = overPairs(timesPairs(term, r), [n, 0]);
    s = addPairs(s, term);
  }
  for (let step = 0; step < STEPS; step += 1) s = addPairs(scaled(s, 2), timesPairs(s, s));
  return { k, s };
}

/** @param {number} value @param {number} k @returns {number} value times 2^k, rounded once where it is not tiny */
const times2 = (value, k) => (k > 1000 ? value * 2 ** 1000 * 2 ** (k - 1000) : k < -1000 ? value * 2 ** -1000 * 2 ** (k + 1000) : value * 2 ** k);

/** @param {Pair} x */
function expOfPair(x) {
  if (!(Math.abs(x[0]) < 800)) return Math.exp(x[0]);
  const { k, s } = exponential(x);
  return times2(addPairs([1, 0], s)[0], k);
}

/** @param {number} x */
export const exactExp = (x) => (x === 0 ? 1 : expOfPair([x, 0]));

/** exp(x) - 1. @param {number} x @returns {Pair} */
function lessOne(x) {
  const { k, s } = exponential([x, 0]);
  return k === 0 ? s : addPairs(scaled(addPairs([1, 0], s), 2 ** k), [-1, 0]);
}

/** @param {number} x */
export function exactExpm1(x) {
  return x === 0 || !(Math.abs(x) < 700) ? Math.expm1(x) : lessOne(x)[0];
}

/** @param {number} x */
export function exactTanh(x) {
  if (x === 0 || !(Math.abs(x) < 20)) return Math.tanh(x);
  if (Math.abs(x) < 1e-9) return x - (x * x * x) / 3;
  const e = lessOne(2 * x);
  return overPairs(e, addPairs(e, [2, 0]))[0];
}

/** @param {number} x @returns {Pair} */
function logPair(x) {
  const near = Math.log(x);
  const { k, s } = exponential([-near, 0]);
  const power = scaled(addPairs([1, 0], s), 2 ** k);
  const off = addPairs(timesPairs([x, 0], power), [-1, 0]);
  return addPairs([near, 0], [off[0] - (off[0] * off[0]) / 2, off[1]]);
}

/** @param {number} x */
export function exactLog(x) {
  return x > 1e-290 && x < 1e290 && x !== 1 ? logPair(x)[0] : Math.log(x);
}

/** @param {number} x */
export function exactLog1p(x) {
  if (!(x > -1 && x < 1e290) || Math.abs(x) < 1e-290) return Math.log1p(x);
  const near = Math.log1p(x);
  const { k, s } = exponential([-near, 0]);
  const whole = twoSum(1, x);
  const off =
    k === 0
      ? addPairs(addPairs([x, 0], s), timesPairs([x, 0], s))
      : addPairs(timesPairs(whole, scaled(addPairs([1, 0], s), 2 ** k)), [-1, 0]);
  return addPairs([near, 0], [off[0] - (off[0] * off[0]) / 2, off[1]])[0];
}

/** @param {number} x */
export function exactErf(x) {
  const size = Math.abs(x);
  if (x === 0 || x !== x) return x;
  if (size > 6) return Math.sign(x);
  // All terms have the same sign: 2/sqrt(pi) exp(-x^2) (x + 2x^3/3 + 4x^5/15 + ...)
  const square = twoProduct(size, size);
  let term = /** @type {Pair} */ ([size, 0]);
  let sum = term;
  for (let n = 1; n < 300 && term[0] > 1e-34 * sum[0]; n += 1) {
    term = overPairs(timesPairs(term, scaled(square, 2)), [2 * n + 1, 0]);
    sum = addPairs(sum, term);
  }
  const { k, s } = exponential([-square[0], -square[1]]);
  const power = scaled(addPairs([1, 0], s), 2 ** k);
  const value = timesPairs(timesPairs(sum, power), /** @type {Pair} */ (TWO_OVER_ROOT_PI))[0];
  return x < 0 ? -value : value;
}

/** @param {number} base @param {number} exponent */
export function exactPower(base, exponent) {
  if (base === 1 || exponent === 0) return 1;
  if (base === -1 && Math.abs(exponent) === Infinity) return 1;
  const usual = base ** exponent;
  if (!Number.isFinite(usual) || usual === 0 || Math.abs(usual) < 1e-280 || Math.abs(usual) > 1e280) return usual;
  if (exponent === 2) return base * base;
  if (Number.isInteger(exponent) && Math.abs(exponent) <= 64) {
    let power = /** @type {Pair} */ ([1, 0]);
    for (let n = 0; n < Math.abs(exponent); n += 1) power = timesPairs(power, [base, 0]);
    return exponent < 0 ? overPairs([1, 0], power)[0] : power[0];
  }
  return base < 0 || base < 1e-290 || base > 1e290 ? usual : expOfPair(timesPairs(logPair(base), [exponent, 0]));
}
