// The page: one state, one update. Every part is told what there is to show, and says what a person did.

import { arranged } from "./arrange.js";
import { numberField, sideButtons } from "./controls.js";
import { derivationElement, usersOf } from "./derivation.js";
import { textOf } from "./derive.js";
import { h, morphed, setText } from "./dom.js";
import { formulaList } from "./formulas.js";
import { planned } from "./layout.js";
import { matrices } from "./matrices.js";
import { meaningOf } from "./meaning.js";
import { edited, kept, modelOf, placeOf, quantityOf, stateOf, stepped } from "./model.js";
import { lineOf, scalarOf, shortened } from "./names.js";
import { picture } from "./picture.js";
import { idleIn, onlyChooses, readerOf, testedNumbers } from "./reads.js";
import { settingsPanel } from "./settings.js";
import { hashOf, isKnown, stateFrom } from "./share.js";
import { downloadMenu } from "./takeaway.js";
import { litFor } from "./trace.js";
import { trainingPanel } from "./training.js";
import { judged, numbersPanel } from "./tryit.js";
import { walkBar, walkOf } from "./walk.js";

/** @typedef {import("./model.js").State} State */
/** @typedef {import("./model.js").View} View */

const SLICE = 8; // milliseconds of training at a time
const NARROW = 720; // pixels: below, the network is drawn from top to bottom
const LIMIT_STEP = 20; // pixels: of a width that changes, the picture follows each so many
const LONGEST_TITLE = 160; // characters
const LISTED = 200; // numbers: of a larger network they are not listed one by one
const HURRY = 50; // milliseconds: changes that come faster are those of a drag
const CALM = 500; // milliseconds without a change before it is said

/** The page in an element. @param {HTMLElement} root @param {any} data */
export function start(root, data) {
  const model = modelOf(data);
  const beginning = { ...stateOf(data), ...data.settings.state };
  const ownAddress = data.address !== false;
  /** @type {State} */
  let state = ownAddress ? stateFrom(location.hash, beginning, data) : { ...beginning };
  let view = model.viewOf(state);
  let walk = walkOf(view.shown);
  /** @type {Map<string, string[]>} */
  let users = new Map();
  let [walked, scheduled, rendered, cost, training, addressing] = [/** @type {any} */ (null), 0, 0, 0, 0, 0];

  /** A single change is shown at once; of many, such as those of a drag, one for each frame. @param {Partial<State>} change */
  function update(change) {
    state = { ...state, ...change };
    if (!scheduled && performance.now() - rendered > HURRY) render();
    else refresh();
  }

  function refresh() {
    scheduled ||= requestAnimationFrame(render);
  }

  /** What is to be seen after all that a person did, also within one frame. */
  function fresh() {
    if (scheduled) render();
    return view;
  }

  const pick = (/** @type {string} */ selected) => update({ selected });
  const edit = (/** @type {string} */ key, /** @type {string} */ text) => update(edited(fresh(), key, text));
  const step = (/** @type {string} */ key, /** @type {number} */ steps) => update({ ...edited(fresh(), key, stepped(textOf(view.shown, scalarOf(key)), steps, isWhole(key) ? 1 : undefined)), selected: key });
  const isWhole = (/** @type {string} */ key) => onlyChooses(view.shown, scalarOf(key).family);
  const answer = (/** @type {string} */ key, /** @type {string} */ text) => {
    const { [key]: _, ...others } = state.answers;
    update({ answers: text.trim() ? { ...others, [key]: text } : others });
  };
  const drawing = h("figure", { class: "drawing" });
  const drawn = picture(drawing, { pick, drag: (key, steps, done) => done || step(key, steps), nudge: step });
  const maps = matrices({ pick });
  let derivatives = false;
  const sides = sideButtons("What the squares show", (side) => {
    derivatives = side === "derivative";
    refresh();
  });
  let seen = (/** @type {string} */ _) => true;
  const idleNow = kept((/** @type {unknown} */ _program, /** @type {string} */ _tested) => idleIn(view.shown, readerOf(view.shown, seen)));
  const formulas = formulaList({ pick });
  const bar = walkBar({ place: () => state.step, go: (to) => update({ step: to, ...(to === null ? {} : { selected: walk.steps[to].keys[0] }) }) });
  const settings = settingsPanel({
    edit,
    choose: (target, name) => {
      const { [target]: _, ...others } = state.chosen;
      const here = fresh().done === state.first ? {} : { first: view.done, start: view.history.stateAt(view.done), round: view.done };
      update({ ...here, chosen: name === data.activations[target].now ? others : { ...others, [target]: name }, answers: {} });
    },
    pickSample: (sample) => update({ sample }),
  });
  const rounds = trainingPanel({
    train: (more, to) => {
      const round = to ?? fresh().done + more;
      update({ until: Math.max(round, view.history.done), round, step: null, answers: {} });
    },
    stop: () => update({ until: view.history.done, round: view.history.done }),
    show: (round) => update({ round, until: view.history.done, answers: {} }),
  });
  const numbers = numbersPanel({ hide: (hidden) => update({ hidden, answers: {}, step: null }), answer, pick });
  const value = numberField({ change: (text) => edit(state.selected, text) });
  const heading = h("div", { tabindex: -1 });
  const derivation = h("div", { class: "derivation" });
  const type = h("button", { type: "button", class: "strong", onclick: () => numbers.ask(state.selected) }, "Type it in");
  const explain = h("section", { class: "card explain", "aria-label": "Derivation" }, heading, value.element, type, derivation);
  const said = h("p", { class: "visually-hidden", role: "status" });
  const tell = (/** @type {string} */ text) => setText(said, text);
  const downloads = downloadMenu({ view: () => view, walk: () => walk, svg: () => drawn.svg, say: tell });
  const reset = h("button", { type: "button", onclick: () => {
    update({ ...beginning, start: { ...beginning.start } });
    tell("All numbers are as they were");
  } }, "Reset");
  const link = h("button", { type: "button", onclick: copyLink }, "Copy link");
  const error = data.conventions.find((/** @type {string[]} */ [name]) => name === "error")?.[1] ?? "";
  const summary = h("p", { class: "muted" }, error.replace(/\*\*2/g, "²").replace(/ \* /g, " · ").replace(/1\/2/g, "½").replace(/ - /g, " − ").replace(/= -/g, "= −"));
  root.classList.add("chainrule");
  const legends = { full: legend(PICTURE_LEGEND), lines: legend(LINES_LEGEND), cells: legend(CELLS_LEGEND), squares: legend(SQUARES_LEGEND), maps: legend(MAP_LEGEND) };
  const wide = h("div", { class: "page" },
    h("header", { class: "top" }, h("div", { class: "titles" }, h("h1", {}, shortened(data.title, LONGEST_TITLE)), summary), h("div", { class: "toolbar", role: "group", "aria-label": "Page" }, reset, ownAddress && link, downloads.element)),
    h("section", { class: "card stage", "aria-label": "Picture of the network" }, h("button", { type: "button", class: "skip", onclick: () => bar.focus() }, "Skip the picture"), sides, drawing, maps.element, legends.full, legends.lines, legends.cells, legends.squares, legends.maps, formulas.element, bar.element),
    h("div", { class: "columns" }, explain, h("div", { class: "side-panels" }, rounds.element, settings.element)),
    numbers.element,
    said,
  );
  root.replaceChildren(wide);

  async function copyLink() {
    const hash = hashOf(state, beginning);
    writeAddress();
    try {
      await navigator.clipboard.writeText(`${location.href.split("#")[0]}${hash && "#"}${hash}`);
      setText(link, "Copied");
      tell("The link is copied: it brings the same numbers");
    } catch {
      setText(link, "It is in the address");
      tell("The link stands in the address bar: copy it from there");
    }
    setTimeout(() => setText(link, "Copy link"), 2000);
  }

  function writeAddress() {
    const hash = hashOf(state, beginning);
    const now = `${location.pathname}${location.search}${hash && "#"}${hash}`;
    if (location.hash.replace(/^#/, "") !== hash) window.history.replaceState(window.history.state, "", now);
  }

  /** Train in slices, so that the page stays awake. */
  function train() {
    training = window.setTimeout(function slice() {
      const { history: trained } = model.viewOf(state);
      const end = performance.now() + SLICE;
      while (trained.done < state.until && performance.now() < end) trained.step();
      training = trained.done < state.until ? window.setTimeout(slice) : 0;
      if (!training || performance.now() - rendered > 3 * cost) refresh(); // most of the time is for the training
    });
  }

  let described = "";
  function render() {
    cancelAnimationFrame(scheduled);
    [scheduled, rendered] = [0, performance.now()];
    view = model.viewOf(state);
    if (view.history.done < state.until && !training) train();
    const { shown } = view;
    if (view.program !== walked) {
      walked = view.program;
      walk = walkOf(shown);
      users = walk.order.size <= LISTED ? usersOf(shown) : new Map();
    }
    if (state.step !== null && state.step >= walk.steps.length) state.step = walk.steps.length - 1;
    if (!state.selected || !isKnown(shown, state.selected)) state.selected = state.step === null ? firstKey() : walk.steps[state.step].keys[0];
    const { selected, hidden } = state;
    const phase = state.step === null ? "" : walk.steps[state.step].phase;
    const marks = hidden ? judged(view) : null;
    const right = (/** @type {string} */ key) => Boolean(marks?.marking.marks.get(key)?.verdict.startsWith("right"));
    const isGiven = (/** @type {string} */ key) => !shown.definitions.has(scalarOf(key).family);
    const reached = (/** @type {string} */ key) => state.step === null || key.includes("/") || isGiven(key) || (walk.order.get(key) ?? Infinity) <= state.step;
    const visible = (/** @type {string} */ key) => reached(key) && (!hidden || (key.includes("/") ? false : isGiven(key) || right(key)));
    const backward = !phase || phase === "backward" || phase === "update";
    paint({ visible, backward, phase });
    bar.update(shown, walk, state.step);
    settings.update(view);
    rounds.update(view, Boolean(training));
    numbers.element.hidden = walk.order.size > LISTED;
    listNumbers(() => numbers.update(view, walk, marks, visible));
    downloads.update();
    const given = !selected.includes("/") && Boolean(placeOf(view, selected));
    value.element.hidden = !given;
    if (given) {
      const whole = isWhole(selected);
      value.update(`Change ${lineOf(shown, quantityOf(selected))}`, textOf(shown, scalarOf(selected)), described !== selected, whole || shown.families.get(scalarOf(selected).family)?.role === "setting", whole);
    }
    described = selected;
    type.hidden = !hidden || given || selected.includes("/") || numbers.element.hidden;
    const role = meaningOf(shown, view.network, quantityOf(selected));
    const [title, ...parts] = derivationElement({ shown, visible, reached, users, role }, selected);
    morphed(heading, h("div", {}, title));
    morphed(derivation, h("div", {}, ...parts.filter(Boolean)));
    announce();
    cost = performance.now() - rendered;
    if (ownAddress) {
      clearTimeout(addressing);
      addressing = window.setTimeout(writeAddress, CALM);
    }
  }

  let [announcing, announced] = [0, ""];
  /** Say what became of the error once a change has come to rest. */
  function announce() {
    const { shown, state: { hidden, step: walking }, done } = view;
    const now = hidden || walking !== null ? "" : `${done} rounds done, ${shown.loss} = ${textOf(shown, scalarOf(`${shown.loss}:`))}`;
    clearTimeout(announcing);
    if (now && announced && now !== announced) announcing = window.setTimeout(() => tell(now), CALM);
    announced = now || announced;
  }

  let [listing, listed] = [0, 0];
  /** The list of all numbers is long and below the picture: while a number is dragged, it waits. @param {() => void} list */
  function listNumbers(list) {
    clearTimeout(listing);
    if (numbers.element.hidden) return;
    const now = performance.now();
    if (now - listed > HURRY) list();
    else listing = window.setTimeout(list, HURRY);
    listed = now;
  }

  /** @param {{ visible: (key: string) => boolean, backward: boolean, phase: string }} how */
  function paint({ visible, backward, phase }) {
    const { shown, network, drawn: kind } = view;
    maps.element.hidden = kind !== "none";
    drawing.hidden = kind === "none";
    sides.hidden = true;
    formulas.element.hidden = Boolean(network);
    if (!network) formulas.update(shown, state.selected);
    for (const each of Object.values(legends)) each.hidden = true;
    if (kind === "none") {
      legends.maps.hidden = false;
      return maps.update(view, visible);
    }
    seen = visible;
    const reads = readerOf(shown, visible);
    const titles = { "": "inputs", ...layerTitles() };
    const light = litFor(shown, reads, state.selected, backward, network?.error?.name ?? "E");
    const look = { shown, visible, selected: state.selected, ...light, idle: network ? () => false : idleNow(view.program, testedNumbers(shown, visible)), words: data.words ?? {}, backward, derivatives, updated: phase === "update", titles };
    const upright = root.clientWidth < NARROW;
    const how = { full: kind === "full", upright, sample: view.sample };
    if (network) drawn.update(look, { ...how, structure: [how, network.loss], planned: () => planned(network, how) });
    else {
      const limit = LIMIT_STEP * Math.floor(drawing.clientWidth / LIMIT_STEP);
      drawn.update(look, { ...how, structure: [how, limit, titles], planned: () => arranged(shown, { sample: view.sample, limit, upright, titles }) });
    }
    const shape = kind === "cells" && drawn.squares ? "squares" : kind;
    legends[/** @type {"full" | "lines" | "cells" | "squares"} */ (shape)].hidden = false;
    sides.hidden = shape !== "squares";
    const said = { samples: drawn.allSamples, idle: drawn.svg.querySelector(".idle") };
    for (const [kind, holds] of Object.entries(said)) for (const each of wide.querySelectorAll(`.legend .${kind}`)) /** @type {any} */ (each).hidden = !holds;
    drawn.svg.classList.toggle("backwards", /\/|^d_|_next:/.test(state.selected) || (backward && shown.families.get(scalarOf(state.selected).family)?.role === "parameter"));
  }

  /** "layer h: tanh", by the layer's name. @returns {Record<string, string>} */
  function layerTitles() {
    const named = [...view.shown.families.values()].filter(({ layer }) => layer).map(({ layer }) => [layer, `layer ${layer}`]);
    const chosen = Object.entries(data.activations).map(([target, { layer, now }]) => [layer, `layer ${layer}: ${state.chosen[target] ?? now}`]);
    const own = (view.network?.layers ?? []).map(({ name, out }) => [name, `layer ${name}: ${state.chosen[String(out?.name)] ?? data.activations[String(out?.name)]?.now ?? "own formula"}`]);
    return Object.fromEntries([...named, ...chosen, ...own]);
  }

  /** What is explained at first: a weight of the last layer, whose derivative is what people come for. */
  function firstKey() {
    const weights = view.network?.layers[view.network.layers.length - 1].weights ?? [...view.shown.families.values()].find((each) => each.role === "parameter") ?? [...view.shown.families.values()][0];
    return `${weights.name}:${weights.shape.map(() => 0).join(",")}`;
  }

  /** @param {Event} event @returns {boolean} */
  function pickedBy(event) {
    const key = /** @type {Element} */ (event.target).closest?.(".explain .pick[data-key]")?.getAttribute("data-key");
    if (key) {
      pick(key);
      heading.focus({ preventScroll: true });
      heading.scrollIntoView({ block: "nearest" }); // what was picked is explained there; where it stood is gone
    }
    return Boolean(key);
  }
  wide.addEventListener("click", pickedBy);
  wide.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
    const target = /** @type {Element} */ (event.target);
    const typing = target.closest("input, select, textarea, details, .map, [role=grid]");
    if ((event.key === "Enter" || event.key === " ") && target.localName !== "button" && pickedBy(event)) event.preventDefault();
    else if ((event.key === "ArrowRight" || event.key === "ArrowLeft") && !typing && !event.altKey && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      bar.move(event.key === "ArrowRight" ? 1 : -1);
    }
  });
  const onHash = () => {
    if (location.hash.replace(/^#/, "") !== hashOf(state, beginning)) update(stateFrom(location.hash, beginning, data));
  };
  if (ownAddress) addEventListener("hashchange", onHash);
  const watch = new ResizeObserver(() => refresh());
  watch.observe(root);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const onDark = () => refresh();
  dark.addEventListener("change", onDark);
  render();
  beginning.selected ||= state.selected;

  /** Leave the element: no timers and no listeners stay behind. */
  function stop() {
    cancelAnimationFrame(scheduled);
    for (const timer of [training, addressing, listing, announcing]) clearTimeout(timer);
    removeEventListener("hashchange", onHash);
    dark.removeEventListener("change", onDark);
    watch.disconnect();
    root.replaceChildren();
  }
  return { stop };
}

const PICTURE_LEGEND = { forward: "forward: values", backward: "backward: derivatives of the error", thick: "thicker: a larger weight", dashed: "dashed: a negative weight", path: "lit: the way of the number chosen" };
const LINES_LEGEND = { positive: "positive value", negative: "negative value", deep: "deeper: farther from 0", thick: PICTURE_LEGEND.thick, dashed: PICTURE_LEGEND.dashed, path: PICTURE_LEGEND.path };
const CELLS_LEGEND = { forward: PICTURE_LEGEND.forward, backward: PICTURE_LEGEND.backward, positive: "tinted: positive", negative: "negative", near: "framed: in the formula of the number chosen", idle: "hatched: in no formula", samples: "a row for each sample: a formula takes them all" };
const SQUARES_LEGEND = { positive: "filled: positive", hollow: "hollow: negative", near: CELLS_LEGEND.near, idle: CELLS_LEGEND.idle, samples: CELLS_LEGEND.samples };
const MAP_LEGEND = { positive: "positive", negative: "negative", deep: "deeper: farther from 0" };

/** @param {Record<string, string>} items */
function legend(items) {
  return h("ul", { class: "legend", "aria-label": "Legend" }, ...Object.entries(items).map(([kind, text]) => h("li", { class: kind }, h("span", { class: "swatch", "aria-hidden": "true" }), text)));
}
