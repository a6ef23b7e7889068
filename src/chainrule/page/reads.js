// Which numbers a formula uses at one place: those that its tests leave in it, without the factors of a 0.

import { toNumber } from "./arithmetic.js";
import { forwardDefinitions } from "./axes.js";
import { valueOf } from "./evaluate.js";
import { keysOf } from "./model.js";
import { keyOf, scalar, scalarOf } from "./names.js";
import { bound, holds, indexNumber, nodes, positions, refsOf, substituted } from "./tree.js";

/** @typedef {import("./tree.js").Expr} Expr */
/** @typedef {import("./tree.js").Index} Index */
/** @typedef {import("./names.js").Scalar} Scalar */
/** @typedef {import("./derive.js").Shown} Shown */
/** @typedef {(each: Scalar) => string[]} Reads the keys of what a scalar's formula uses, each once; none for a given one */

/**
 * A window, a row of a table, the places that a mask leaves: the tests of a formula are decided by its letters, and
 * those on numbers by the numbers, as far as they may be seen.
 * @param {Shown} shown @param {(key: string) => boolean} [visible] @returns {Reads}
 */
export function readerOf(shown, visible = () => true) {
  const families = Object.fromEntries([...shown.families.values()].map(({ name, shape }) => [name, { shape, values: shown.ledger[name] }]));

  /** Whether a test holds; null where it can't be told. @param {Expr} test @param {Record<string, number>} at @param {Record<string, number>} sizes */
  function decided(test, at, sizes) {
    const [left, right] = /** @type {Expr[]} */ (test.args);
    const relation = /** @type {string} */ (test.relation);
    const [a, b] = [left, right].map((side) => indexNumber(substituted(side, at)));
    if (a !== null && b !== null) return holds(a, relation, b);
    if (![...collected([left, right], at, sizes).found].every(visible)) return null;
    const value = (/** @type {Expr} */ side) => valueOf(side, at, sizes, families, shown.functions, shown.kind);
    return holds(shown.kind.compare(value(left), value(right)), relation, 0);
  }

  /** @param {Expr[]} all @param {Record<string, number>} at @param {Record<string, number>} sizes */
  function collected(all, at, sizes) {
    /** @type {Set<string>} */
    const found = new Set();
    return { found, nothing: all.map((each) => collect(each, at, sizes, found)) };
  }

  /** Add what a formula uses; whether its tests make it 0. @param {Expr} expr @param {Record<string, number>} at @param {Record<string, number>} sizes @param {Set<string>} found @returns {boolean} */
  function collect(expr, at, sizes, found) {
    const args = expr.args ?? [];
    switch (expr.op) {
      case "num": return Number(expr.value) === 0;
      case "ref": {
        const name = /** @type {string} */ (expr.name);
        if (families[name]) found.add(keyOf(scalar(name, (expr.at ?? []).map((index) => placeIn(index, at)))));
        return false;
      }
      case "sum":
      case "max": {
        const over = /** @type {string[]} */ (expr.over);
        let nothing = expr.op === "sum";
        for (const position of positions(over.map((name) => sizes[name]))) nothing = collect(args[0], { ...at, ...bound(over, position) }, sizes, found) && nothing;
        return nothing;
      }
      case "if": {
        for (const side of args.slice(0, 2)) collect(side, at, sizes, found);
        const yes = decided(expr, at, sizes);
        const [one, other] = [yes === false || collect(args[2], at, sizes, found), yes === true || collect(args[3], at, sizes, found)];
        return one && other;
      }
      case "mul":
      case "div": {
        const parts = collected(args, at, sizes);
        const nothing = parts.nothing.some((each, place) => each && (expr.op === "mul" || !place));
        if (nothing) testsIn(expr, at, sizes, found);
        else for (const key of parts.found) found.add(key);
        return nothing;
      }
      default: {
        const { found: used, nothing } = collected(args, at, sizes);
        for (const key of used) found.add(key);
        return expr.op === "call" ? false : expr.op === "pow" ? nothing[0] : nothing.every(Boolean);
      }
    }
  }

  /** What the tests of a formula use: they say why it is 0. @param {Expr} expr @param {Record<string, number>} at @param {Record<string, number>} sizes @param {Set<string>} found */
  function testsIn(expr, at, sizes, found) {
    if (expr.op === "if") for (const side of /** @type {Expr[]} */ (expr.args).slice(0, 2)) collect(side, at, sizes, found);
    else if (!expr.over) for (const arg of expr.args ?? []) testsIn(arg, at, sizes, found);
  }

  return (each) => {
    const definition = shown.definitions.get(each.family);
    return definition ? [...collected([definition.formula], bound(definition.indices, each.index), definition.sizes).found] : [];
  };
}

/** @param {Index} index @param {Record<string, number>} at */
const placeIn = (index, at) => (typeof index === "number" ? index : typeof index === "string" ? at[index] : index.terms.reduce((sum, [name, times]) => sum + times * at[name], index.constant));

/** The families in tests of the forward pass. @param {Shown} shown */
function testedFamilies(shown) {
  const tests = forwardDefinitions(shown).flatMap(({ formula }) => [...nodes(formula)].filter(({ op }) => op === "if").flatMap(({ args }) => /** @type {Expr[]} */ (args).slice(0, 2)));
  return new Set(tests.flatMap(refsOf).map((node) => /** @type {string} */ (node.name)).filter((name) => shown.families.has(name)));
}

/** Whether a family's numbers only choose, such as the rows of a table: they are whole. @param {Shown} shown @param {string} family */
export function onlyChooses(shown, family) {
  /** @param {Expr} expr @returns {boolean} */
  const outside = (expr) => expr.name === family || (expr.args ?? []).slice(expr.op === "if" ? 2 : 0).some(outside);
  return testedFamilies(shown).has(family) && !forwardDefinitions(shown).some(({ formula }) => outside(formula));
}

/** The numbers that decide tests of the forward pass, as a text: while it is the same, formulas use the same. @param {Shown} shown @param {(key: string) => boolean} visible */
export function testedNumbers(shown, visible) {
  return [...testedFamilies(shown)].map((name) => [...keysOf(shown, name)].map((key, place) => (visible(key) ? toNumber(shown.ledger[name][place]) : "?")).join()).join(";");
}

/**
 * Which numbers the forward pass leaves out though it uses others of their family, or makes of nothing: masked places,
 * the rows of a table that no word chose.
 * @param {Shown} shown @param {Reads} reads @returns {(key: string) => boolean}
 */
export function idleIn(shown, reads) {
  const used = new Set();
  const [touched, empty] = [new Set(), new Set()];
  for (const { target } of forwardDefinitions(shown)) {
    const lists = [...keysOf(shown, target)].map((key) => ({ key, found: reads(scalarOf(key)) }));
    for (const { key, found } of lists) {
      for (const each of found) {
        used.add(each);
        touched.add(scalarOf(each).family);
      }
      if (!found.length && lists.some((other) => other.found.length)) empty.add(key);
    }
  }
  return (key) => empty.has(key) || (touched.has(scalarOf(key).family) && !used.has(key));
}
