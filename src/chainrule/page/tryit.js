// All numbers in a list; and hidden, a sheet to work them out on, with a verdict for each that is typed in.

import { h, setAttribute, setText } from "./dom.js";
import { textOf } from "./derive.js";
import { numberText } from "./format.js";
import { kindOf } from "./derivation.js";
import { keyName, keysOf } from "./model.js";
import { lineOf, scalarOf, spokenOf } from "./names.js";
import { sheetOf } from "./sheet.js";
import { likelySlip } from "./slips.js";
import { refsOf } from "./tree.js";
import { marksOf } from "./verdicts.js";
import { PHASES } from "./walk.js";

/** @typedef {import("./model.js").View} View */
/** @typedef {import("./verdicts.js").Mark} Mark */

/** @type {Record<string, string>} */
const SIGNS = { right: "✓", "right to the digits given": "✓", "follows from your earlier value": "↪", wrong: "✗", "not checkable": "?" };
const HIDE = "Hide the numbers";
const SHOW = "Show the numbers";

/** The marks of what was typed so far, and the mistakes behind what is wrong. @param {View} view */
export function judged({ shown, state }) {
  const marking = marksOf(sheetOf(shown), state.answers);
  const slips = new Map([...marking.marks].filter(([, mark]) => mark.verdict === "wrong").map(([key]) => [key, likelySlip(shown, marking, key)]));
  return { marking, slips };
}

/** @typedef {ReturnType<typeof judged>} Judged */

/** A verdict in a sentence. @param {View} view @param {Mark} mark @param {string} slip */
export function verdictText({ shown }, mark, slip) {
  const names = mark.earlier.map((key) => keyName(shown, key)).join(" and ");
  switch (mark.verdict) {
    case "right": return mark.note ? `right, ${mark.note}` : "right";
    case "right to the digits given": return mark.note.startsWith("to the") ? `right ${mark.note}` : `right to the digits given: ${mark.note}`;
    case "follows from your earlier value": return `follows from your earlier value${mark.earlier.length > 1 ? "s" : ""} of ${names}`;
    case "wrong": return slip ? `wrong; most likely ${slip}` : "wrong";
    default: return `not checkable: ${mark.note}`;
  }
}

/**
 * @param {{ hide: (hidden: boolean) => void, answer: (key: string, text: string) => void, pick: (key: string) => void }} actions
 */
export function numbersPanel(actions) {
  const toggle = h("button", { type: "button", class: "strong", "aria-pressed": "false", onclick: () => actions.hide(toggle.getAttribute("aria-pressed") !== "true") }, HIDE);
  const score = h("p", { class: "score", role: "status" });
  const list = h("div", { class: "lists" });
  const element = h("section", { class: "card numbers", "aria-label": "All numbers" }, h("div", { class: "row" }, h("h2", {}, "All numbers"), toggle), score, list);
  let made = "";
  /** @type {((view: View, judged: Judged | null, visible: (key: string) => boolean) => void)[]} */
  let updates = [];

  /** @param {View} view @param {import("./walk.js").Walk} walk */
  function build(view, walk) {
    updates = [];
    const { shown, state } = view;
    const isCalculated = (/** @type {string} */ key) => refsOf(/** @type {any} */ (shown.definitions.get(scalarOf(key).family)).formula).length > 0;
    const given = [...shown.families.keys()].filter((name) => !shown.definitions.has(name)).flatMap((name) => [...keysOf(shown, name)]);
    const groups = [{ title: "Given", keys: given, phase: "given" }, ...Object.entries(PHASES).map(([phase, title]) => ({ title, phase, keys: walk.steps.filter((step) => step.phase === phase).flatMap((step) => step.keys).filter(isCalculated) }))];
    const lists = groups.filter(({ keys }) => keys.length).map(({ title, keys, phase }) => h("div", { class: `list ${phase}` }, h("h3", {}, title), h("ul", {}, ...keys.map((key) => rowOf(view, key, state.hidden && phase !== "given")))));
    const error = lists.findIndex((each) => each.classList.contains("error"));
    if (error > 0) lists.splice(error - 1, 2, h("div", {}, lists[error - 1], lists[error])); // the error is short
    list.replaceChildren(...lists);
  }

  /** @param {View} view @param {string} key @param {boolean} asked */
  function rowOf({ shown }, key, asked) {
    const name = h("button", { type: "button", class: `pick plain ${kindOf(shown, key)}`, onclick: () => actions.pick(key), "aria-label": `${spokenOf(shown, scalarOf(key))}, explain` }, lineOf(shown, scalarOf(key)));
    if (!asked) {
      const value = h("span", { class: "number", "data-quantity": keyName(shown, key) });
      updates.push((view, _, visible) => setText(value, visible(key) ? numberText(textOf(view.shown, scalarOf(key))) : "?"));
      return h("li", {}, name, value);
    }
    const input = h("input", { type: "text", inputmode: "decimal", autocomplete: "off", spellcheck: "false", "aria-label": `your number for ${keyName(shown, key)}`, "data-answer": keyName(shown, key), "data-key": key });
    const verdict = h("span", { class: "verdict" });
    const row = h("li", { class: "asked" }, name, input, verdict);
    input.addEventListener("change", () => actions.answer(key, input.value));
    input.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      const fields = [...list.querySelectorAll("input")];
      (fields[fields.indexOf(input) + 1] ?? input).focus();
      actions.answer(key, input.value);
    });
    updates.push((view, judged) => {
      const text = view.state.answers[key] ?? "";
      if (input.ownerDocument.activeElement !== input && input.value !== text) input.value = text;
      const mark = judged?.marking.marks.get(key);
      const said = mark ? verdictText(view, mark, judged?.slips.get(key) ?? "") : text.trim() ? "this is no number" : "";
      setAttribute(row, "data-verdict", mark?.verdict ?? null);
      setText(verdict, mark ? `${SIGNS[mark.verdict]} ${said}` : said);
      setAttribute(input, "aria-invalid", mark?.verdict === "wrong" || (!mark && text.trim()) ? "true" : null);
    });
    return row;
  }

  /** @param {View} view @param {import("./walk.js").Walk} walk @param {Judged | null} marks @param {(key: string) => boolean} visible */
  function update(view, walk, marks, visible) {
    const { hidden, answers } = view.state;
    const now = JSON.stringify([hidden, view.samples, view.sample, [...view.shown.families.keys()], walk.steps.length]);
    if (now !== made) build(view, walk);
    made = now;
    toggle.setAttribute("aria-pressed", String(hidden));
    setText(toggle, hidden ? SHOW : HIDE);
    const count = (/** @type {string[]} */ ...verdicts) => [...(marks?.marking.marks.values() ?? [])].filter((mark) => verdicts.includes(mark.verdict)).length;
    const parts = [[count("right", "right to the digits given"), "right"], [count("follows from your earlier value"), "following from an earlier one"], [count("wrong"), "wrong"], [count("not checkable"), "not checkable"]];
    const done = parts.filter(([number]) => number).map(([number, what]) => `${number} ${what}`).join(", ");
    setText(score, !hidden ? "" : Object.keys(answers).length && done ? `Your numbers: ${done}.` : "Work them out and type them in; each is checked when you leave its field. Any number of digits will do.");
    score.hidden = !hidden;
    for (const each of updates) each(view, marks, visible);
  }
  /** Bring a person to the field for a number. @param {string} key */
  const ask = (key) => [...list.querySelectorAll("input")].find((input) => input.dataset.key === key)?.focus();
  return { element, update, ask };
}
