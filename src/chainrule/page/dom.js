// Elements without markup in text: a name can hold anything and stays a name.

const SPACES = { svg: "http://www.w3.org/2000/svg", math: "http://www.w3.org/1998/Math/MathML" };

/** @typedef {Node | string | null | undefined | false} Child */

/** @param {string} text without characters that steer */
export const harmless = (text) => text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g, "");

/**
 * @param {Element} element @param {Record<string, any>} attributes on… are listeners; null and false are left out
 * @param {Child[]} children
 */
function furnished(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== null && value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : harmless(String(value)));
  }
  for (const child of children) {
    if (child) element.append(typeof child === "string" ? harmless(child) : child);
  }
  return element;
}

/** @param {string} tag @param {Record<string, any>} [attributes] @param {...Child} children @returns {any} */
export const h = (tag, attributes = {}, ...children) => furnished(document.createElement(tag), attributes, children);

/** @param {string} tag @param {Record<string, any>} [attributes] @param {...Child} children @returns {any} */
export const s = (tag, attributes = {}, ...children) => furnished(document.createElementNS(SPACES.svg, tag), attributes, children);

/** @param {string} tag @param {Record<string, any>} [attributes] @param {...Child} children @returns {any} */
export const m = (tag, attributes = {}, ...children) => furnished(document.createElementNS(SPACES.math, tag), attributes, children);

/** @param {Element} element @param {string} name @param {string | number | null} value set where it is another */
export function setAttribute(element, name, value) {
  if (value === null) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, harmless(String(value)));
}

/** @param {Node} node @param {string} text set where it is another */
export function setText(node, text) {
  const clean = harmless(text);
  if (node.textContent !== clean) node.textContent = clean;
}

/**
 * Make an element's content like another's, and keep what is there already: the focus stays where it is, and only
 * what changed is laid out again. Listeners of new elements move with them; those of kept ones stay.
 * @param {Element} old @param {Element} wanted
 */
export function morphed(old, wanted) {
  const [before, after] = [[...old.childNodes], [...wanted.childNodes]];
  for (const [place, next] of after.entries()) {
    const here = before[place];
    if (!here) old.append(next);
    else if (here.isEqualNode(next)) continue;
    else if (here.nodeType !== next.nodeType || here.nodeName !== next.nodeName || keyed(here) !== keyed(next)) here.replaceWith(next);
    else if (here.nodeType === Node.TEXT_NODE) {
      setText(here, next.textContent ?? "");
    } else morphOne(/** @type {any} */ (here), /** @type {any} */ (next));
  }
  for (const each of before.slice(after.length)) each.remove();
}

/** @param {any} node what must not be mistaken for another */
const keyed = (node) => node.dataset?.keep ?? "";

/** @param {Element} here @param {Element} next */
function morphOne(here, next) {
  for (const name of here.getAttributeNames()) if (!next.hasAttribute(name)) here.removeAttribute(name);
  for (const name of next.getAttributeNames()) setAttribute(here, name, next.getAttribute(name));
  if (here instanceof HTMLInputElement && here !== here.ownerDocument.activeElement) here.value = /** @type {HTMLInputElement} */ (next).value;
  morphed(here, next);
}

/** @param {string | Blob} text @param {string} name of the file @param {string} type */
export function download(text, name, type) {
  const url = URL.createObjectURL(typeof text === "string" ? new Blob([text], { type }) : text);
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
