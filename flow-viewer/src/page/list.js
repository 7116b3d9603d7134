// The list of flows: the newest first, each row changed in its place.

import { el } from "./dom.js";
import { duration, flowName, messages, text, timeOfDay } from "./texts.js";

/** The server lists as many. */
const ROWS = 100;

export class FlowList {
  #rows = new Map();
  #list;
  #none;
  #open;
  #current = null;
  #due = false;

  constructor(list, none, open) {
    [this.#list, this.#none, this.#open] = [list, none, open];
  }

  /** These have changed. They are drawn with the next picture of the screen, however many times that is before it. */
  take(summaries) {
    for (const summary of summaries) {
      const row = this.#rows.get(summary.id) ?? this.#row(summary.id);
      row.summary = summary;
      row.stale = true;
    }
    this.#paintSoon();
  }

  /** The server has these alone: flows that have left, or have become part of another, leave here too. */
  keep(summaries) {
    const known = new Set(summaries.map((summary) => summary.id));
    for (const id of this.#rows.keys()) {
      if (!known.has(id)) this.#forget(id);
    }
    this.take(summaries);
  }

  has(id) {
    return this.#rows.has(id);
  }

  get ids() {
    return this.#rows.keys();
  }

  get newest() {
    return this.#sorted()[0]?.summary ?? null;
  }

  mark(id) {
    for (const marked of [this.#current, id]) {
      const row = this.#rows.get(marked);
      if (row) row.stale = true;
    }
    this.#current = id;
    this.#paintSoon();
  }

  #row(id) {
    const parts = { name: el("span", { class: "name" }), outcome: el("span", { class: "outcome" }), facts: el("span", { class: "facts" }) };
    const link = el("a", { href: `/flows/${id}`, click: (event) => this.#follow(event, id) }, parts.name, parts.outcome, parts.facts);
    const row = { item: el("li", { "data-flow": id }, link), link, ...parts };
    this.#rows.set(id, row);
    return row;
  }

  #follow(event, id) {
    // With a key held the browser opens a tab of its own.
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    this.#open(id);
  }

  #sorted() {
    return [...this.#rows.values()].sort((one, other) => other.summary.began_micros - one.summary.began_micros);
  }

  #paintSoon() {
    if (this.#due) return;
    this.#due = true;
    requestAnimationFrame(() => {
      this.#due = false;
      this.#paint();
    });
  }

  #paint() {
    const sorted = this.#sorted();
    for (const row of sorted.slice(ROWS)) this.#forget(row.summary.id);
    sorted.slice(0, ROWS).forEach((row, at) => {
      if (row.stale) this.#write(row);
      if (this.#list.children[at] !== row.item) this.#list.insertBefore(row.item, this.#list.children[at] ?? null);
    });
    this.#none.hidden = this.#rows.size > 0;
  }

  #write(row) {
    const { summary } = row;
    row.stale = false;
    row.item.dataset.outcome = summary.outcome;
    row.item.dataset.name = summary.name;
    row.name.textContent = flowName(summary.name);
    row.outcome.textContent = text(`outcome.${summary.outcome}`);
    row.facts.textContent = [timeOfDay(summary.began_micros), duration(summary.elapsed_micros),
      messages(summary.messages)].join(" · ");
    if (summary.id === this.#current) row.link.setAttribute("aria-current", "page");
    else row.link.removeAttribute("aria-current");
  }

  #forget(id) {
    this.#rows.get(id)?.item.remove();
    this.#rows.delete(id);
  }
}
