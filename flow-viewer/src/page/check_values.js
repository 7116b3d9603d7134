// Translates what a check has compared. B emits it in English.

import { text } from "./texts.js";

/** The English values, as regular expressions, with the keys of their translations. */
let patterns = [];

/** Remembers the English values, such as `before exp, with {leeway} s of leeway`. */
export function setCheckValues(english) {
  patterns = Object.entries(english).map(([key, pattern]) => [key, expression(pattern)]);
}

function expression(pattern) {
  const literal = pattern.replace(/[.*+?^$()|[\]\\]/g, "\\$&");
  return new RegExp(`^${literal.replace(/\{(\w+)\}/g, "(?<$1>.+?)")}$`);
}

/** Returns the translation of a value, or null: values of a token stay as they are. */
export function translated(value) {
  for (const [key, pattern] of patterns) {
    const found = pattern.exec(value);
    if (found) return text(`check_values.${key}`, found.groups);
  }
  return null;
}
