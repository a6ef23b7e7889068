// The walk through a round as the tutorial goes: forward pass, error, backward pass, update, a number at a time.

import { h, setText } from "./dom.js";
import { blocksOf, count } from "./evaluate.js";
import { keysOf } from "./model.js";
import { scalarOf, spokenOf } from "./names.js";
import { refsOf } from "./tree.js";

/** @typedef {import("./derive.js").Shown} Shown */
/** @typedef {import("./evaluate.js").Definition} Definition */
/** @typedef {"forward" | "error" | "backward" | "update"} Phase */
/** @typedef {{ phase: Phase, keys: string[] }} Step the first key is the one that is explained */
/** @typedef {{ steps: Step[], order: Map<string, number> }} Walk */

const SINGLY_AT_MOST = 150; // numbers: in a larger network a step is a whole family
/** @type {Record<Phase, string>} */
export const PHASES = { forward: "Forward pass", error: "Error", backward: "Backward pass", update: "Update" };

/** The steps of a round. @param {Shown} shown @returns {Walk} */
export function walkOf(shown) {
  const total = [...shown.definitions.values()].reduce((sum, each) => sum + count(familyShape(shown, each)), 0);
  const singly = total <= SINGLY_AT_MOST;
  /** @type {Step[]} */
  const steps = [];
  /** @type {string[]} */
  let silent = [];
  for (const group of groupsOf(shown)) {
    const phase = phaseOf(shown, group[0]);
    const families = group.map((each) => each.target);
    const lists = singly ? ordered(shown, group) : families.map((family) => [...keysOf(shown, family)]);
    if (group.every((each) => !refsOf(each.formula).length)) {
      silent.push(...lists.flat()); // dE_total/dE = 1: nothing to calculate
      continue;
    }
    for (const keys of lists) {
      steps.push({ phase, keys: [...keys, ...silent] });
      silent = [];
    }
  }
  const order = new Map(steps.flatMap((step, place) => step.keys.map((key) => /** @type {[string, number]} */ ([key, place]))));
  return { steps, order };
}

/** @param {Shown} shown @param {Definition} each */
const familyShape = (shown, each) => /** @type {any} */ (shown.families.get(each.target)).shape;

/** @param {Shown} shown @param {Definition} each @returns {Phase} */
function phaseOf(shown, each) {
  const role = shown.families.get(each.target)?.role;
  if (role === "adjoint") return "backward";
  if (role === "loss" || each.target === shown.loss) return "error";
  if (role === "updated") return "update";
  const later = [...shown.definitions.values()].findIndex((other) => shown.families.get(other.target)?.role === "adjoint");
  const place = [...shown.definitions.keys()].indexOf(each.target);
  if (later >= 0 && place > later) return "update";
  return refsOf(each.formula).some((node) => shown.families.get(/** @type {string} */ (node.name))?.role === "target") ? "error" : "forward";
}

/** Definitions that go neuron by neuron together, such as net and out, or a neuron's delta and its weights. @param {Shown} shown @returns {Definition[][]} */
function groupsOf(shown) {
  /** @type {Definition[][]} */
  const groups = [];
  for (const each of updatesAsBackward(shown)) {
    const group = groups[groups.length - 1];
    if (group && (each.steps ? group[0].steps?.block === each.steps.block : goesAlong(shown, each, group))) group.push(each);
    else groups.push([each]);
  }
  return groups;
}

/** The definitions in order, the new values in the order in which their derivatives come. @param {Shown} shown @returns {Definition[]} */
function updatesAsBackward(shown) {
  const all = [...shown.definitions.values()];
  const isNew = (/** @type {Definition} */ each) => shown.families.get(each.target)?.role === "updated" && shown.families.has(`d_${shown.families.get(each.target)?.of}`);
  const places = all.map((each) => each.target);
  const rank = (/** @type {Definition} */ each) => places.indexOf(`d_${shown.families.get(each.target)?.of}`);
  const news = all.filter(isNew).sort((a, b) => rank(a) - rank(b));
  const plain = all.every((each) => shown.families.get(each.target)?.role !== "updated" || isNew(each));
  return plain ? [...all.filter((each) => !isNew(each)), ...news] : all;
}

/** @param {Shown} shown @param {Definition} each @param {Definition[]} group */
function goesAlong(shown, each, group) {
  const [first] = group;
  if (first.steps || phaseOf(shown, each) !== phaseOf(shown, first) || !each.indices.length || !first.indices.length) return false;
  const members = new Set(group.map((other) => other.target));
  const used = refsOf(each.formula).filter((node) => members.has(/** @type {string} */ (node.name)));
  const neuron = neuronLetter(shown, first);
  if (!used.length || neuronLetter(shown, each) !== neuron) return false;
  const samples = shown.families.get(first.target)?.axes[0] === "n" ? familyShape(shown, first)[0] : 1;
  const sums = each.indices[0] !== first.indices[0];
  return (!sums || samples === 1) && used.every((node) => node.at?.some((index) => index === neuron));
}

/** The letter that counts the neurons of a family. @param {Shown} shown @param {Definition} each */
const neuronLetter = (shown, each) => (shown.families.get(each.target)?.axes[0] === "n" ? each.indices[1] : each.indices[0]);

/** The scalars of a group, neuron by neuron, or step by step. @param {Shown} shown @param {Definition[]} group @returns {string[][]} */
function ordered(shown, group) {
  if (group[0].steps) {
    const all = group.map((each) => [...keysOf(shown, each.target)]);
    return blocksOf(group).flatMap(({ steps }) => steps.flatMap((places) => places.flatMap((own, member) => own.map((place) => [all[member][place]]))));
  }
  const all = group.flatMap((each, member) => [...keysOf(shown, each.target)].map((key) => {
    const sampled = shown.families.get(each.target)?.axes[0] === "n";
    const { index } = scalarOf(key);
    const neuron = group.length > 1 ? index[sampled ? 1 : 0] : 0;
    return { key, sort: [group.length > 1 && sampled ? index[0] : 0, neuron, member] };
  }));
  return all.sort((a, b) => a.sort[0] - b.sort[0] || a.sort[1] - b.sort[1] || a.sort[2] - b.sort[2]).map(({ key }) => [key]);
}

/** What a step is about, in words. @param {Shown} shown @param {Step} step */
export function stepTitle(shown, step) {
  const [key] = step.keys;
  const family = shown.families.get(scalarOf(key).family);
  return step.keys.length > 3 && family ? `${family.name}: ${step.keys.length} numbers` : spokenOf(shown, scalarOf(key));
}

/**
 * The bar under the picture.
 * @param {{ go: (step: number | null) => void, place: () => number | null }} actions
 */
export function walkBar(actions) {
  let many = 0;
  const back = h("button", { type: "button", class: "quiet", onclick: () => move(-1) }, "Back");
  const next = h("button", { type: "button", class: "strong", onclick: () => move(1) }, "Next");
  const whole = h("button", { type: "button", class: "quiet", "aria-pressed": "true", onclick: () => actions.go(null) }, "Whole round");
  const said = h("p", { class: "step", role: "status" });
  const bar = h("progress", { max: 1, value: 0, "aria-label": "How far the walk has come" });
  const phases = Object.entries(PHASES).map(([phase, title]) => ({ phase, button: h("button", { type: "button", class: `phase ${phase}` }, title), first: -1 }));
  for (const each of phases) each.button.addEventListener("click", () => actions.go(each.first));
  const element = h("nav", { class: "walk", "aria-label": "Walk through the round" }, back, next, h("div", { class: "phases", role: "group", "aria-label": "Parts of the round" }, ...phases.map((each) => each.button)), whole, said, bar);

  /** @param {number} by */
  function move(by) {
    const place = actions.place();
    const to = place === null ? (by > 0 ? 0 : many - 1) : place + by;
    actions.go(to < 0 || to >= many ? null : to);
  }
  /** @param {Shown} shown @param {Walk} walk @param {number | null} step */
  function update(shown, walk, step) {
    many = walk.steps.length;
    const here = step === null ? null : walk.steps[step];
    setText(said, here ? `Step ${Number(step) + 1} of ${many}: ${stepTitle(shown, here)}` : `The whole round at once, ${many} steps. Next begins the walk.`);
    whole.setAttribute("aria-pressed", String(!here));
    bar.max = many;
    bar.value = step === null ? many : step + 1;
    for (const each of phases) {
      each.first = walk.steps.findIndex(({ phase }) => phase === each.phase);
      each.button.hidden = each.first < 0;
      if (here?.phase === each.phase) each.button.setAttribute("aria-current", "step");
      else each.button.removeAttribute("aria-current");
    }
  }
  return { element, update, move, focus: () => next.focus() };
}
