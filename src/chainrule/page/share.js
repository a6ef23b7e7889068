// The state in the address: a link brings the same numbers. Only what differs from the page's own numbers is in it.

import { typedNumber } from "./format.js";
import { keyName } from "./model.js";

/** @typedef {import("./model.js").State} State */
/** @typedef {import("./rounds.js").Typed} Typed */

const PARTS = /** @type {const} */ (["start", "data", "fixed"]);
const MOST_ROUNDS = 1e7;
const LONGEST = 60_000; // characters of an address that every browser takes

/** A state as the part of an address behind the #; empty where nothing was changed. @param {State} state @param {State} beginning */
export function hashOf(state, beginning) {
  const found = new URLSearchParams();
  for (const part of PARTS) {
    for (const [name, values] of Object.entries(state[part])) {
      const before = beginning[part][name];
      if (values !== before && values.some((each, place) => each !== before[place])) found.set(`${part}.${name}`, values.map(addressed).join(","));
    }
  }
  for (const [target, name] of Object.entries(state.chosen)) found.set(`activation.${target}`, name);
  for (const name of /** @type {const} */ (["first", "round", "sample"])) if (state[name] !== beginning[name]) found.set(name, String(state[name]));
  if (state.step !== null) found.set("step", String(state.step + 1));
  if (state.selected && state.selected !== beginning.selected) found.set("selected", state.selected);
  if (state.hidden) found.set("hidden", "1");
  const text = found.toString().replace(/%2C/g, ",").replace(/%3A/g, ":").replace(/%2F/g, "/").replace(/%7E/g, "~");
  return text.length > LONGEST ? "" : text;
}

/** A number that was calculated has all its bits; a tilde tells it from a typed one. @param {string | number} each */
const addressed = (each) => (typeof each === "number" ? `~${each}` : each);

/** @param {string} text @returns {string | number | null} */
function readBack(text) {
  const number = typedNumber(text.replace(/^~/, ""));
  return number === null ? null : text.startsWith("~") ? Number(text.slice(1)) : number;
}

/** The state that an address asks for; what can't be read in it is left as it is. @param {string} hash @param {State} beginning @param {any} data @returns {State} */
export function stateFrom(hash, beginning, data) {
  /** @type {State} */
  const state = { ...beginning };
  const wanted = new URLSearchParams(hash.replace(/^#/, ""));
  for (const part of PARTS) {
    for (const [name, values] of Object.entries(beginning[part])) {
      const typed = wanted.get(`${part}.${name}`)?.split(",").map(readBack);
      if (typed?.length !== values.length || typed.includes(null)) continue;
      state[part] = { ...state[part], [name]: /** @type {Typed} */ (typed) };
    }
  }
  for (const [target, { titles, now }] of Object.entries(data.activations)) {
    const name = wanted.get(`activation.${target}`);
    if (name && name !== now && Object.hasOwn(titles, name)) state.chosen = { ...state.chosen, [target]: name };
  }
  const count = (/** @type {"first" | "round" | "sample" | "step"} */ name, /** @type {number} */ most) => {
    const asked = wanted.has(name) ? Math.floor(Number(wanted.get(name)) || 0) : beginning[name] ?? 0;
    return Math.max(0, Math.min(most, asked));
  };
  state.first = count("first", MOST_ROUNDS);
  state.round = Math.max(state.first, count("round", state.first + 100_000));
  state.until = state.round;
  state.sample = count("sample", data.samples - 1);
  state.step = wanted.has("step") ? Math.max(0, count("step", 1e5) - 1) : null;
  state.selected = wanted.get("selected")?.slice(0, 300) ?? beginning.selected;
  state.hidden = wanted.get("hidden") === "1";
  return state;
}

/** Whether a key stands for a quantity of what is shown. @param {import("./derive.js").Shown} shown @param {string} key */
export function isKnown(shown, key) {
  const fits = key.split("/").every((each) => {
    const at = each.lastIndexOf(":");
    const shape = shown.families.get(each.slice(0, at))?.shape;
    const index = each.slice(at + 1).split(",").filter(Boolean).map(Number);
    return shape && index.length === shape.length && index.every((place, axis) => Number.isInteger(place) && place >= 0 && place < shape[axis]);
  });
  return fits && key.split("/").length <= 2 && Boolean(keyName(shown, key));
}
