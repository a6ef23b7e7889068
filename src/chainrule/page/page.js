// The page: one state, one update. Every part is told what there is to show, and says what a person did.

import { derivationElement, kindOf, litFor, usersOf } from "./derivation.js";
import { numberField } from "./controls.js";
import { textOf } from "./derive.js";
import { h, morphed, setText } from "./dom.js";
import { edited, keyName, modelOf, placeOf, quantityOf, stateOf, stepped } from "./model.js";
import { lineOf, scalarOf, spokenOf } from "./names.js";
import { picture } from "./picture.js";
import { settingsPanel } from "./settings.js";
import { trainingPanel } from "./training.js";
import { walkBar, walkOf } from "./walk.js";

/** @typedef {import("./model.js").State} State */
/** @typedef {import("./model.js").View} View */

const SLICE = 10; // milliseconds of training at a time
const NARROW = 640; // pixels: below, the network is drawn from top to bottom

/** The page in an element. @param {HTMLElement} root @param {any} data */
export function start(root, data) {
  const model = modelOf(data);
  const beginning = stateOf(data);
  let state = { ...beginning };
  /** @type {View} */
  let view = model.viewOf(state);
  let walk = walkOf(view.shown);
  let users = new Map();
  let [walked, scheduled, training] = [/** @type {any} */ (null), false, 0];

  /** @param {Partial<State>} change */
  function update(change) {
    state = { ...state, ...change };
    if (scheduled) return;
    scheduled = true;
    requestAnimationFrame(render);
  }

  const select = (/** @type {string} */ key) => update({ selected: key });
  const edit = (/** @type {string} */ key, /** @type {string} */ text) => update(edited(view, key, text));
  const drawing = h("figure", { class: "drawing" });
  const drawn = picture(drawing, {
    pick: select,
    drag: (key, steps, done) => {
      if (!done) update({ ...edited(view, key, stepped(textOf(view.shown, scalarOf(key)), steps)), selected: key });
    },
  });
  const bar = walkBar({ go: (step) => update({ step, ...(step === null ? {} : { selected: walk.steps[step].keys[0] }) }) });
  const settings = settingsPanel({
    edit,
    choose: (target, name) => {
      const { [target]: _, ...others } = state.chosen;
      update({ ...rebased(), chosen: name === data.activations[target].now ? others : { ...others, [target]: name }, answers: {} });
    },
    pickSample: (sample) => update({ sample }),
  });
  const rounds = trainingPanel({
    train: (until) => {
      update({ until, round: until, step: null });
      train();
    },
    stop: () => update({ until: view.history.done, round: view.history.done }),
    show: (round) => update({ round, until: Math.max(view.history.done, round) }),
  });
  const value = numberField({ change: (text) => edit(state.selected, text) });
  const derivation = h("div", { class: "derivation" });
  const explain = h("section", { class: "card explain", "aria-label": "Derivation" }, value.element, derivation);
  const title = h("h1", {}, data.title);
  const reset = h("button", { type: "button", onclick: () => update({ ...beginning }) }, "Reset");
  root.classList.add("chainrule");
  root.replaceChildren(
    h("header", { class: "top" }, h("div", {}, title), h("div", { class: "toolbar", role: "toolbar", "aria-label": "Page" }, reset)),
    h("section", { class: "card stage", "aria-label": "Picture of the network" }, drawing, legend(), bar.element),
    h("div", { class: "columns" }, explain, h("div", { class: "side-panels" }, rounds.element, settings.element)),
  );

  /** Training goes on from the round that is shown, where a change there asks for it. */
  function rebased() {
    return view.done === state.first ? {} : { first: view.done, start: view.history.stateAt(view.done), round: view.done };
  }

  /** Train in slices, so that the page stays awake. */
  function train() {
    if (training) return;
    training = window.setTimeout(function slice() {
      const { history } = model.viewOf(state);
      const end = performance.now() + SLICE;
      while (history.done < state.until && performance.now() < end) history.step();
      training = history.done < state.until ? window.setTimeout(slice) : 0;
      update({});
    });
  }

  let fieldOf = "";
  function render() {
    scheduled = false;
    view = model.viewOf(state);
    if (view.history.done < state.until) train();
    if (view.program !== walked) {
      walked = view.program;
      walk = walkOf(view.shown);
      users = walk.steps.length === walk.order.size || walk.order.size < 200 ? usersOf(view.shown) : new Map();
    }
    const { shown } = view;
    if (!shown.families.has(scalarOf(state.selected.split("/")[0]).family)) state.selected = firstKey();
    const { selected, step } = state;
    const visible = (/** @type {string} */ key) => step === null || key.includes("/") || (walk.order.get(key) ?? -1) <= step;
    const backward = step === null || ["backward", "update"].includes(walk.steps[step]?.phase);
    if (view.network && view.drawn !== "none") {
      const titles = ["inputs", ...view.network.layers.map((layer) => `layer ${layer.name} (${state.chosen[`out_${layer.name}`] ?? data.activations[`out_${layer.name}`]?.now ?? ""})`)];
      drawn.update({ shown, network: view.network, sample: view.sample, visible, selected, lit: litFor(shown, selected, backward), backward, titles }, { full: view.drawn === "full", upright: root.clientWidth < NARROW });
    }
    bar.update(shown, walk, step);
    settings.update(view);
    rounds.update(view, Boolean(training));
    const given = placeOf(view, selected.split("/")[0]) && !selected.includes("/");
    value.element.hidden = !given;
    if (given) value.update(`${lineOf(shown, quantityOf(selected))}, ${spokenOf(shown, quantityOf(selected))}`, textOf(shown, scalarOf(selected)), fieldOf !== selected);
    fieldOf = selected;
    const wanted = h("div", {}, ...derivationElement({ shown, visible, users, role: "" }, selected).filter(Boolean));
    morphed(derivation, wanted);
  }

  /** What is explained at first: the first weight's derivative is what people come for. */
  function firstKey() {
    const weights = view.network?.layers[view.network.layers.length - 1].weights ?? [...view.shown.families.values()].find((each) => each.role === "parameter");
    return `${weights?.name}:${weights?.shape.map(() => 0).join(",")}`;
  }

  root.addEventListener("click", (event) => pickedBy(event));
  root.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") {
      if (pickedBy(event)) event.preventDefault();
    }
  });
  /** @param {Event} event @returns {boolean} */
  function pickedBy(event) {
    const target = /** @type {Element} */ (event.target).closest?.(".explain .pick[data-key]");
    const key = target?.getAttribute("data-key");
    if (key) select(key);
    return Boolean(key);
  }
  new ResizeObserver(() => update({})).observe(root);
  render();
  return { update, get state() { return state; } };
}

function legend() {
  const item = (/** @type {string} */ kind, /** @type {string} */ text) => h("li", { class: kind }, h("span", { class: "swatch", "aria-hidden": "true" }), text);
  return h("ul", { class: "legend", "aria-label": "Legend" }, item("forward", "forward: values"), item("backward", "backward: derivatives of the error"), item("thick", "thicker: a larger weight"), item("dashed", "dashed: a negative weight"));
}
