// The panel of the rounds: train one, ten, a thousand, to ten thousand; the error curve, and a slider back.

import { curve } from "./curve.js";
import { h, setAttribute, setText } from "./dom.js";
import { numberText, rounded } from "./format.js";
import { numberOf } from "./derive.js";
import { lineOf, nameOf, scalar } from "./names.js";

/** @typedef {import("./model.js").View} View */

const FAR = 10_000;
/** @param {number} count */
export const grouped = (count) => String(count).replace(/\B(?=(\d{3})+$)/g, ",");

/**
 * @param {{ train: (more: number, to?: number) => void, stop: () => void, show: (round: number) => void }} actions
 */
export function trainingPanel(actions) {
  const button = (/** @type {string} */ text, /** @type {() => void} */ act) => h("button", { type: "button", onclick: act }, text);
  const more = [button("One round", () => actions.train(1)), button("Ten rounds", () => actions.train(10)), button("1000 rounds", () => actions.train(1000)), button("Run to 10,000", () => actions.train(0, FAR))];
  const stop = button("Stop", actions.stop);
  stop.classList.add("stop");
  const slider = h("input", { type: "range", min: 0, max: 0, step: 1, value: 0, "aria-label": "Round shown" });
  slider.addEventListener("input", () => actions.show(Number(slider.value)));
  const name = h("span", {});
  const value = h("strong", { class: "number big forward" });
  const later = h("span", { class: "number" });
  const after = h("p", { class: "round" }, "After this round's update it is ", later, ".");
  const round = h("p", { class: "round" });
  const drawing = curve({ pick: actions.show });
  const element = h("section", { class: "card training", "aria-label": "Training" },
    h("h2", {}, "Training"),
    h("div", { class: "buttons" }, ...more, stop),
    h("p", { class: "error-now" }, name, " = ", value),
    after,
    drawing.element,
    h("label", { class: "slider" }, h("span", { class: "visually-hidden" }, "Round shown"), slider),
    round,
  );

  /** @param {View} view @param {boolean} running */
  function update(view, running) {
    const { history, done, shown, state } = view;
    const loss = scalar(shown.loss);
    const hidden = state.hidden || state.step !== null;
    setText(name, lineOf(shown, loss));
    setText(value, hidden && !running ? "?" : numberText(rounded(numberOf(shown, loss), shown.digits)));
    setAttribute(value, "data-quantity", hidden ? null : nameOf(shown, loss));
    setAttribute(slider, "min", history.first);
    setAttribute(slider, "max", Math.max(history.done, history.first));
    if (Number(slider.value) !== done) slider.value = String(done);
    setAttribute(slider, "aria-valuetext", `${grouped(done)} rounds done`);
    after.hidden = hidden || running || view.afterwards === null;
    setText(later, numberText(view.afterwards ?? ""));
    setAttribute(later, "data-quantity", after.hidden ? null : `${nameOf(shown, loss)} after ${grouped(done + 1)} ${done ? "rounds" : "round"}`);
    slider.disabled = history.done === history.first;
    stop.hidden = !running;
    more[3].disabled = done >= FAR;
    setText(round, running ? `Training: ${grouped(history.done)} of ${grouped(state.until)} rounds` : `${grouped(done)} ${done === 1 ? "round" : "rounds"} done, round ${grouped(done + 1)} is shown`);
    drawing.update({ losses: history.losses, first: history.first, done, until: Math.max(state.until, history.done) });
  }
  return { element, update };
}
