// The words of the page, in the language that the server chose for it.

export const language = document.documentElement.lang.startsWith("zh") ? "zh" : "en";

const locale = language === "zh" ? "zh-CN" : "en-GB";
const clock = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const day = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "medium", hourCycle: "h23" });
let texts = {};

/** Fetch the words, and fill in those that stand in the page from the beginning. */
export async function load() {
  texts = flat(await (await fetch(`/assets/texts.${language}.json`)).json());
  for (const element of document.querySelectorAll("[data-text]")) {
    element.textContent = text(element.dataset.text);
  }
  for (const element of document.querySelectorAll("[data-label]")) {
    element.setAttribute("aria-label", text(element.dataset.label));
  }
}

/** `{ a: { b: "…" } }` as `{ "a.b": "…" }`. */
function flat(tree, path = "") {
  const entries = Object.entries(tree).map(([name, value]) => [`${path}${name}`, value]);
  return Object.assign({}, ...entries.map(([key, value]) => (typeof value === "string" ? { [key]: value } : flat(value, `${key}.`))));
}

export const has = (key) => Object.hasOwn(texts, key);

/** The text of a key, with its `{values}`. */
export function text(key, values = {}) {
  const found = has(key) ? texts[key] : key;
  return found.replace(/\{(\w+)\}/g, (whole, name) => (Object.hasOwn(values, name) ? String(values[name]) : whole));
}

/** What a flow is called: as the story, or as its most telling message. */
export function flowName(name) {
  return text(has(`stories.${name}.title`) ? `stories.${name}.title` : `titles.${name}`);
}

/** How many messages. */
export const messages = (n) => text(n === 1 ? "flows.message" : "flows.messages", { n });

export const party = (name) => text(`party.${name}`);

export const timeOfDay = (micros) => clock.format(micros / 1000);

/** Seconds since 1970, as a person reads them. */
export const moment = (seconds) => day.format(seconds * 1000);

export function duration(micros) {
  if (micros < 1000) return text("time.micros", { n: micros });
  if (micros < 1e6) return text("time.millis", { n: (micros / 1000).toFixed(micros < 1e4 ? 1 : 0) });
  return text("time.seconds", { n: (micros / 1e6).toFixed(1) });
}

/** A span such as 29:55. */
export function span(seconds) {
  const two = (number) => String(number).padStart(2, "0");
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}
