// What the page shows, worked out from its data and from what a person changed. Nothing here touches the document.

import { rounded, typedNumber } from "./format.js";
import { flat } from "./evaluate.js";
import { keyOf, nameOf, scalar, scalarOf } from "./names.js";
import { fitsInCells } from "./arrange.js";
import { drawnAs, networkOf } from "./network.js";
import { givenOf, history, programOf, roundRunner, rowsOf, withActivations } from "./rounds.js";

/** @typedef {import("./rounds.js").Typed} Typed */
/** @typedef {import("./derive.js").Shown} Shown */
/**
 * @typedef {object} State all that a person can change
 * @property {number} first how many rounds were done before training began, here or where the page came from
 * @property {Record<string, Typed>} start parameters and the optimizer's states at that point
 * @property {Record<string, Typed>} data
 * @property {Record<string, Typed>} fixed
 * @property {Record<string, string>} chosen activations other than the network's own
 * @property {number} round the rounds done before the one that is shown
 * @property {number} until how far training shall go
 * @property {number | null} step of the walk; null for the whole round at once
 * @property {string} selected the key of the quantity that is explained
 * @property {number} sample
 * @property {boolean} hidden whether a person works the numbers out alone
 * @property {Record<string, string>} answers what was typed, by key
 */
/** @typedef {ReturnType<ReturnType<typeof modelOf>["viewOf"]>} View */

/** @param {any} data @returns {State} */
export function stateOf(data) {
  const { start, data: samples, fixed } = data;
  return { first: 0, start, data: samples, fixed, chosen: {}, round: 0, until: 0, step: null, selected: "", sample: 0, hidden: false, answers: {} };
}

/** The numbers behind the page: what is expensive is kept as long as what it depends on is the same. @param {any} data */
export function modelOf(data) {
  const digits = data.settings.digits ?? 9;
  const task = kept((/** @type {Record<string, string>} */ chosen, /** @type {any} */ samples, /** @type {any} */ fixed) => ({
    ...data, data: samples, fixed, programs: programs(chosen),
  }));
  const programs = kept((/** @type {Record<string, string>} */ chosen) => data.programs.map((/** @type {any} */ each) => withActivations(each, chosen)));
  const past = kept((/** @type {any} */ whole, /** @type {any} */ begin, /** @type {number} */ first) => history(whole, begin, first));
  /** @type {WeakMap<object, ReturnType<typeof roundRunner>>} */
  const runners = new WeakMap();
  const structure = kept((/** @type {import("./rounds.js").Program} */ program) => ({
    families: new Map(program.families.map((each) => [each.name, each])),
    definitions: new Map(program.definitions.map((each) => [each.target, each])),
    loss: /** @type {string} */ (data.loss),
  }));
  const network = kept(networkOf);
  const inCells = kept(fitsInCells);
  const round = kept((/** @type {any} */ trained, /** @type {number} */ done, /** @type {any} */ whole) => {
    const program = programOf(whole, done);
    let runner = runners.get(program);
    if (!runner) runners.set(program, (runner = roundRunner(program, whole)));
    const given = givenOf(whole, trained.stateAt(done), done);
    const { ledger, afterwards, kind } = runner.run(given);
    /** @type {Shown} */
    const shown = { ...structure(program), ledger, typed: given, functions: data.functions, kind, digits };
    return { program, shown, afterwards: afterwards === null ? null : rounded(afterwards, digits) };
  });

  /** Everything there is to show in a state. @param {State} state */
  function viewOf(state) {
    const whole = task(state.chosen, state.data, state.fixed);
    const trained = past(whole, state.start, state.first);
    const done = Math.max(state.first, Math.min(state.round, trained.done));
    const { program, shown, afterwards } = round(trained, done, whole);
    const drawing = network(structure(program));
    const drawn = drawing ? drawnAs(drawing) : inCells(structure(program)) ? "cells" : "none";
    const samples = programOf(whole, done).samples;
    const sample = Math.min(state.sample, samples - 1);
    return { data, state, done, task: whole, history: trained, program, shown, afterwards, network: drawing, drawn, samples, sample };
  }
  return { viewOf };
}

/** A function that remembers its last answer. @template {any[]} A @template R @param {(...args: A) => R} make @returns {(...args: A) => R} */
export function kept(make) {
  /** @type {A | null} */
  let before = null;
  /** @type {R} */
  let answer;
  return (...args) => {
    if (!before || args.some((each, place) => each !== /** @type {A} */ (before)[place])) [answer, before] = [make(...args), args];
    return answer;
  };
}

/** Where a given number is kept: the part of the state and the place in its array; null for a calculated one. @param {View} view @param {string} key @returns {{ part: "start" | "data" | "fixed", family: string, place: number } | null} */
export function placeOf(view, key) {
  const { family, index } = scalarOf(key);
  const shape = view.shown.families.get(family)?.shape;
  if (!shape) return null;
  const place = flat(shape, index);
  if (family in view.state.start) return { part: "start", family, place };
  if (family in view.state.data) {
    const [first] = rowsOf(view.task, view.done);
    return { part: "data", family, place: place + first * (view.state.data[family].length / view.task.samples) };
  }
  return family in view.state.fixed ? { part: "fixed", family, place } : null;
}

/** A state with another given number. Training begins anew from there; what was trained before it stays. @param {View} view @param {string} key @param {string} text @returns {Partial<State>} */
export function edited(view, key, text) {
  const number = typedNumber(text);
  const found = placeOf(view, key);
  if (number === null || !found) return {};
  const { state, done } = view;
  const base = done === state.first ? { start: state.start } : { first: done, start: view.history.stateAt(done) };
  const whole = { ...state, ...base };
  const values = [...whole[found.part][found.family]];
  values[found.place] = number;
  return { ...base, round: done, answers: {}, [found.part]: { ...whole[found.part], [found.family]: values } };
}

/** How far one step of a slider or an arrow key goes: a hundredth, or less where a number has more digits. @param {string} text */
export function stepOf(text) {
  const decimals = /\.(\d+)$/.exec(text)?.[1].length ?? 0;
  return decimals > 2 && decimals <= 6 ? 10 ** -decimals : 0.01;
}

/** A number so many steps on, with its decimals. @param {string} text @param {number} steps @param {number} [step] */
export function stepped(text, steps, step = stepOf(text)) {
  const decimals = Math.round(-Math.log10(step));
  return (Number(text) + steps * step).toFixed(decimals).replace(/^-(0\.?0*)$/, "$1");
}

/** Every scalar of a family. @param {Shown} shown @param {string} family @returns {Generator<string>} */
export function* keysOf(shown, family) {
  const shape = shown.families.get(family)?.shape ?? [];
  const at = shape.map(() => 0);
  for (;;) {
    yield keyOf(scalar(family, [...at]));
    let axis = shape.length - 1;
    while (axis >= 0 && at[axis] === shape[axis] - 1) at[axis--] = 0;
    if (axis < 0) return;
    at[axis] += 1;
  }
}

/** The name of a key, as the package writes it; a ratio's two parts are joined by a slash. @param {Shown} shown @param {string} key */
export const keyName = (shown, key) => nameOf(shown, quantityOf(key));

/** @param {string} key @returns {import("./names.js").Quantity} */
export function quantityOf(key) {
  const [of, by] = key.split("/");
  return by === undefined ? scalarOf(of) : { of: scalarOf(of), by: scalarOf(by) };
}
