// The verdict for each number that a person typed, by the checker's rules: right, right to its digits, following from
// an earlier one of theirs, or wrong.

import { MIXED, fractionOf, toNumber } from "./arithmetic.js";
import { FULL_DIGITS, answerOf, distance, roundingOf, stylesOf } from "./answer.js";
import { FLOATS32, INTERVALS, ulp } from "./interval.js";
import { calculated, namesIn, sourcesOf } from "./sheet.js";

/** @typedef {import("./sheet.js").Sheet} Sheet */
/** @typedef {import("./answer.js").Answer} Answer */
/** @typedef {"right" | "right to the digits given" | "follows from your earlier value" | "wrong" | "not checkable"} Verdict */
/** @typedef {{ verdict: Verdict, expected?: any, own?: any, earlier: string[], note: string }} Mark */
/** @typedef {{ key: string, answer: Answer }} Reported */

const CARELESS = 5e-9; // relative: earlier numbers rounded to nine digits, in a number typed with more
const SINGLE = 2 ** -24; // relative rounding of 32 bits
const FEWEST_OF_SINGLE = 6; // digits

/** @param {Verdict} verdict @param {string} [note] @returns {Mark} */
const mark = (verdict, note = "") => ({ verdict, note, earlier: [] });
const TO_DIGITS = "right to the digits given";

/**
 * The marks of all answers. A text that is no number has none.
 * @param {Sheet} sheet @param {Record<string, string>} answers by the key of the line
 */
export function marksOf(sheet, answers) {
  const reported = Object.entries(answers).flatMap(([key, text]) => {
    const answer = answerOf(text);
    return answer && sheet.order.has(key) ? [{ key, answer }] : [];
  });
  const styles = stylesOf(reported.map((each) => each.answer));
  const replaced = new Map(reported.map(({ key, answer }) => [key, answer.value]));
  const scene = {
    sheet, replaced,
    right: calculated(sheet, MIXED),
    tight: calculated(sheet, INTERVALS),
    single: calculated(sheet, FLOATS32),
    own: calculated(sheet, MIXED, replaced),
    /** @type {Map<string, Mark>} */
    marks: new Map(),
    answers: new Map(reported.map(({ key, answer }) => [key, answer])),
  };
  const places = reported.map((_, place) => place).sort((a, b) => Number(sheet.order.get(reported[a].key)) - Number(sheet.order.get(reported[b].key)));
  for (const place of places) scene.marks.set(reported[place].key, markOf(scene, reported[place], styles[place]));
  return scene;
}

/** @typedef {ReturnType<typeof marksOf>} Marking */

/** @param {Mark} found */
const isRight = ({ verdict }) => verdict === "right" || verdict === TO_DIGITS;

/** @param {Marking} scene @param {Reported} each @param {import("./answer.js").Style[]} styles @returns {Mark} */
function markOf(scene, { key, answer }, styles) {
  const { sheet, right, own } = scene;
  const values = { expected: right[key], own: own[key] };
  const slack = noiseOf(scene.tight[key]);
  let exact = agreement(answer, toNumber(right[key]), slack);
  if (exact?.note.includes("one unit") && sheet.given.has(key)) exact = null; // a given number is copied, not calculated
  exact ??= inSingle(answer, toNumber(right[key]), scene.single[key]);
  if (exact) return { ...exact, ...values };
  const before = new Set(scene.marks.keys());
  const earlier = sourcesOf(sheet, key, before).filter((name) => name !== key && scene.marks.has(name) && !isRight(/** @type {Mark} */ (scene.marks.get(name))));
  const mine = agreement(answer, toNumber(own[key]), slack);
  if (!earlier.length) {
    if (mine || within(scene, key, answer, styles, true) || within(scene, key, answer, styles, false)) {
      return { ...mark(TO_DIGITS, mine ? "worked out from your rounded numbers" : "what rounding your earlier numbers does"), ...values };
    }
    return { ...mark("wrong"), ...values };
  }
  if (mine || within(scene, key, answer, styles, true)) {
    const nothing = showsNothing(scene, key, earlier);
    return { ...mark(nothing ? "not checkable" : "follows from your earlier value", nothing), ...values, earlier };
  }
  return { ...mark("wrong"), ...values, earlier };
}

/** Whether a number agrees with a value to the digits typed, and how. @param {Answer} answer @param {number} value @param {number} slack @returns {Mark | null} */
export function agreement(answer, value, slack) {
  if (!Number.isFinite(value) || !Number.isFinite(slack)) return null;
  const { unit, significant: digits } = answer;
  const exact = fractionOf(value);
  const off = distance(answer, exact);
  if (off <= slack || (off <= unit / 2 + slack && digits >= FULL_DIGITS)) return mark("right");
  if (off <= (unit / 2) * (1 + 1e-9) + slack) return mark(TO_DIGITS, `to the ${digitsText(digits)} given`);
  const toward = (/** @type {any} */ a) => (MIXED.compare(a, MIXED.whole(0)) < 0 ? MIXED.neg(a) : a);
  const room = (/** @type {any} */ a) => MIXED.add(a, fractionOf(slack));
  const gap = toward(MIXED.add(answer.exact, MIXED.neg(exact)));
  const last = MIXED.number(`1E-${Math.round(-Math.log10(unit || 1))}`.replace("--", ""));
  if (unit && MIXED.compare(gap, room(last)) < 0 && MIXED.compare(toward(answer.exact), room(toward(exact))) <= 0) {
    return mark(TO_DIGITS, `cut off after ${digitsText(digits)}, not rounded`);
  }
  if (off <= unit * (1 + 1e-9) + slack && digits > 1) return mark(TO_DIGITS, "but for one unit in the last digit");
  if (digits > FULL_DIGITS && off <= CARELESS * Math.abs(value)) {
    return mark(TO_DIGITS, `${digitsText(Math.max(1, Math.floor(-Math.log10(off / Math.abs(value)))))} are right, as with earlier numbers that were rounded`);
  }
  return null;
}

/** @param {number} count */
const digitsText = (count) => `${count} digit${count === 1 ? "" : "s"}`;

/** What floats of 64 bits may be off, whatever the order of the sums. @param {import("./interval.js").Interval} tight */
export function noiseOf({ low, high }) {
  return Number.isFinite(low) && Number.isFinite(high) ? 4 * (high - low) + 4 * ulp(Math.max(Math.abs(low), Math.abs(high))) : Infinity;
}

/** A number as a framework with 32 bits has it. @param {Answer} answer @param {number} value @param {number} single @returns {Mark | null} */
function inSingle(answer, value, single) {
  if (!Number.isFinite(value) || !Number.isFinite(single) || answer.significant < FEWEST_OF_SINGLE) return null;
  const nearest = Math.fround(answer.float);
  const looks = distance(answer, fractionOf(nearest)) <= answer.unit / 2 || shortestSingle(nearest) === answer.float;
  const tolerance = 8 * Math.max(Math.abs(single - value), 2 * SINGLE * Math.abs(value));
  return looks && Math.abs(answer.float - value) <= tolerance ? mark("right", "as float32 has it") : null;
}

/** The number with the fewest digits that rounds to a float of 32 bits. @param {number} nearest */
function shortestSingle(nearest) {
  for (let digits = 1; digits <= 9; digits += 1) {
    const short = Number(nearest.toPrecision(digits));
    if (Math.fround(short) === nearest) return short;
  }
  return nearest;
}

/** Whether rounding on the way can give this number. @param {Marking} scene @param {string} key @param {Answer} answer @param {import("./answer.js").Style[]} styles @param {boolean} own from the person's own numbers, or from the right ones */
function within(scene, key, answer, styles, own) {
  const known = new Map([...scene.marks].filter(([, each]) => own || isRight(each)).map(([name]) => [name, /** @type {Answer} */ (scene.answers.get(name))]));
  const values = own ? { ...scene.own, ...Object.fromEntries(scene.replaced), [key]: scene.own[key] } : scene.right;
  const off = Math.abs(answer.float - toNumber(values[key]));
  return styles.some((style) => off <= roundingOf(scene.sheet, style, values, known, key) + answer.unit / 2);
}

/** Why following from an earlier wrong number shows nothing here; empty where it does. @param {Marking} scene @param {string} key @param {string[]} earlier */
function showsNothing({ sheet, right, own, replaced }, key, earlier) {
  for (const name of earlier) {
    const value = toNumber(replaced.get(name) ?? NaN);
    if ([0, 1, -1].includes(value) && toNumber(right[name]) !== value) return `with ${value} this step shows nothing`;
  }
  const mine = toNumber(own[key]);
  if (mine === 0 && toNumber(right[key]) !== 0) return "with your earlier numbers it is 0 whatever else is done, which shows nothing";
  const used = namesIn(sheet.lines.get(key));
  const same = used.some((name) => toNumber(replaced.get(name) ?? own[name]) === mine && toNumber(right[name]) !== toNumber(right[key]));
  return used.length > 1 && same ? "with your earlier numbers this step changes nothing, which shows nothing" : "";
}
