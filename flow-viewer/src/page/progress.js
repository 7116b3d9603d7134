// What the reader has played and guessed, kept in this browser.

const KEY = "gatepass-path";

/** The scenarios played, each with the guess or `true`. Without storage, it ends with the page. */
let played = read();

function read() {
  try {
    const stored = JSON.parse(localStorage.getItem(KEY));
    return stored && typeof stored === "object" ? stored : {};
  } catch {
    return {};
  }
}

function write() {
  try {
    localStorage.setItem(KEY, JSON.stringify(played));
  } catch {
    // The browser forbids it.
  }
}

/** What the reader guessed before a scenario that has not ended yet. */
const guesses = new Map();

export const isPlayed = (name) => Object.hasOwn(played, name);

/** Returns what the reader guessed before this scenario, or null. */
export const guessOf = (name) => (typeof played[name] === "string" ? played[name] : null);

/** Keeps a guess until the scenario has gone as expected: one that failed is not an answer. */
export const guess = (name, option) => guesses.set(name, option);

/** Notes that a scenario was played. */
export function note(name) {
  played[name] = guesses.get(name) ?? played[name] ?? true;
  guesses.delete(name);
  write();
}

/** Forgets everything. */
export function reset() {
  played = {};
  write();
}
