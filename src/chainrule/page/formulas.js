// The formulas of a program in index notation, for one that is no chain of dense layers.

import { forwardDefinitions } from "./axes.js";
import { h, m, setAttribute } from "./dom.js";
import { letterSet, mathOf } from "./mathml.js";
import { letterOf } from "./names.js";

/** @typedef {import("./derive.js").Shown} Shown */

/** The formulas of the forward pass; each is a way to its first number. @param {{ pick: (key: string) => void }} actions */
export function formulaList(actions) {
  const list = h("ul", { class: "formulas", "aria-label": "The formulas" });
  const element = h("details", { class: "formula-list" }, h("summary", {}, "The formulas"), list);
  let made = "";

  /** @param {Shown} shown @param {string} selected */
  function update(shown, selected) {
    const forward = forwardDefinitions(shown);
    const now = JSON.stringify(forward.map(({ target, formula }) => [target, formula]));
    if (now !== made) {
      made = now;
      list.replaceChildren(...forward.map(({ target, indices, formula }) => {
        const first = `${target}:${indices.map(() => 0).join(",")}`;
        const left = m("math", {}, letterSet(letterOf(target), indices).el);
        return h("li", {}, h("button", { type: "button", class: "plain formula", "data-family": target, "aria-label": `${target}, explain its first number`, onclick: () => actions.pick(first) }, left, h("span", { class: "equals" }, "="), mathOf(shown, formula)));
      }));
    }
    for (const button of list.querySelectorAll("button")) setAttribute(button, "aria-current", selected.startsWith(`${button.dataset.family}:`) ? "true" : null);
  }
  return { element, update };
}
