// The panel of what a person may change besides the numbers in the picture: learning rate, activations, the sample.

import { choiceField, numberField } from "./controls.js";
import { h } from "./dom.js";
import { textOf } from "./derive.js";
import { scalarOf, shortened, spokenOf } from "./names.js";
import { keysOf } from "./model.js";

/** @typedef {import("./model.js").View} View */

/**
 * @param {{ edit: (key: string, text: string) => void, choose: (target: string, name: string) => void, pickSample: (sample: number) => void }} actions
 */
export function settingsPanel(actions) {
  const fields = h("div", { class: "fields" });
  const element = h("section", { class: "card settings", "aria-label": "Settings" }, h("h2", {}, "Settings"), fields);
  let made = "";
  /** @type {((view: View) => void)[]} */
  let updates = [];

  /** @param {View} view */
  function build({ shown, data, samples }) {
    updates = [];
    fields.replaceChildren();
    for (const family of shown.families.values()) {
      if (family.role !== "setting" || family.shape.length || family.name === "round") continue;
      const [key] = keysOf(shown, family.name);
      const field = numberField({ change: (text) => actions.edit(key, text) });
      let first = true;
      fields.append(field.element);
      updates.push((view) => {
        field.update(spokenOf(view.shown, scalarOf(key)), textOf(view.shown, scalarOf(key)), first, true);
        first = false;
      });
    }
    for (const [target, choice] of Object.entries(data.activations)) {
      const { now, layer, titles } = /** @type {{ now: string, layer: string, titles: Record<string, string> }} */ (choice);
      const field = choiceField(`activation of layer ${shortened(layer)}`, titles, (name) => actions.choose(target, name));
      fields.append(field.element);
      updates.push(({ state }) => field.update(state.chosen[target] ?? now));
    }
    if (samples > 1) {
      const titles = Object.fromEntries([...Array(samples).keys()].map((sample) => [String(sample), `sample ${sample + 1} of ${samples}`]));
      const field = choiceField("sample shown", titles, (sample) => actions.pickSample(Number(sample)));
      fields.append(field.element);
      updates.push((view) => field.update(String(view.sample)));
    }
  }

  /** @param {View} view */
  function update(view) {
    const now = JSON.stringify([view.samples, [...view.shown.families.keys()]]);
    if (now !== made) build(view);
    made = now;
    for (const each of updates) each(view);
  }
  return { element, update };
}
