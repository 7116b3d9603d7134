// The texts of the page, in the language that the server chose.

export const language = document.documentElement.lang.startsWith("zh") ? "zh" : "en";

const locale = language === "zh" ? "zh-CN" : "en-GB";
const clock = new Intl.DateTimeFormat(locale, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });
const day = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "medium", hourCycle: "h23" });
let texts = {};

/** Fetches the texts and inserts those of the static page. */
export async function load() {
  texts = flat(await (await fetch(`/assets/texts.${language}.json`)).json());
  for (const element of document.querySelectorAll("[data-text]")) {
    element.textContent = text(element.dataset.text);
  }
  for (const element of document.querySelectorAll("[data-label]")) {
    element.setAttribute("aria-label", text(element.dataset.label));
  }
}

/** Flattens `{ a: { b: "…" } }` to `{ "a.b": "…" }`. */
function flat(tree, path = "") {
  const entries = Object.entries(tree).map(([name, value]) => [`${path}${name}`, value]);
  return Object.assign({}, ...entries.map(([key, value]) => (typeof value === "string" ? { [key]: value } : flat(value, `${key}.`))));
}

/** Returns the keys below a key, in the order of the file. */
export const keysBelow = (path) => Object.keys(texts).filter((key) => key.startsWith(`${path}.`));

export const has = (key) => Object.hasOwn(texts, key);

/** Returns the text of a key with its `{placeholders}` replaced. */
export function text(key, values = {}) {
  const found = has(key) ? texts[key] : key;
  const filled = found.replace(/\{(\w+)\}/g, (whole, name) => (Object.hasOwn(values, name) ? String(values[name]) : whole));
  // A space separates Chinese from Latin letters, not Chinese from Chinese.
  return language === "zh" ? filled.replace(/([一-鿿]) (?=[一-鿿])/g, "$1") : filled;
}

/** Returns the name of a flow: that of its scenario, or of its most characteristic message. */
export function flowName(name) {
  return text(has(`scenarios.${name}.title`) ? `scenarios.${name}.title` : `titles.${name}`);
}

/** Formats the number of messages. */
export const messages = (n) => text(n === 1 ? "flows.message" : "flows.messages", { n });

export const timeOfDay = (micros) => clock.format(micros / 1000);

/** Formats seconds since 1970 as date and time. */
export const dateTime = (seconds) => day.format(seconds * 1000);

export function duration(micros) {
  if (micros < 1000) return text("time.micros", { n: micros });
  if (micros < 1e6) return text("time.millis", { n: (micros / 1000).toFixed(micros < 1e4 ? 1 : 0) });
  return text("time.seconds", { n: (micros / 1e6).toFixed(1) });
}

/** Formats a number of seconds as a duration, such as 29:55 or 1:00:00. */
export function span(seconds) {
  const two = (number) => String(number).padStart(2, "0");
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}
