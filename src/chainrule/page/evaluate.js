// The values of a program: one closure for each of the eleven kinds of node, in the order in which they are written.

import { holds, positions } from "./tree.js";

/** @typedef {import("./tree.js").Expr} Expr */
/** @typedef {import("./arithmetic.js").Arithmetic} Arithmetic */
/** @typedef {import("./arithmetic.js").Value} Value */
/**
 * @typedef {object} Family
 * @property {string} name
 * @property {string} role
 * @property {string[]} axes
 * @property {number[]} shape
 * @property {string} of
 * @property {string} layer
 * @property {import("./names.js").Label} [label]
 */
/**
 * @typedef {object} Definition
 * @property {string} target
 * @property {string[]} indices
 * @property {Record<string, number>} sizes
 * @property {Expr} formula
 * @property {{ letter: string, backwards: boolean, block: number }} [steps] of a recurrence, whose definitions stand together
 */
/** @typedef {{ parameters: string[], formula: Expr | null, symbol: string, slope?: Expr, kink?: string }} Row */
/** @typedef {Record<string, Value[]>} Ledger the numbers of each family, flat */
/** @typedef {() => Value} Closure */

/** @param {number[]} shape */
export const count = (shape) => shape.reduce((a, b) => a * b, 1);

/** Where an entry stands in a flat array. @param {number[]} shape @param {number[]} index */
export function flat(shape, index) {
  let place = 0;
  for (let axis = 0; axis < shape.length; axis += 1) place = place * shape[axis] + index[axis];
  return place;
}

/** The index of a place in a flat array. @param {number[]} shape @param {number} place @returns {number[]} */
export function unflat(shape, place) {
  const index = shape.map(() => 0);
  for (let axis = shape.length - 1; axis >= 0; axis -= 1) {
    index[axis] = place % shape[axis];
    place = Math.floor(place / shape[axis]);
  }
  return index;
}

/**
 * Definitions that are calculated together, with the places of their numbers for each step; a single one has one step.
 * @typedef {{ definitions: Definition[], steps: number[][][] }} Block by step, then by definition
 */

/** The definitions in the order of calculation. @param {Definition[]} definitions @returns {Block[]} */
export function blocksOf(definitions) {
  /** @type {Definition[][]} */
  const groups = [];
  for (const each of definitions) {
    const last = groups[groups.length - 1];
    if (each.steps && last?.[0].steps?.block === each.steps.block) last.push(each);
    else groups.push([each]);
  }
  return groups.map((group) => ({ definitions: group, steps: stepsOf(group) }));
}

/** @param {Definition[]} group @returns {number[][][]} */
function stepsOf(group) {
  const places = group.map((each) => [...Array(count(rangesOf(each))).keys()]);
  const { steps } = group[0];
  if (!steps) return [places];
  const all = [...Array(group[0].sizes[steps.letter]).keys()];
  if (steps.backwards) all.reverse();
  const stepAt = (/** @type {Definition} */ each, /** @type {number} */ place) => unflat(rangesOf(each), place)[each.indices.indexOf(steps.letter)];
  return all.map((step) => group.map((each, member) => places[member].filter((place) => stepAt(each, place) === step)));
}

/** @param {Definition} each */
const rangesOf = (each) => each.indices.map((name) => each.sizes[name]);

/**
 * What a formula is compiled against.
 * @typedef {object} Scope
 * @property {Record<string, Row>} functions
 * @property {Arithmetic} kind
 * @property {Record<string, { shape: number[], values: Value[] }>} families
 * @property {Record<string, number>} sizes
 * @property {Record<string, { now: number }>} letters
 * @property {Record<string, { now: Value }>} parameters of the function around, if there is one
 */

/** @param {Expr} expr @param {Scope} scope @returns {Closure} */
export function compiled(expr, scope) {
  const { kind } = scope;
  const args = expr.op === "sum" || expr.op === "max" ? [] : (expr.args ?? []).map((arg) => compiled(arg, scope));
  const [a, b, c, d] = args;
  switch (expr.op) {
    case "num": {
      const value = kind.number(/** @type {string} */ (expr.value));
      return () => value;
    }
    case "ref":
      return referred(expr, scope);
    case "neg":
      return () => kind.neg(a());
    case "add":
      return chained(args, kind.add);
    case "mul":
      return chained(args, kind.mul);
    case "div":
      return () => kind.div(a(), b());
    case "pow":
      return () => kind.pow(a(), b());
    case "call":
      return called(/** @type {string} */ (expr.name), args, scope);
    case "sum":
      return over(expr, scope, kind.add, kind.whole(0));
    case "max":
      return over(expr, scope, (best, next) => (isNaNValue(best) || kind.compare(best, next) > 0 ? best : next));
    case "if": {
      const relation = /** @type {string} */ (expr.relation);
      return () => {
        const order = kind.compare(a(), b());
        const yes = order !== order ? relation === "!=" : holds(order, relation, 0);
        return yes ? c() : d();
      };
    }
    default:
      throw new Error(`there is no formula of the kind ${expr.op}`);
  }
}

/** @param {Value} value */
const isNaNValue = (value) => value !== value;

/** @param {Closure[]} args @param {(a: Value, b: Value) => Value} step @returns {Closure} */
function chained(args, step) {
  const [a, b, c] = args;
  if (args.length === 2) return () => step(a(), b());
  if (args.length === 3) return () => step(step(a(), b()), c());
  return () => {
    let value = args[0]();
    for (let place = 1; place < args.length; place += 1) value = step(value, args[place]());
    return value;
  };
}

/** @param {Expr} expr @param {Scope} scope @param {(a: Value, b: Value) => Value} step @param {Value} [start] @returns {Closure} */
function over(expr, scope, step, start) {
  const names = /** @type {string[]} */ (expr.over);
  const outer = names.map((name) => scope.letters[name]);
  const letters = names.map(() => ({ now: 0 }));
  names.forEach((name, place) => (scope.letters[name] = letters[place]));
  const body = compiled(/** @type {Expr[]} */ (expr.args)[0], scope);
  names.forEach((name, place) => {
    if (outer[place]) scope.letters[name] = outer[place];
    else delete scope.letters[name];
  });
  const sizes = names.map((name) => scope.sizes[name]);
  if (names.length === 1) {
    const [letter, size] = [letters[0], sizes[0]];
    return () => {
      letter.now = 0;
      let value = start === undefined ? body() : step(start, body());
      for (let at = 1; at < size; at += 1) {
        letter.now = at;
        value = step(value, body());
      }
      return value;
    };
  }
  return () => {
    let value = start;
    for (const position of positions(sizes)) {
      letters.forEach((letter, place) => (letter.now = position[place]));
      value = value === undefined ? body() : step(value, body());
    }
    return /** @type {Value} */ (value);
  };
}

/** @param {Expr} expr @param {Scope} scope @returns {Closure} */
function referred(expr, scope) {
  const name = /** @type {string} */ (expr.name);
  if (!expr.at && Object.hasOwn(scope.parameters, name)) {
    const parameter = scope.parameters[name];
    return () => parameter.now;
  }
  if (!expr.at && Object.hasOwn(scope.letters, name)) {
    const letter = scope.letters[name];
    return () => scope.kind.whole(letter.now);
  }
  const family = scope.families[name];
  if (!family) throw new Error(`${name} has no numbers`);
  const { shape, values } = family;
  const parts = (expr.at ?? []).map((index) => indexed(index, scope));
  if (parts.length !== shape.length) throw new Error(`${name} has ${shape.length} axes`);
  if (!parts.length) return () => values[0];
  if (parts.length === 1) return () => values[inRange(parts[0](), shape[0], name)];
  if (parts.length === 2) {
    const [first, second] = parts;
    const [high, low] = shape;
    return () => values[inRange(first(), high, name) * low + inRange(second(), low, name)];
  }
  return () => values[flat(shape, parts.map((part, axis) => inRange(part(), shape[axis], name)))];
}

/** @param {number} at @param {number} size @param {string} name */
function inRange(at, size, name) {
  if (at < 0 || at >= size) throw new Error(`${name} has no entry ${at}, counted from 0`);
  return at;
}

/** @param {import("./tree.js").Index} index @param {Scope} scope @returns {() => number} */
function indexed(index, scope) {
  if (typeof index === "number") return () => index;
  if (typeof index === "string") {
    const letter = Object.hasOwn(scope.letters, index) ? scope.letters[index] : null;
    if (!letter) throw new Error(`the index ${index} has no value`);
    return () => letter.now;
  }
  const terms = index.terms.map(([name, times]) => ({ now: indexed(name, scope), times }));
  return () => terms.reduce((sum, { now, times }) => sum + times * now(), index.constant);
}

/** @param {string} name @param {Closure[]} args @param {Scope} scope @returns {Closure} */
function called(name, args, scope) {
  const row = Object.hasOwn(scope.functions, name) ? scope.functions[name] : null;
  if (!row?.formula) {
    const plain = Object.hasOwn(scope.kind.functions, name) ? scope.kind.functions[name] : null;
    if (!plain) throw new Error(`there is no function ${name}`);
    const [first] = args;
    return args.length === 1 ? () => plain(first()) : () => plain(...args.map((arg) => arg()));
  }
  const slots = row.parameters.map(() => ({ now: /** @type {Value} */ (0) }));
  const parameters = Object.fromEntries(row.parameters.map((parameter, place) => [parameter, slots[place]]));
  const body = compiled(row.formula, { ...scope, letters: {}, sizes: {}, parameters });
  return () => {
    const values = args.map((arg) => arg());
    values.forEach((value, place) => (slots[place].now = value));
    return body();
  };
}

/** @typedef {{ target: string, letters: { now: number }[], ranges: number[], values: Value[], formula: Closure }} Ready */

/**
 * A program ready to run: `run` takes the given numbers and works out all others.
 * @param {{ families: Family[], definitions: Definition[] }} program
 * @param {Record<string, Row>} functions @param {Arithmetic} kind
 */
export function evaluator(program, functions, kind) {
  /** @type {Scope["families"]} */
  const families = Object.create(null); // a family may be called constructor or __proto__
  for (const { name, shape } of program.families) families[name] = { shape, values: new Array(count(shape)).fill(0) };
  const defined = new Set(program.definitions.map((each) => each.target));
  const blocks = blocksOf(program.definitions);
  /** @type {Map<Definition, Ready>} */
  const ready = new Map(program.definitions.map((definition) => {
    const letters = definition.indices.map(() => ({ now: 0 }));
    const scope = {
      functions, kind, families, parameters: Object.create(null), sizes: definition.sizes,
      letters: Object.fromEntries(definition.indices.map((name, place) => [name, letters[place]])),
    };
    const { values } = families[definition.target];
    const formula = compiled(definition.formula, scope);
    return [definition, { target: definition.target, letters, ranges: rangesOf(definition), values, formula }];
  }));

  /**
   * @param {Ledger} given
   * @param {(family: string, place: number, value: Value) => Value} [instead] what is put in a number's place
   * @returns {Ledger} arrays that the next run overwrites
   */
  function run(given, instead) {
    for (const [name, { values }] of Object.entries(families)) {
      if (defined.has(name)) continue;
      const own = given[name];
      if (!own || own.length !== values.length) throw new Error(`${name} has no numbers`);
      for (let place = 0; place < values.length; place += 1) values[place] = own[place];
    }
    for (const { definitions, steps } of blocks) {
      for (const places of steps) {
        for (let member = 0; member < definitions.length; member += 1) {
          const { target, letters, ranges, values, formula } = /** @type {Ready} */ (ready.get(definitions[member]));
          for (const place of places[member]) {
            let rest = place;
            for (let axis = ranges.length - 1; axis >= 0; axis -= 1) {
              letters[axis].now = rest % ranges[axis];
              rest = (rest - letters[axis].now) / ranges[axis];
            }
            values[place] = instead ? instead(target, place, formula()) : formula();
          }
        }
      }
    }
    return Object.fromEntries(Object.entries(families).map(([name, { values }]) => [name, values]));
  }
  return { run };
}

/**
 * The value of one formula at given indices.
 * @param {Expr} expr @param {Record<string, number>} at @param {Record<string, number>} sizes
 * @param {Scope["families"]} families @param {Record<string, Row>} functions @param {Arithmetic} kind
 */
export function valueOf(expr, at, sizes, families, functions, kind) {
  const letters = Object.fromEntries(Object.entries(at).map(([name, now]) => [name, { now }]));
  return compiled(expr, { functions, kind, families, sizes, letters, parameters: {} })();
}
