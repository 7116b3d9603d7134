// The list of flows, newest first. Rows are updated in place. Flows that only visit a page, or fetch
// metadata or keys, are in a list of their own, which is closed.

import { el } from "./dom.js";
import { duration, flowName, messages, text, timeOfDay } from "./texts.js";

/** The maximum number of rows, equal to the number of flows that the server lists. */
const MAX_ROWS = 100;

export class FlowList {
  #rows = new Map();
  #list;
  #background;
  #none;
  #open;
  #current = null;
  #scheduled = false;

  #onDrawn;
  /** Resolves when the list has been drawn. */
  drawn = new Promise((resolve) => { this.#onDrawn = resolve; });

  constructor({ list, background, none }, open) {
    [this.#list, this.#background, this.#none, this.#open] = [list, background, none, open];
    for (const one of [list, background]) one.addEventListener("keydown", (event) => this.#move(event));
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

  /** Replaces the list. Flows that the server no longer lists are removed and returned. */
  replace(summaries) {
    const known = new Set(summaries.map((summary) => summary.id));
    const removed = [...this.#rows.keys()].filter((id) => !known.has(id));
    for (const id of removed) this.#remove(id);
    this.update(summaries);
    return removed;
  }

  has(id) {
    return this.#rows.has(id);
  }

  get ids() {
    return this.#rows.keys();
  }

  /** The newest flow that teaches something. */
  get newest() {
    return this.#sorted().find(({ summary }) => !summary.background)?.summary ?? null;
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
    const rows = sorted.slice(0, MAX_ROWS);
    for (const row of rows.filter(({ stale }) => stale)) this.#render(row);
    place(this.#list, rows.filter(({ summary }) => !summary.background));
    const background = rows.filter(({ summary }) => summary.background);
    place(this.#background, background);
    this.#background.parentElement.hidden = background.length === 0;
    this.#background.previousElementSibling.textContent = text("flows.background", { n: background.length });
    this.#none.hidden = this.#rows.size > background.length;
    this.#makeTabStops();
    this.#onDrawn();
  }

  /** Each list is one tab stop. The arrow keys move to its other rows. */
  #makeTabStops() {
    for (const list of [this.#list, this.#background]) {
      const links = [...list.querySelectorAll("a")];
      const stop = links.find((link) => link === document.activeElement) ?? links.find((link) => link.getAttribute("aria-current")) ?? links[0];
      for (const link of links) link.tabIndex = link === stop ? 0 : -1;
    }
  }

  #move(event) {
    const links = [...event.currentTarget.querySelectorAll("a")];
    const at = links.indexOf(document.activeElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: links.length - 1 }[event.key];
    if (!links[to]) return;
    links[to].focus();
    this.#makeTabStops();
    event.preventDefault();
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

/** Puts the rows into a list, in this order. */
function place(list, rows) {
  rows.forEach(({ item }, at) => {
    if (list.children[at] !== item) list.insertBefore(item, list.children[at] ?? null);
  });
}
