// How a number in the picture is chosen and changed: by mouse, by finger and by keys.

import { setText } from "./dom.js";

/** @typedef {{ pick: (key: string) => void, drag: (key: string, steps: number, done: boolean) => void, nudge: (key: string, steps: number) => void }} Actions what to do where a number is clicked, dragged so far, or changed by a key */
/** @typedef {ReturnType<typeof handlesWith>} Handles */

const STEP = 4; // pixels of a drag

/** @param {Actions} actions @param {Element} readout where the number under the pointer or the focus is told @param {() => string} hint what stands there otherwise */
export function handlesWith(actions, readout, hint) {
  let dragged = false;

  /** Choose a number, unless the click is the end of a drag. @param {string} key */
  const pick = (key) => {
    if (!dragged) actions.pick(key);
  };

  /** @param {any} group @param {() => string} key */
  function reachable(group, key) {
    group.addEventListener("click", () => pick(key()));
    group.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      actions.pick(key());
    });
    for (const kind of ["pointerleave", "blur"]) group.addEventListener(kind, () => setText(readout, hint()));
    for (const kind of ["pointerenter", "focus"]) group.addEventListener(kind, () => setText(readout, group.getAttribute("aria-label") ?? ""));
  }

  /** @param {any} group @param {string} key @param {Record<string, number>} [keys] by how many steps they change it */
  function draggable(group, key, keys = { ArrowUp: 1, ArrowDown: -1 }) {
    group.classList.add("given");
    group.addEventListener("keydown", (/** @type {KeyboardEvent} */ event) => {
      if (!keys[event.key] || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      actions.nudge(key, keys[event.key]);
    });
    group.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => {
      dragged = false;
      if (event.pointerType !== "mouse" || event.button) return;
      event.preventDefault();
      group.focus({ preventScroll: true });
      const start = event.clientX;
      let steps = 0;
      const move = (/** @type {PointerEvent} */ next) => {
        const now = Math.round((next.clientX - start) / STEP);
        if (now === steps) return;
        dragged = true;
        actions.drag(key, now - steps, false);
        steps = now;
      };
      const up = () => {
        removeEventListener("pointermove", move);
        removeEventListener("pointerup", up);
        if (dragged) actions.drag(key, 0, true);
        setTimeout(() => (dragged = false));
      };
      addEventListener("pointermove", move);
      addEventListener("pointerup", up);
    });
  }
  return { pick, reachable, draggable };
}
