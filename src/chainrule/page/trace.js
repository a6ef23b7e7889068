// The way that a gradient took through the network.

import { addendsTo, usesOf } from "./derive.js";
import { familyOf, isNetInput, keyOf, scalar } from "./names.js";

/** @typedef {import("./derive.js").Shown} Shown */
/** @typedef {import("./names.js").Scalar} Scalar */

/**
 * The links that a gradient passes on its way to a derivative, as pairs: the derivative of `of` by `by`.
 * @param {Shown} shown @param {Scalar} each @param {number} [most] @returns {import("./names.js").Ratio[]}
 */
export function linksTo(shown, each, most = 400) {
  const links = [];
  const seen = new Set([keyOf(each)]);
  const waiting = [each];
  while (waiting.length && links.length < most) {
    const here = /** @type {Scalar} */ (waiting.shift());
    const below = scalar(familyOf(shown, here.family).of, here.index);
    for (const addend of addendsTo(shown, here)) {
      const above = addend.upstream ? scalar(familyOf(shown, addend.upstream.family).of, addend.upstream.index) : scalar(shown.loss);
      links.push({ of: above, by: below });
      if (addend.upstream && !seen.has(keyOf(addend.upstream))) {
        seen.add(keyOf(addend.upstream));
        waiting.push(addend.upstream);
      }
    }
  }
  return links;
}

/** The delta that a weight's derivative is made with: all factors of its chain but the last. @param {Shown} shown @param {Scalar} each @returns {Scalar | null} */
export function deltaOf(shown, each) {
  const delta = usesOf(shown, each).find((other) => {
    const family = familyOf(shown, other.family);
    return family.role === "adjoint" && isNetInput(familyOf(shown, family.of));
  });
  return delta ?? null;
}

/**
 * The links of the paths from one quantity to another: for the derivative of `of` by `by`.
 * @param {Shown} shown @param {import("./names.js").Ratio} ratio @param {string} error the family between outputs and loss, where there is one
 */
export function linksBetween(shown, { of, by }, error) {
  const below = scalar(`d_${by.family}`, by.index);
  if (!shown.definitions.has(below.family)) return [];
  const links = linksTo(shown, below).flatMap((link) => throughError(shown, link, error));
  const reaching = new Set([keyOf(of)]);
  // Downwards from `of`: a link belongs to a path where its upper end does.
  for (let grown = true; grown; ) {
    grown = false;
    for (const link of links) {
      if (!reaching.has(keyOf(link.of)) || reaching.has(keyOf(link.by))) continue;
      reaching.add(keyOf(link.by));
      grown = true;
    }
  }
  return links.filter((link) => reaching.has(keyOf(link.of)));
}

/** A link from the loss to an output goes through that output's own error. @param {Shown} shown @param {import("./names.js").Ratio} link @param {string} error @returns {import("./names.js").Ratio[]} */
export function throughError(shown, link, error) {
  if (!error || link.of.family !== shown.loss || link.by.family === error) return [link];
  const between = scalar(error, link.by.index);
  return [{ of: link.of, by: between }, { of: between, by: link.by }];
}
