// Numbers as text, correctly rounded: half a unit goes to the even digit, and what is rounded is the exact value.

import { fractionOf } from "./arithmetic.js";

/** @typedef {import("./arithmetic.js").Value} Value */

/**
 * A number rounded to so many significant digits without trailing zeros: 0.298371109, 1E-12, 120.
 * @param {Value} value @param {number} digits
 */
export function rounded(value, digits) {
  if (typeof value === "number") {
    if (value !== value) return "NaN";
    if (!Number.isFinite(value)) return value < 0 ? "-Infinity" : "Infinity";
  }
  const { n, d } = typeof value === "number" ? fractionOf(value) : value;
  if (n === 0n) return "0";
  const size = n < 0n ? -n : n;
  let place = size.toString().length - d.toString().length; // of the first digit, or one too high
  if (scaledUp(size, -place) < scaledUp(d, place)) place -= 1;
  const lift = digits - 1 - place;
  const [top, bottom] = [scaledUp(size, lift), scaledUp(d, -lift)];
  let whole = top / bottom;
  const twice = 2n * (top - whole * bottom);
  if (twice > bottom || (twice === bottom && whole % 2n === 1n)) whole += 1n;
  return (n < 0n ? "-" : "") + written(whole.toString(), -lift, digits);
}

/** @param {bigint} whole @param {number} power */
const scaledUp = (whole, power) => (power > 0 ? whole * 10n ** BigInt(power) : whole);

/** @param {string} whole @param {number} exponent @param {number} digits */
function written(whole, exponent, digits) {
  const kept = whole.replace(/0+$/, "");
  const power = exponent + whole.length - kept.length;
  const first = power + kept.length - 1; // the place of the first digit
  if (power > 0 && first < Math.max(digits, 15)) return kept + "0".repeat(power);
  if (power > 0 || first < -6) return withPoint(kept, 1) + "E" + (first < 0 ? "-" : "+") + Math.abs(first);
  if (power === 0) return kept;
  return first < 0 ? "0." + "0".repeat(-first - 1) + kept : withPoint(kept, first + 1);
}

/** @param {string} digits @param {number} at */
const withPoint = (digits, at) => (at < digits.length ? `${digits.slice(0, at)}.${digits.slice(at)}` : digits);

/** The sign, the digits and the power of ten of a number as text. @param {string} text */
export function numberParts(text) {
  const [digits, exponent] = text.replace(/^[-+]/, "").split(/[eE]/);
  return { negative: text.startsWith("-"), digits, exponent: exponent === undefined ? null : Number(exponent) };
}

/** A number in a line of text, with a real minus sign. @param {string} text */
export function numberText(text) {
  const { negative, digits, exponent } = numberParts(text);
  const shown = digits === "Infinity" ? "∞" : digits === "NaN" ? "not a number" : digits;
  return (negative ? "−" : "") + shown + (exponent === null ? "" : `×10${raised(exponent)}`);
}

/** @param {number} whole */
const raised = (whole) => String(whole).replace(/./g, (each) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(each)]);

// A power of ten as a person writes it, or copies it from a page: 2.5×10⁻³, 2.5*10^-3.
const TIMES_TEN = /\s*[×x*·⋅]\s*10(?:(?:\^|\*\*)([-+]?\d+)|([⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+))$/;

/**
 * What a person typed as a number, its digits kept: "0,10" is 0.10. Null where it isn't one.
 * @param {string} text @returns {string | null}
 */
export function typedNumber(text) {
  const plain = text.trim().replace(/[−–]/g, "-").replace(TIMES_TEN, (_, level, high) => `E${level ?? lowered(high)}`);
  const match = /^([-+]?)(\d{0,60})(?:[.,](\d{0,60}))?(?:[eE]([-+]?\d{1,3}))?$/.exec(plain);
  if (!match || !(match[2] || match[3])) return null;
  const [, sign, whole, part, power] = match;
  const text10 = `${sign === "-" ? sign : ""}${whole.replace(/^0+(?=\d)/, "") || "0"}${part ? `.${part}` : ""}${power ? `E${Number(power)}` : ""}`;
  return Number.isFinite(Number(text10)) ? text10 : null;
}

/** @param {string} digits */
const lowered = (digits) => digits.replace(/./g, (each) => "-+0123456789"["⁻⁺⁰¹²³⁴⁵⁶⁷⁸⁹".indexOf(each)]);
