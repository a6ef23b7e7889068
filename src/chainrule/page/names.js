// The names that people use for the scalars of a program, by the same rules as everywhere else.

import { flat } from "./evaluate.js";

/** @typedef {{ base: string, first: number, sampled: boolean, samples: boolean, address: boolean }} Label */
/** @typedef {{ family: string, index: number[] }} Scalar one number: a family and an index from 0 */
/** @typedef {{ of: Scalar, by: Scalar }} Ratio the derivative of one scalar by another */
/** @typedef {Scalar | Ratio} Quantity */
/** @typedef {{ base: string, subscript: string, sample: string, updated: boolean }} Letter */
/** @typedef {{ of: Letter, by: Letter }} Partial */
/** @typedef {import("./evaluate.js").Family} Family */
/** @typedef {{ families: Map<string, Family>, loss: string }} Names */

/** @param {string} family @param {number[]} [index] @returns {Scalar} */
export const scalar = (family, index = []) => ({ family, index });

/** @param {Scalar} each */
export const keyOf = (each) => `${each.family}:${each.index.join(",")}`;

/** @param {string} key @returns {Scalar} */
export function scalarOf(key) {
  const at = key.lastIndexOf(":");
  return scalar(key.slice(0, at), key.slice(at + 1).split(",").filter(Boolean).map(Number));
}

/** @param {Quantity} quantity @returns {quantity is Ratio} */
export const isRatio = (quantity) => "of" in quantity;

/** @param {Names} names @param {string} family @returns {Family} */
export function familyOf(names, family) {
  const found = names.families.get(family);
  if (!found) throw new Error(`there is no ${family}`);
  return found;
}

/** @param {Family} family */
export const isNetInput = (family) => family.name.startsWith("net_");

/** Whether a derivative is called delta: that of the loss by a net input. @param {Names} names @param {Family} adjoint */
export const hasDelta = (names, adjoint) => isNetInput(familyOf(names, adjoint.of));

/** `w5`, `net_h1`, `delta_o1`, `dE_total/dw5`, `w5+`. @param {Names} names @param {Quantity} quantity @returns {string} */
export function nameOf(names, quantity) {
  if (isRatio(quantity)) return `d${nameOf(names, quantity.of)}/d${nameOf(names, quantity.by)}`;
  const family = familyOf(names, quantity.family);
  if (family.role === "adjoint") {
    const below = plainName(names, scalar(family.of, quantity.index));
    return hasDelta(names, family) ? "delta_" + below.replace(/^net_/, "") : `d${names.loss}/d${below}`;
  }
  if (family.role === "updated") return plainName(names, scalar(family.of, quantity.index)) + "+";
  return plainName(names, quantity);
}

/** @param {Names} names @param {Scalar} each */
function plainName(names, each) {
  const { label, shape } = familyOf(names, each.family);
  if (!label) return each.family;
  const sample = label.samples ? `^(${each.index[0] + 1})` : "";
  const [index, sizes] = label.sampled ? [each.index.slice(1), shape.slice(1)] : [each.index, shape];
  if (label.first) return `${label.base}${label.first + flat(sizes, index)}${sample}`;
  if (!index.length) return label.base + sample;
  const numbers = index.map((value) => value + 1).join(",");
  return (label.address ? `${label.base}[${numbers}]` : label.base + numbers) + sample;
}

/** The family with the whole index, counted from 1: `w_h[2,1]`. @param {Names} names @param {Scalar} each */
export function addressOf(names, each) {
  const family = familyOf(names, each.family);
  const numbers = each.index.length ? `[${each.index.map((value) => value + 1).join(",")}]` : "";
  if (family.role === "adjoint") return `d${names.loss}/d${family.of}${numbers}`;
  return family.role === "updated" ? `${family.of}${numbers}+` : each.family + numbers;
}

/** How a quantity is typeset. @param {Names} names @param {Quantity} quantity @returns {Letter | Partial} */
export function symbolOf(names, quantity) {
  if (isRatio(quantity)) {
    return { of: letterOf(plainName(names, quantity.of)), by: letterOf(plainName(names, quantity.by)) };
  }
  const family = familyOf(names, quantity.family);
  if (family.role === "adjoint") {
    const below = plainName(names, scalar(family.of, quantity.index));
    if (hasDelta(names, family)) return letterOf("delta_" + below.replace(/^net_/, ""));
    return { of: letterOf(names.loss), by: letterOf(below) };
  }
  if (family.role === "updated") {
    return { ...letterOf(plainName(names, scalar(family.of, quantity.index))), updated: true };
  }
  return letterOf(plainName(names, quantity));
}

/** `net_h1^(2)`: base net, subscript h1, sample 2; `w5`: base w, subscript 5. @param {string} name @returns {Letter} */
export function letterOf(name) {
  const [plain, sample = ""] = name.split("^");
  const at = plain.indexOf("_");
  let head = plain.slice(0, at);
  let rest = plain.slice(at + 1);
  if (at < 0) {
    head = plain.includes("[") ? plain.slice(0, plain.indexOf("[")) : plain.replace(/\d+$/, "");
    rest = plain.slice(head.length);
  }
  if (rest.startsWith("[") && rest.endsWith("]")) rest = rest.slice(1, -1);
  return { base: head === "rate" ? "eta" : head, subscript: rest, sample: sample.replace(/[()]/g, ""), updated: false };
}

const GREEK = Object.fromEntries(
  ("alpha α beta β gamma γ delta δ epsilon ε eps ε zeta ζ eta η theta θ iota ι kappa κ lambda λ mu μ nu ν xi ξ pi π " +
    "rho ρ sigma σ tau τ upsilon υ phi φ chi χ psi ψ omega ω Gamma Γ Delta Δ Theta Θ Lambda Λ Xi Ξ Pi Π Sigma Σ " +
    "Phi Φ Psi Ψ Omega Ω").split(" ").reduce((pairs, each, at, all) => (at % 2 ? pairs : [...pairs, [each, all[at + 1]]]), /** @type {string[][]} */ ([])),
);

/** A letter taken apart: `x2` without a subscript is taken as x with the subscript 2. @param {Letter} letter */
export function piecesOf(letter) {
  let { base, subscript } = letter;
  const match = subscript ? null : /^([^\W\d_]+)(\d+)$/u.exec(base);
  if (match) [, base, subscript] = match;
  const above = (letter.sample ? `(${letter.sample})` : "") + (letter.updated ? "+" : "");
  return { base: Object.hasOwn(GREEK, base) ? GREEK[base] : shortened(base), subscript: shortened(subscript), above };
}

/** A name that fits on a page: a long one loses its middle. @param {string} text @param {number} [most] characters */
export const shortened = (text, most = 60) => (text.length <= most ? text : `${text.slice(0, most / 2 - 1)}…${text.slice(-most / 2)}`);

/** A name in a line of text: `δ_o1`, `w5⁺`, `∂E_total/∂w5`. @param {Names} names @param {Quantity} quantity */
export function lineOf(names, quantity) {
  const symbol = symbolOf(names, quantity);
  return "by" in symbol ? `∂${letterLine(symbol.of)}/∂${letterLine(symbol.by)}` : letterLine(symbol);
}

/** @param {Letter} letter */
function letterLine(letter) {
  const base = Object.hasOwn(GREEK, letter.base) ? GREEK[letter.base] : letter.base;
  const { subscript } = letter;
  const joined = !subscript ? base : subscript.includes("[") ? `${base}_${subscript}` : subscript.includes(",") ? `${base}[${subscript}]` : /^\d+$/.test(subscript) && !/\d$/.test(base) ? base + subscript : `${base}_${subscript}`;
  return shortened(joined) + (letter.sample ? `⁽${letter.sample.replace(/\d/g, (digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[Number(digit)])}⁾` : "") + (letter.updated ? "⁺" : "");
}

/** A name as it is said: "the derivative of E_total by w5". @param {Names} names @param {Quantity} quantity */
export function spokenOf(names, quantity) {
  const symbol = symbolOf(names, quantity);
  if ("by" in symbol) return `derivative of ${letterLine(symbol.of)} by ${letterLine(symbol.by)}`;
  if (symbol.updated) return `new ${letterLine({ ...symbol, updated: false })}`;
  return letterLine(symbol).replace("δ", "delta ").replace("η", "learning rate η").replace("delta _", "delta ");
}
