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

export const isPlayed = (name) => Object.hasOwn(played, name);

/** Returns what the reader guessed before this scenario, or null. */
export const guessOf = (name) => (typeof played[name] === "string" ? played[name] : null);

/** Notes that a scenario was played. */
export function note(name, guess) {
  played[name] = guess ?? played[name] ?? true;
  write();
}

/** Forgets everything. */
export function reset() {
  played = {};
  write();
}
