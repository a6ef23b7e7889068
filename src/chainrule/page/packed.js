// Data of which every part that repeats is written once.

/** The whole of its parts: in each, `{"$": 3}` stands for part 3. @param {any[]} parts @returns {any} */
export function unpacked(parts) {
  /** @type {any[]} */
  const whole = [];
  /** @param {any} value @returns {any} */
  const put = (value) => {
    if (typeof value !== "object" || value === null) return value;
    if (Array.isArray(value)) return value.map(put);
    return "$" in value ? whole[value.$] : Object.fromEntries(Object.entries(value).map(([key, each]) => [key, put(each)]));
  };
  for (const part of parts) whole.push(put(part));
  return whole[whole.length - 1];
}
