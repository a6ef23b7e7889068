// Names and numbers as they are written into the picture.

import { toNumber } from "./arithmetic.js";
import { numberOf, textOf } from "./derive.js";
import { s, setAttribute, setText } from "./dom.js";
import { numberText, rounded } from "./format.js";
import { letterOf, nameOf, piecesOf, scalarOf, shortened, spokenOf, symbolOf } from "./names.js";

/** @typedef {import("./derive.js").Shown} Shown */

const DIGITS = 4;
const TINY = 1e-4; // below, a power of ten takes less room

/** A number as it fits into the picture. @param {Shown} shown @param {string} key @param {number} [room] characters */
export function shortOf(shown, key, room = 8) {
  const each = scalarOf(key);
  const text = textOf(shown, each);
  if (text.length <= Math.min(room, 7)) return numberText(text);
  const value = numberOf(shown, each);
  if (Math.abs(toNumber(value)) >= TINY) {
    for (let digits = DIGITS; digits > (room < 8 ? 1 : 2); digits -= 1) {
      const short = rounded(value, digits);
      if (short.length <= room || (room > 7 && digits === DIGITS - 1)) return numberText(short);
    }
  }
  return numberText(toNumber(value).toExponential(room < 8 ? 1 : 2).replace("e", "E"));
}

/** Set an element to a number of the picture with what stands before it; the number alone bears its name. @param {Element} element @param {Shown} shown @param {string | null} key @param {string} [before] @param {string} [otherwise] @param {number} [room] characters */
export function setNumber(element, shown, key, before = "", otherwise = "", room = 8) {
  if (!key) {
    setText(element, otherwise);
    return;
  }
  if (!element.firstElementChild) element.replaceChildren(before, s("tspan", { class: "number" }));
  const number = /** @type {Element} */ (element.firstElementChild);
  setText(/** @type {Node} */ (element.firstChild), before);
  setText(number, shortOf(shown, key, room));
  setAttribute(number, "data-quantity", nameOf(shown, scalarOf(key)));
}

/** @param {Shown} shown @param {string} key */
export const known = (shown, key) => shown.ledger[key.slice(0, key.lastIndexOf(":"))] !== undefined;

/** A name as text with its index set lower. @param {Element} text @param {Shown} shown @param {string} key @param {RegExp} [without] a part of the name that is left out */
export function spell(text, shown, key, without = /^$/) {
  const symbol = symbolOf(shown, scalarOf(key));
  const { base, subscript } = piecesOf("by" in symbol ? symbol.by : symbol);
  const plain = without.test(base) && subscript;
  text.replaceChildren();
  const [, head, rest] = plain ? /** @type {string[]} */ (/^(\D*)(.*)$/su.exec(subscript)) : ["", base, subscript];
  text.append(s("tspan", { "font-style": "italic" }, shortened(head).slice(0, 18)));
  const low = rest.slice(0, 14); // which sample is shown is said beside the picture
  if (low) text.append(s("tspan", { dy: 4, "font-size": "0.75em" }, low));
}

/** @type {Map<string, number>} */
const sizes = new Map();

/** The numbers are others now. */
export const forgetSizes = () => sizes.clear();

/** The largest size in a family. @param {Shown} shown @param {string} family */
export function largest(shown, family) {
  let most = sizes.get(family);
  if (most === undefined) sizes.set(family, (most = Math.max(...shown.ledger[family].map((value) => Math.abs(toNumber(value))))));
  return most;
}

/** A place in the network as people call it: h1, not net_h1. @param {Shown} shown @param {string} key */
export const placeName = (shown, key) => spokenOf(shown, scalarOf(key)).replace(/^(net|out)_/, "");

/** The name of a whole family. @param {{ families: Map<string, import("./evaluate.js").Family> }} shown @param {string} family */
export function captionOf(shown, family) {
  const { label } = /** @type {import("./evaluate.js").Family} */ (shown.families.get(family));
  const { base, subscript } = piecesOf(letterOf((label?.base ?? family).replace(/_$/, "")));
  return { head: base.slice(0, 18), low: subscript.slice(0, 14) };
}
