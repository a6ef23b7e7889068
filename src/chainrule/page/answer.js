// A number that a person typed, with the worth of its last digit; and how far a right one may be off by rounding.

import { FLOATS, MIXED, exactly, toNumber } from "./arithmetic.js";
import { typedNumber } from "./format.js";
import { EVERYTHING, INTERVALS, hull, intervalOf } from "./interval.js";
import { lineValue, namesIn, sourcesOf } from "./sheet.js";

/** @typedef {import("./sheet.js").Sheet} Sheet */
/** @typedef {import("./interval.js").Interval} Interval */
/** @typedef {import("./tree.js").Expr} Expr */
/**
 * @typedef {object} Answer
 * @property {string} text
 * @property {import("./arithmetic.js").Value} value exact where it was typed with digits after the point
 * @property {number} float
 * @property {import("./arithmetic.js").Fraction} exact
 * @property {number} unit of the last digit; 0 for a whole number, which is exact
 * @property {number} decimals
 * @property {number} significant digits
 */
/** @typedef {{ digits: number, fixed: boolean }} Style to so many decimals, or to so many significant digits */

export const FULL_DIGITS = 9; // so many right digits are as good as all of them
const SECOND_ORDER = 1.6; // for what roundings do together, and in another order of the products
const ROUGH = 2.5; // the same with few digits
const FEW = 4;

/** @param {string} text @returns {Answer | null} */
export function answerOf(text) {
  const plain = typedNumber(text);
  if (plain === null) return null;
  const [mantissa, power = ""] = plain.replace(/^-/, "").split("E");
  const part = mantissa.split(".")[1] ?? "";
  const whole = !part && !power;
  const last = Number(power) - part.length; // the place of the last digit
  const digits = mantissa.replace(".", "").replace(/^0+/, "");
  const exact = exactly(plain);
  const float = Number(plain);
  const significant = whole ? 17 : Math.max(1, digits.length);
  return { text, value: whole ? float : exact, float, exact, unit: whole ? 0 : Number(`1e${last}`), decimals: whole ? 0 : Math.max(0, -last), significant };
}

/** How a person may have rounded on the way to each answer: as most answers are written. @param {Answer[]} answers @returns {Style[][]} */
export function stylesOf(answers) {
  const typed = answers.filter((each) => each.unit);
  const [decimals, significant] = [mostOf(typed.map((each) => each.decimals)), mostOf(typed.map((each) => each.significant))];
  return answers.map((each) => {
    if (!each.unit) return [];
    const styles = [];
    if (decimals !== null && decimals <= FULL_DIGITS + 3) styles.push({ digits: each.decimals, fixed: true });
    if (significant !== null && significant > 2) styles.push({ digits: significant, fixed: false });
    if (styles.length) return styles;
    const few = each.significant < 2 || each.float === 0;
    return [few ? { digits: each.decimals, fixed: true } : { digits: each.significant, fixed: false }];
  });
}

/** The largest of some counts, where most of them are that. @param {number[]} counts */
function mostOf(counts) {
  const largest = Math.max(...counts);
  return counts.length && counts.filter((each) => each === largest).length >= 0.6 * counts.length ? largest : null;
}

/** The worth of the last digit that is kept of a value. @param {Style} style @param {number} value */
const unitOf = ({ digits, fixed }, value) => (fixed ? 10 ** -digits : value ? 10 ** (Math.floor(Math.log10(Math.abs(value))) - digits + 1) : 0);

/**
 * How far a hand calculation in a style can be off at a line: each line that goes into it is moved by what may be
 * rounded there, up and down, and carried on; the effects are added up.
 * @param {Sheet} sheet @param {Style} style @param {Record<string, any>} values @param {Map<string, Answer>} reported @param {string} line
 */
export function roundingOf(sheet, style, values, reported, line) {
  const needed = sourcesOf(sheet, line, new Set(reported.keys()));
  const order = needed.filter((key) => sheet.lines.has(key)).sort((a, b) => Number(sheet.order.get(a)) - Number(sheet.order.get(b)));
  const moved = [...needed.filter((key) => sheet.given.has(key) && reported.has(key)), ...order];
  const numbers = Object.fromEntries(needed.map((key) => [key, toNumber(values[key])]));
  const off = new Map(moved.map((key) => [key, ownRounding(sheet, key, style, values, key === line ? new Map() : reported)]));
  let total = 0;
  for (const key of moved) {
    let largest = 0;
    for (const way of [1, -1]) {
      const used = { ...numbers };
      for (const each of moved) {
        if (sheet.lines.has(each) && (each === line || !reported.has(each))) used[each] = lineValue(/** @type {Expr} */ (sheet.lines.get(each)), used, FLOATS, sheet.functions);
        if (each === key) used[each] += way * Number(off.get(each));
      }
      const effect = Math.abs(used[line] - numbers[line]);
      if (!Number.isFinite(effect)) return Infinity;
      largest = Math.max(largest, effect);
    }
    total += largest;
  }
  return (style.digits <= FEW ? ROUGH : SECOND_ORDER) * total;
}

/** What a line's own number may be off by, its earlier numbers being as they are. @param {Sheet} sheet @param {string} key @param {Style} style @param {Record<string, any>} values @param {Map<string, Answer>} reported */
function ownRounding(sheet, key, style, values, reported) {
  const answer = reported.get(key);
  if (answer) return answer.unit;
  const formula = /** @type {Expr} */ (sheet.lines.get(key));
  const floats = Object.fromEntries(namesIn(formula).map((name) => [name, toNumber(values[name])]));
  const points = Object.fromEntries(Object.entries(floats).map(([name, value]) => [name, intervalOf(value)]));
  const own = bounded(formula, points, style, sheet.functions);
  const exact = lineValue(formula, floats, FLOATS, sheet.functions);
  const off = Math.max(own.high - exact, exact - own.low);
  return Number.isFinite(off) ? off : Infinity;
}

/** A formula in intervals, with room for what a person rounds at each operation. @param {Expr} expr @param {Record<string, Interval>} used @param {Style} style @param {Sheet["functions"]} functions @returns {Interval} */
function bounded(expr, used, style, functions) {
  const args = expr.args ?? [];
  if (expr.op === "num") return intervalOf(expr.value);
  if (expr.op === "ref") return used[/** @type {string} */ (expr.name)];
  if (args.length > 2 && (expr.op === "mul" || (expr.op === "add" && !style.fixed))) {
    return bounded({ ...expr, args: [{ ...expr, args: args.slice(0, -1) }, args[args.length - 1]] }, used, style, functions);
  }
  const parts = Object.fromEntries(args.map((arg, place) => [`part${place}`, bounded(arg, used, style, functions)]));
  const result = lineValue({ ...expr, args: args.map((_, place) => ({ op: "ref", name: `part${place}` })) }, parts, INTERVALS, functions);
  // A sum of numbers with equally many decimals has no more of them; of significant digits it may have more.
  return expr.op === "neg" || (expr.op === "add" && style.fixed) ? result : widened(result, style);
}

/** The interval with room for rounding by half a unit, or for cutting off. @param {Interval} value @param {Style} style @returns {Interval} */
function widened(value, style) {
  const { low, high } = value;
  if (!Number.isFinite(low) || !Number.isFinite(high)) return EVERYTHING;
  const size = Math.max(Math.abs(low), Math.abs(high));
  const unit = unitOf(style, size);
  const steps = (low + high) / 2 / unit;
  if (!unit || (high - low <= 1e-9 * unit && Math.abs(steps - Math.round(steps)) < 1e-6)) return value;
  if (size < unit / 2) return hull(value, { low: 0, high: 0 });
  return {
    low: Math.min(low, low >= 0 ? Math.max(0, low - unit) : low - unit / 2),
    high: Math.max(high, high <= 0 ? Math.min(0, high + unit) : high + unit / 2),
  };
}

/** How far an answer is off a float, as a float. @param {Answer} answer @param {import("./arithmetic.js").Fraction} value */
export const distance = (answer, value) => Math.abs(toNumber(MIXED.add(answer.exact, MIXED.neg(value))));
