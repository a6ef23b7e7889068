// The panel beside the picture: how one number comes about, each name in it a button that leads on.

import { h } from "./dom.js";
import { derivationOf, equationOf, quantityRef, ratioLine, textOf, usesOf } from "./derive.js";
import { numberText } from "./format.js";
import { isRatio, keyOf, lineOf, nameOf, scalar, scalarOf, spokenOf } from "./names.js";
import { mathOf, mathPieces } from "./mathml.js";
import { keysOf, quantityOf } from "./model.js";
import { nodes } from "./tree.js";

/** @typedef {import("./derive.js").Shown} Shown */
/** @typedef {import("./derive.js").Equation} Equation */
/** @typedef {import("./names.js").Scalar} Scalar */
/** @typedef {{ shown: Shown, visible: (key: string) => boolean, reached: (key: string) => boolean, users: Map<string, string[]>, role: string }} Scene */

const MOST_LEADS = 12; // buttons of what a number goes into or is made from

/** @param {import("./names.js").Quantity} of */
const keyOfQuantity = (of) => (isRatio(of) ? `${keyOf(of.of)}/${keyOf(of.by)}` : keyOf(of));

/** Whether all numbers in a formula may be seen. @param {import("./tree.js").Expr} expr @param {(key: string) => boolean} visible */
const mayBeSeen = (expr, visible) => [...nodes(expr)].every((node) => !node.of || node.op === "ref" || visible(keyOfQuantity(node.of)));

/** name = formula = the same with numbers = value, a line for each. @param {Scene} scene @param {Equation} equation */
export function equationElement({ shown, visible }, equation) {
  const [left, ...others] = equation.sides.filter((side, place) => !place || mayBeSeen(side, visible));
  const sides = others.map((side, place) => h("div", { class: `side${place === others.length - 1 && side.op !== "ref" ? " last" : ""}` }, h("span", { class: "equals" }, "="), h("div", { class: "pieces" }, ...mathPieces(shown, side))));
  return h("div", { class: `equation${equation.final ? " final" : ""}` }, h("div", { class: "left" }, mathOf(shown, left)), h("div", { class: "sides" }, ...sides), equation.note && h("p", { class: "note" }, equation.note));
}

/** How a derivative comes about. @param {Scene} scene @param {Scalar} each */
function derivativeElements(scene, each) {
  const { paths, chain, factors, product, own } = derivationOf(scene.shown, each);
  const line = (/** @type {Equation} */ equation) => equationElement(scene, equation);
  const found = [];
  if (paths.length) found.push(h("div", { class: "group paths" }, h("h4", {}, "The paths that lead here, added up"), ...paths.map((path) => line({ ...path, note: "" }))));
  if (chain) {
    found.push(h("div", { class: "group chain" }, h("h4", {}, "The chain of factors"), line(chain)));
    found.push(h("div", { class: "group" }, h("h4", {}, "Each factor"), ...factors.map(line)));
  }
  if (product) found.push(h("div", { class: "group result" }, h("h4", {}, "Their product"), line(product)));
  if (own) found.push(h("div", { class: "group" }, line({ ...own, final: true })));
  return found;
}

/** A button that leads to a number. @param {Scene} scene @param {string} key */
function leadElement({ shown, visible }, key) {
  const each = scalarOf(key);
  const value = visible(key) ? h("span", { class: "number", "data-quantity": nameOf(shown, each) }, numberText(textOf(shown, each))) : h("span", { class: "number" }, "?");
  return h("button", { type: "button", class: `pick lead ${kindOf(shown, key)}`, "data-key": key, "aria-label": `${spokenOf(shown, each)}, lead on` }, h("span", { class: "lead-name" }, lineOf(shown, each)), value);
}

/** @param {string} title @param {Scene} scene @param {string[]} keys */
function leads(title, scene, keys) {
  if (!keys.length) return null;
  const more = keys.length - MOST_LEADS;
  return h("div", { class: "leads" }, h("h4", {}, title), h("div", { class: "chips" }, ...keys.slice(0, MOST_LEADS).map((key) => leadElement(scene, key)), more > 0 && h("span", { class: "more" }, `and ${more} more`)));
}

/** Whether a number runs forward, backward, or is an update: the colour that it is written in. @param {Shown} shown @param {string} key */
export function kindOf(shown, key) {
  if (key.includes("/")) return "backward";
  const role = shown.families.get(scalarOf(key).family)?.role;
  return role === "adjoint" ? "backward" : role === "updated" ? "updated" : "forward";
}

/** What the panel says about a number. @param {Scene} scene @param {string} key */
export function derivationElement(scene, key) {
  const { shown, reached } = scene;
  const of = quantityOf(key);
  const title = h("h2", { class: kindOf(shown, key) }, mathOf(shown, quantityRef(of)), h("span", { class: "said" }, scene.role || spokenOf(shown, of)));
  if (isRatio(of)) {
    const line = ratioLine(shown, of);
    return [title, line && h("div", { class: "group" }, equationElement(scene, { ...line, final: true })), leads("It is the derivative of", scene, [keyOf(of.of)]), leads("by", scene, [keyOf(of.by)])];
  }
  const role = shown.families.get(of.family)?.role;
  if (role === "adjoint") {
    return [title, ...derivativeElements(scene, of), leads("Made from", scene, usesOf(shown, of).map(keyOf)), leads("Goes into", scene, scene.users.get(key) ?? [])];
  }
  const found = [title];
  if (shown.definitions.has(of.family)) found.push(h("div", { class: "group" }, equationElement(scene, { ...equationOf(shown, of), final: true })));
  const back = scalar(`d_${of.family}`, of.index);
  if (shown.definitions.has(back.family) && reached(keyOf(back)) && of.family !== shown.loss) {
    found.push(h("h3", { class: "backward sub" }, "How the error changes with it"), ...derivativeElements(scene, back));
  }
  const next = scalar(`${of.family}_next`, of.index);
  if (shown.definitions.has(next.family) && reached(keyOf(next))) {
    found.push(h("h3", { class: "updated sub" }, "Its new value"), h("div", { class: "group" }, equationElement(scene, { ...equationOf(shown, next), final: true })));
  }
  const users = (scene.users.get(key) ?? []).filter((user) => reached(user));
  return [...found, leads("Made from", scene, usesOf(shown, of).map(keyOf)), leads("Goes into", scene, users)];
}

/** For each number those whose formulas use it. @param {Shown} shown @returns {Map<string, string[]>} */
export function usersOf(shown) {
  /** @type {Map<string, string[]>} */
  const found = new Map();
  for (const family of shown.definitions.keys()) {
    for (const key of keysOf(shown, family)) {
      for (const used of usesOf(shown, scalarOf(key))) {
        const name = keyOf(used);
        found.set(name, [...(found.get(name) ?? []), key]);
      }
    }
  }
  return found;
}
