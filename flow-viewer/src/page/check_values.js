// Translates what a check has compared, and why a scenario was aborted. Servers say it in English.

import { text } from "./texts.js";

/** The English texts, as regular expressions, with the keys of their translations. */
let patterns = [];

/** Remembers the English texts of these groups, such as `before exp, with {leeway} s of leeway`. */
export function setEnglishTexts(groups) {
  patterns = Object.entries(groups).flatMap(([group, english]) =>
    Object.entries(english).map(([key, pattern]) => [`${group}.${key}`, expression(pattern)]));
}

function expression(pattern) {
  const literal = pattern.replace(/[.*+?^$()|[\]\\]/g, "\\$&");
  return new RegExp(`^${literal.replace(/\{(\w+)\}/g, "(?<$1>.+?)")}$`);
}

/** Returns the translation of a value, or null: values of a token stay as they are. */
export function translated(value) {
  for (const [key, pattern] of patterns) {
    const found = pattern.exec(value);
    if (found) return text(key, found.groups);
  }
  return null;
}

/** Translates an error, or else what is known of it and its causes, which are joined by colons. */
export function translatedError(error) {
  const parts = error.split(": ").map((part) => translated(part) ?? part);
  return translated(error) ?? parts.reduce((known, cause) => text("play.cause", { error: known, cause }));
}
