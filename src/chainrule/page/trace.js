// The way that a number took through the network: what its own formula uses, and all that a gradient passed.

import { quantityOf } from "./model.js";
import { familyOf, isRatio, keyOf, scalar, scalarOf } from "./names.js";
import { refsOf } from "./tree.js";

/** @typedef {import("./derive.js").Shown} Shown */
/** @typedef {import("./names.js").Scalar} Scalar */
/** @typedef {import("./names.js").Ratio} Ratio */
/** @typedef {import("./reads.js").Reads} Reads */
/** @typedef {{ lit: Set<string>, near: Set<string> }} Light the keys on the way with the links, `of|by`; and those in the number's own formula */

const MOST_LINKS = 4000;

/** @param {Shown} shown @param {string} name */
const isDerivative = (shown, name) => shown.families.get(name)?.role === "adjoint";

/** What a derivative is one by. @param {Shown} shown @param {Scalar} each */
const belowOf = (shown, each) => scalar(familyOf(shown, each.family).of, each.index);

/**
 * The links that a gradient passes on its way to a derivative, as pairs: the derivative of `of` by `by`.
 * @param {Shown} shown @param {Reads} reads @param {Scalar} each @returns {Ratio[]}
 */
function linksTo(shown, reads, each) {
  /** @type {Ratio[]} */
  const links = [];
  const seen = new Set([keyOf(each)]);
  const waiting = [each];
  while (waiting.length && links.length < MOST_LINKS) {
    const here = /** @type {Scalar} */ (waiting.shift());
    const by = belowOf(shown, here);
    const upstream = reads(here).map(scalarOf).filter(({ family }) => isDerivative(shown, family));
    const formula = shown.definitions.get(here.family)?.formula;
    if (formula && !refsOf(formula).some((node) => isDerivative(shown, /** @type {string} */ (node.name)))) links.push({ of: scalar(shown.loss), by });
    for (const next of upstream) {
      links.push({ of: belowOf(shown, next), by });
      if (seen.has(keyOf(next))) continue;
      seen.add(keyOf(next));
      waiting.push(next);
    }
  }
  return links;
}

/** The links that lead down from one quantity. @param {Ratio[]} links @param {Scalar} from */
function linksBelow(links, from) {
  const reached = new Set([keyOf(from)]);
  for (let grown = true; grown; ) {
    grown = false;
    for (const link of links) {
      if (!reached.has(keyOf(link.of)) || reached.has(keyOf(link.by))) continue;
      reached.add(keyOf(link.by));
      grown = true;
    }
  }
  return links.filter((link) => reached.has(keyOf(link.of)));
}

/** A link from the loss to an output goes through that output's own error. @param {Shown} shown @param {Ratio} link @param {string} error @returns {Ratio[]} */
function throughError(shown, { of, by }, error) {
  const own = shown.families.get(error)?.shape;
  if (!own || of.family !== shown.loss || by.family === error || own.length !== by.index.length) return [{ of, by }];
  const between = scalar(error, by.index);
  return [{ of, by: between }, { of: between, by }];
}

/** What is lit in the picture for a number: the way its gradient took, or what its formula uses. @param {Shown} shown @param {Reads} reads @param {string} key @param {boolean} backward @param {string} [error] the family between outputs and loss @returns {Light} */
export function litFor(shown, reads, key, backward, error = "") {
  /** @type {Set<string>} */
  const lit = new Set();
  if (!key) return { lit, near: lit };
  const of = quantityOf(key);
  const light = (/** @type {Ratio[]} */ links, /** @type {string[]} */ near) => {
    for (const link of links) lit.add(`${keyOf(link.of)}|${keyOf(link.by)}`).add(keyOf(link.of)).add(keyOf(link.by));
    return { lit, near: new Set(near) };
  };
  const wayTo = (/** @type {Scalar} */ gradient) => linksTo(shown, reads, gradient).flatMap((link) => throughError(shown, link, error));
  if (isRatio(of)) {
    const gradient = scalar(`d_${of.by.family}`, of.by.index);
    const links = shown.definitions.has(gradient.family) ? linksBelow(wayTo(gradient), of.of) : [];
    return light([of, ...links], [keyOf(of.of), keyOf(of.by)]);
  }
  const { role, of: below } = familyOf(shown, of.family);
  const gradient = role === "adjoint" ? of : scalar(`d_${role === "updated" ? below : of.family}`, of.index);
  if (role === "adjoint" || ((role === "updated" || (role === "parameter" && backward)) && shown.definitions.has(gradient.family))) return light(wayTo(gradient), reads(gradient));
  const near = reads(of);
  for (const used of near) lit.add(`${key}|${used}`).add(used);
  return { lit, near: new Set(near) };
}
