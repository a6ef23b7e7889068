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
