// The list of flows, newest first. Rows are updated in place.

import { el } from "./dom.js";
import { duration, flowName, messages, text, timeOfDay } from "./texts.js";

/** The maximum number of rows, equal to the number of flows that the server lists. */
const MAX_ROWS = 100;

export class FlowList {
  #rows = new Map();
  #list;
  #none;
  #open;
  #current = null;
  #scheduled = false;

  constructor(list, none, open) {
    [this.#list, this.#none, this.#open] = [list, none, open];
  }

  /** Adds or updates flows. They are drawn once in the next frame. */
  update(summaries) {
    for (const summary of summaries) {
      const row = this.#rows.get(summary.id) ?? this.#row(summary.id);
      row.summary = summary;
      row.stale = true;
    }
    this.#scheduleDraw();
  }

  /** Replaces the list. Flows that the server no longer lists are removed. */
  replace(summaries) {
    const known = new Set(summaries.map((summary) => summary.id));
    for (const id of this.#rows.keys()) {
      if (!known.has(id)) this.#remove(id);
    }
    this.update(summaries);
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

  /** Highlights the open flow. */
  select(id) {
    for (const changed of [this.#current, id]) {
      const row = this.#rows.get(changed);
      if (row) row.stale = true;
    }
    this.#current = id;
    this.#scheduleDraw();
  }

  #row(id) {
    const parts = { name: el("span", { class: "name" }), outcome: el("span", { class: "outcome" }), facts: el("span", { class: "facts" }) };
    const link = el("a", { href: `/flows/${id}`, click: (event) => this.#select(event, id) }, parts.name, parts.outcome, parts.facts);
    const row = { item: el("li", { "data-flow": id }, link), link, ...parts };
    this.#rows.set(id, row);
    return row;
  }

  #select(event, id) {
    // With a modifier key the browser opens a new tab.
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    this.#open(id);
  }

  #sorted() {
    return [...this.#rows.values()].sort((one, other) => other.summary.began_micros - one.summary.began_micros);
  }

  #scheduleDraw() {
    if (this.#scheduled) return;
    this.#scheduled = true;
    requestAnimationFrame(() => {
      this.#scheduled = false;
      this.#draw();
    });
  }

  #draw() {
    const sorted = this.#sorted();
    for (const row of sorted.slice(MAX_ROWS)) this.#remove(row.summary.id);
    sorted.slice(0, MAX_ROWS).forEach((row, at) => {
      if (row.stale) this.#render(row);
      if (this.#list.children[at] !== row.item) this.#list.insertBefore(row.item, this.#list.children[at] ?? null);
    });
    this.#none.hidden = this.#rows.size > 0;
  }

  #render(row) {
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

  #remove(id) {
    this.#rows.get(id)?.item.remove();
    this.#rows.delete(id);
  }
}
