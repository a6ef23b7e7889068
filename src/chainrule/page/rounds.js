// Training: the rounds of a network one after the other, and a way back to each of them.

import { FLOATS, MIXED, toNumber } from "./arithmetic.js";
import { count, evaluator } from "./evaluate.js";

/** @typedef {import("./evaluate.js").Ledger} Ledger */
/** @typedef {import("./evaluate.js").Definition} Definition */
/** @typedef {{ samples: number, families: import("./evaluate.js").Family[], definitions: Definition[], carried: Record<string, string>, choices: Record<string, Record<string, Partial<Definition>[]>> }} Program what an activation changes in each definition, by its target */
/** @typedef {(string | number)[]} Typed numbers as they were given: text where a person typed them */
/**
 * @typedef {object} Task everything that a network is trained with
 * @property {string} loss
 * @property {Program[]} programs
 * @property {Record<string, import("./evaluate.js").Row>} functions
 * @property {Record<string, Typed>} start
 * @property {Record<string, Typed>} data
 * @property {Record<string, Typed>} fixed
 * @property {number} samples
 * @property {number | null} batch
 */

const SMALL = 2000; // scalars: up to here a round is calculated exactly as far as that goes
const KEPT = 2_000_000; // numbers of the states that are kept to go back to

/** The first and the last sample (exclusive) of the round after so many. @param {Task} task @param {number} done */
export function rowsOf(task, done) {
  if (task.batch === null || task.batch >= task.samples) return [0, task.samples];
  const batches = Math.ceil(task.samples / task.batch);
  const first = (done % batches) * task.batch;
  return [first, Math.min(first + task.batch, task.samples)];
}

/** @param {Task} task @param {number} done @returns {Program} */
export function programOf(task, done) {
  const [first, end] = rowsOf(task, done);
  return task.programs.find((each) => each.samples === end - first) ?? task.programs[0];
}

/** The numbers that are given in a round, as typed. @param {Task} task @param {Record<string, Typed>} state @param {number} done */
export function givenOf(task, state, done) {
  const [first, end] = rowsOf(task, done);
  /** @type {Record<string, Typed>} */
  const given = Object.assign(Object.create(null), task.fixed);
  for (const [name, values] of Object.entries(task.data)) {
    const width = values.length / task.samples;
    given[name] = values.slice(first * width, end * width);
  }
  Object.assign(given, state);
  if ("round" in given) given.round = [done + 1];
  return given;
}

/** A program with other formulas in the place of some. @param {Program} program @param {Record<string, string>} chosen */
export function withActivations(program, chosen) {
  let { definitions } = program;
  for (const [target, name] of Object.entries(chosen)) {
    const changed = new Map((program.choices[target]?.[name] ?? []).map((each) => [each.target, each]));
    definitions = definitions.map((each) => (changed.has(each.target) ? { ...each, ...changed.get(each.target) } : each));
  }
  return { ...program, definitions };
}

/** @param {Program} program */
export const isSmall = (program) => program.families.reduce((sum, { shape }) => sum + count(shape), 0) <= SMALL;

/** @param {Record<string, Typed>} given @param {import("./arithmetic.js").Arithmetic} kind @returns {Ledger} */
export const numbersOf = (given, kind) =>
  Object.fromEntries(Object.entries(given).map(([name, values]) => [name, values.map(kind.number)]));

/** The program up to the first derivative: the forward pass. @param {Program} program */
export function forwardOf(program) {
  const roles = new Map(program.families.map((each) => [each.name, each.role]));
  const first = program.definitions.findIndex((each) => roles.get(each.target) === "adjoint");
  const definitions = first < 0 ? program.definitions : program.definitions.slice(0, first);
  const left = new Set(program.definitions.map((each) => each.target));
  for (const each of definitions) left.delete(each.target);
  return { ...program, definitions, families: program.families.filter((each) => !left.has(each.name)) };
}

/**
 * A network in training: runs rounds and remembers them.
 * @param {Task} task @param {Record<string, Typed>} state @param {number} first how many rounds were done before
 */
export function history(task, state, first) {
  /** @type {Map<Program, ReturnType<typeof evaluator>>} */
  const runners = new Map();
  const names = Object.keys(state);
  const width = names.reduce((sum, name) => sum + state[name].length, 0);
  const begin = names.flatMap((name) => state[name].map(Number));
  const fixed = numbersOf(task.fixed, FLOATS);
  const data = numbersOf(task.data, FLOATS);
  let every = 1;
  /** @type {Float64Array[]} */
  let kept = [Float64Array.from(begin)];
  let now = /** @type {Float64Array} */ (Float64Array.from(begin));
  let done = first;
  /** @type {number[]} */
  const losses = []; // of each round, before its update

  /** @param {Float64Array} from @param {number} at @returns {{ next: Float64Array, loss: number }} */
  function round(from, at) {
    const program = programOf(task, at);
    let runner = runners.get(program);
    if (!runner) runners.set(program, (runner = evaluator(program, task.functions, /** @type {any} */ (FLOATS))));
    const [top, end] = rowsOf(task, at);
    /** @type {Ledger} */
    const given = Object.assign(Object.create(null), fixed);
    for (const [name, values] of Object.entries(data)) {
      const wide = values.length / task.samples;
      given[name] = end - top === task.samples ? values : values.slice(top * wide, end * wide);
    }
    let place = 0;
    for (const name of names) given[name] = Array.from(from.subarray(place, (place += state[name].length)));
    if ("round" in given) given.round = [at + 1];
    const ledger = runner.run(given);
    const next = Float64Array.from(from);
    for (const [updated, old] of Object.entries(program.carried)) {
      const offset = offsets[old];
      ledger[updated].forEach((value, entry) => (next[offset + entry] = /** @type {number} */ (value)));
    }
    return { next, loss: toNumber(ledger[task.loss][0]) };
  }
  /** @type {Record<string, number>} */
  const offsets = Object.create(null);
  names.reduce((sum, name) => ((offsets[name] = sum), sum + state[name].length), 0);

  function step() {
    const { next, loss } = round(now, done);
    losses.push(loss);
    now = next;
    done += 1;
    if ((done - first) % every === 0) kept.push(now);
    if (kept.length * width > KEPT && kept.length > 64) {
      every *= 2;
      kept = kept.filter((_, place) => place % 2 === 0);
    }
    return loss;
  }

  /** Parameters and states after so many rounds. @param {number} rounds @returns {Record<string, Typed>} */
  function stateAt(rounds) {
    if (rounds === first) return state;
    const place = Math.min(Math.floor((rounds - first) / every), kept.length - 1);
    let from = kept[place];
    for (let at = first + place * every; at < rounds; at += 1) from = round(from, at).next;
    return Object.fromEntries(
      names.map((name) => [name, Array.from(from.subarray(offsets[name], offsets[name] + state[name].length))]),
    );
  }
  return { first, losses, step, stateAt, get done() { return done; } };
}

/** @typedef {ReturnType<typeof history>} History */

/**
 * All numbers of one round, exact as far as that goes where the network is small; and the loss afterwards.
 * @param {Program} program @param {Task} task
 */
export function roundRunner(program, task) {
  const kind = isSmall(program) ? MIXED : /** @type {any} */ (FLOATS);
  const whole = evaluator(program, task.functions, kind);
  const forward = Object.keys(program.carried).length ? evaluator(forwardOf(program), task.functions, kind) : null;
  const roles = new Map(program.families.map((each) => [each.name, each.role]));

  /** @param {Record<string, Typed>} given @param {Parameters<typeof whole.run>[1]} [instead] */
  function run(given, instead) {
    const numbers = numbersOf(given, kind);
    const ledger = Object.fromEntries(
      Object.entries(whole.run(numbers, instead)).map(([name, values]) => [name, [...values]]),
    );
    let afterwards = null;
    if (forward && !instead) {
      const again = { ...numbers };
      for (const [updated, old] of Object.entries(program.carried)) {
        if (roles.get(old) === "parameter") again[old] = ledger[updated];
      }
      afterwards = forward.run(again)[task.loss][0];
    }
    return { ledger, afterwards, kind };
  }
  return { run, kind };
}
