// Fields for given numbers: typing, arrow keys, and a slider.

import { h, setAttribute, setText } from "./dom.js";
import { typedNumber } from "./format.js";
import { stepOf, stepped } from "./model.js";

/**
 * A number field with its slider. `change` is told the text of the new number.
 * @param {{ change: (text: string) => void, slider?: boolean }} actions
 */
export function numberField({ change, slider = true }) {
  let text = "";
  let step = /** @type {number | undefined} */ (undefined);
  let low = 0;
  let high = 1;
  const input = h("input", { type: "text", inputmode: "decimal", role: "spinbutton", autocomplete: "off", spellcheck: "false" });
  const range = slider ? h("input", { type: "range", tabindex: -1, "aria-hidden": "true" }) : null;
  const caption = h("span", { class: "caption" });
  const element = h("label", { class: "field" }, caption, input, range);
  input.addEventListener("input", () => {
    const right = typedNumber(input.value) !== null;
    setAttribute(input, "aria-invalid", right ? null : "true");
    if (right) change(input.value);
  });
  input.addEventListener("blur", () => {
    input.value = text;
    setAttribute(input, "aria-invalid", null);
  });
  input.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    const by = { ArrowUp: 1, ArrowDown: -1, PageUp: 10, PageDown: -10 }[event.key];
    if (!by) return;
    event.preventDefault();
    text = stepped(typedNumber(input.value) ?? text, by, step); // from what is typed, which may not be shown yet
    input.value = text;
    change(text);
  });
  range?.addEventListener("input", () => {
    change(stepped(range.value, 0, step));
  });
  // The range stays as it is while its thumb is held, so that the thumb stays under the finger.
  /** @param {string} label @param {string} now @param {boolean} anew whether it is another number than before @param {boolean} [positive] whether it is one that is never negative @param {boolean} [whole] whether it is a whole one */
  function update(label, now, anew, positive = false, whole = false) {
    step = whole ? 1 : undefined;
    const value = Number(now);
    setText(caption, label);
    const own = input.ownerDocument.activeElement === input;
    if (!own || (typedNumber(input.value) !== null && Number(typedNumber(input.value)) !== value)) input.value = now;
    if (anew || value < low || value > high) {
      const reach = Math.max(1, 2 ** Math.ceil(Math.log2(Math.abs(value) * 1.5 || 1)));
      [low, high] = [Math.min(value, positive ? 0 : -reach), Math.max(value, reach)];
    }
    text = now;
    setAttribute(input, "aria-valuenow", value);
    if (range) {
      for (const [name, bound] of /** @type {[string, number][]} */ ([["min", low], ["max", high], ["step", step ?? stepOf(now)]])) setAttribute(range, name, bound);
      if (Number(range.value) !== value) range.value = String(value);
    }
  }
  return { element, input, update };
}

/** A choice among names. @param {string} label @param {Record<string, string>} titles @param {(name: string) => void} change */
export function choiceField(label, titles, change) {
  const select = h("select", {}, ...Object.entries(titles).map(([value, title]) => h("option", { value }, title)));
  select.addEventListener("change", () => change(select.value));
  const element = h("label", { class: "field" }, h("span", { class: "caption" }, label), select);
  const update = (/** @type {string} */ value) => {
    if (select.value !== value) select.value = value;
  };
  return { element, update };
}

/** A choice between values and derivatives. @param {string} label @param {(side: "value" | "derivative") => void} choose */
export function sideButtons(label, choose) {
  const buttons = /** @type {const} */ ([["value", "forward", "Values"], ["derivative", "backward", "Derivatives of the error"]]).map(([side, kind, title]) => h("button", { type: "button", class: kind, "aria-pressed": String(side === "value"), onclick: () => {
    for (const each of buttons) each.setAttribute("aria-pressed", String(each.textContent === title));
    choose(side);
  } }, title));
  return h("div", { class: "phases map-side", role: "group", "aria-label": label }, ...buttons);
}
