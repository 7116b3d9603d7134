// The sequence diagram. Updates append rows; existing rows stay and keep the focus.

import { svg } from "./dom.js";
import { lanesOf } from "./lanes.js";
import { isNote, lineOf, sentenceOf, stepMark } from "./messages.js";
import { carriedBy, holdingsAfter, isKey } from "./possession.js";
import { keyOfFold, rowsOf } from "./rows.js";
import { duration, text } from "./texts.js";
import { measured, shortened, shortenedPath, wrapped } from "./wrap.js";

const HEADER_HEIGHT = 66;
const TEXT_HEIGHT = 16;
/** The height of a row without its texts. */
const HEIGHTS = { request: 30, response: 20, failure: 20, decision: 26, fold: 32 };
/** What a key and a ticket look like, 14 by 10 pixels. */
const ICONS = {
  key: "M4 1a4 4 0 1 0 3.9 5H10v2h1.5v-2h1v2H14V4H7.9A4 4 0 0 0 4 1zm0 2.5a1.5 1.5 0 1 1 0 3 1.5 1.5 0 0 1 0-3z",
  ticket: "M0 0h14v3a2 2 0 0 0 0 4v3H0V7a2 2 0 0 0 0-4zm4 2v6h1V2zm3 1.5v1h5v-1zm0 2.5v1h4V6z",
};
const HOLDING_HEIGHT = 17;
/** The space between two lifelines, and beside the outer ones. */
const GAP = { min: 76, max: 280 };
/** Four lifelines fit a phone. More of them scroll, so that there is room for the words between them. */
const FITTING = 4, SCROLLING_GAP = 124;
const SIDE = { min: 40, max: 74 };
/** The space between a label and the lifelines beside it. */
const BESIDE = 7;
const EDGE = 4;
const FONTS = { label: "600 13px system-ui, sans-serif", under: "11.5px ui-monospace, monospace", noted: "12.5px system-ui, sans-serif", note: "650 12.5px system-ui, sans-serif", role: "11px system-ui, sans-serif", name: "700 14px system-ui, sans-serif" };
/** The fonts of a head that is too narrow for its words, as on a phone. */
const NARROW_FONTS = { role: "9px system-ui, sans-serif", name: "700 12px system-ui, sans-serif" };

export class Diagram {
  #box;
  #heads;
  #svg;
  #held;
  #width = 0;
  #flow = null;
  #lanes = [];
  #drawn = [];
  /** The keys of the folds that the reader has opened. */
  #opened = new Set();
  /** Keys of the selected and the focused row. Indexes change when earlier events arrive late. */
  #selected = null;
  #focused = null;
  /** The number of the step that the player shows, from 1. */
  #step = null;
  #onSelect;

  constructor(box, onSelect) {
    [this.#box, this.#onSelect] = [box, onSelect];
    this.#heads = svg("svg", { class: "heads", height: HEADER_HEIGHT, "aria-hidden": "true" });
    this.#svg = svg("svg", { class: "lines", role: "group", keydown: (event) => this.#move(event) });
    this.#held = svg("svg", { class: "held", role: "img" });
    box.append(this.#heads, this.#svg, this.#held);
    new ResizeObserver(() => this.#draw()).observe(box);
  }

  /** Draws a state of a flow. */
  draw(flow) {
    if (this.#flow?.id !== flow.id) this.clear();
    this.#flow = flow;
    this.#box.hidden = false;
    this.#svg.setAttribute("aria-label", text("diagram.label"));
    this.#draw();
  }

  clear() {
    this.#removeFrom(0);
    this.#opened.clear();
    [this.#flow, this.#selected, this.#focused, this.#step] = [null, null, null, null];
    this.#box.hidden = true;
  }

  /** Returns the focus to the selected line. */
  focus() {
    (this.#drawn.find(({ key }) => key === this.#selected) ?? this.#drawn[0])?.group.focus();
  }

  /** Ends the selection. */
  deselect() {
    this.#drawn.find(({ key }) => key === this.#selected)?.group.setAttribute("aria-pressed", "false");
    this.#selected = null;
  }

  /** Returns the index of the selected line, or null. */
  get selected() {
    return this.#drawn.find(({ key }) => key === this.#selected)?.at ?? null;
  }

  /** Returns the place of the selected line in the window. */
  get selectedPlace() {
    return this.#drawn.find(({ key }) => key === this.#selected)?.group.getBoundingClientRect();
  }

  /** The number of steps for the player: one for each row. */
  get count() {
    return this.#drawn.length;
  }

  /** Emphasizes a step and brings it into view, or ends the emphasis. */
  showStep(step) {
    this.#step = step;
    this.#emphasize();
    this.#showHeld();
    const smooth = !matchMedia("(prefers-reduced-motion: reduce)").matches;
    const group = this.#drawn[step - 1]?.group;
    group?.scrollIntoView({ block: "center", behavior: smooth ? "smooth" : "auto" });
    const icons = group?.querySelector(".carried");
    if (smooth && icons) icons.animate([{ transform: `translateX(${icons.dataset.from}px)` }, { transform: "none" }], { duration: 700, easing: "ease-in-out" });
  }

  /** The time of a step, in microseconds since the flow began. */
  timeOf(step) {
    return this.#flow.lines[this.#lineOf(step)].at_micros - this.#flow.began_micros;
  }

  /** The last line of a step: its own, or that of the last message of a fold. */
  #lineOf(step) {
    const { at, fold } = this.#drawn[step - 1];
    return fold ? this.#flow.lines.findLastIndex(({ message }) => fold.messages.includes(message)) : at;
  }

  /** Draws what each lifeline holds at the current step, or at the end. */
  #showHeld() {
    if (this.#drawn.length === 0) return;
    const last = this.#step ? this.#lineOf(Math.min(this.#step, this.#drawn.length)) : this.#flow.lines.length - 1;
    const held = holdingsAfter(this.#flow, last);
    const width = Math.min(150, this.#gap - 8);
    let most = 0;
    const said = [];
    const groups = this.#lanes.map((lane) => {
      const own = [...(held.get(lane.id)?.values() ?? [])];
      most = Math.max(most, own.length);
      const labels = own.map(({ kind, owner }) => text(`possession.${kind}`, { owner: owner.name }));
      if (own.length > 0) said.push(text("possession.holds", { who: lane.name, what: labels.join(text("list.and")) }));
      return own.map(({ kind, owner, leaked }, at) => {
        const label = shortened(labels[at], FONTS.role, width - 18);
        const x = Math.max(EDGE, this.#x(lane) - (measured(label, FONTS.role) + 18) / 2);
        return svg("g", { class: `holding ${leaked ? "leaked" : ""}`, "data-lane": lane.id, "data-kind": kind, "data-leaked": leaked ? "true" : undefined },
          svg("path", { class: owner.party, d: ICONS[isKey(kind) ? "key" : "ticket"], transform: `translate(${x} ${5 + HOLDING_HEIGHT * at})` }),
          svg("text", { x: x + 18, y: 14 + HOLDING_HEIGHT * at }, label));
      });
    });
    this.#held.setAttribute("width", this.#width);
    this.#held.setAttribute("height", most > 0 ? most * HOLDING_HEIGHT + 8 : 0);
    this.#held.setAttribute("aria-label", said.join(text("list.then")));
    this.#held.replaceChildren(...groups.flat());
  }

  /** Returns what happens in a step. */
  sentence(step) {
    const { at, label } = this.#drawn[step - 1];
    return label ?? sentenceOf(this.#flow, this.#flow.lines[at]);
  }

  #emphasize() {
    this.#svg.classList.toggle("stepping", this.#step !== null);
    this.#drawn.forEach(({ group }, at) => {
      group.classList.toggle("now", at + 1 === this.#step);
      if (at + 1 === this.#step) group.setAttribute("aria-current", "step");
      else group.removeAttribute("aria-current");
    });
  }

  #draw() {
    if (!this.#flow) return;
    const lanes = lanesOf(this.#flow);
    const least = 2 * SIDE.min + (lanes.length - 1) * (lanes.length > FITTING ? SCROLLING_GAP : GAP.min);
    const width = Math.max(least, Math.floor(this.#box.clientWidth));
    if (width !== this.#width || lanes.map(({ id }) => id).join() !== this.#lanes.map(({ id }) => id).join()) {
      [this.#width, this.#lanes] = [width, lanes];
      for (const part of [this.#heads, this.#svg]) part.setAttribute("width", width);
      this.#heads.replaceChildren(...lanes.map((lane) => this.#head(lane)));
      this.#removeFrom(0);
    }
    this.#grow();
  }

  get #gap() {
    const gaps = Math.max(1, this.#lanes.length - 1);
    const side = Math.min(SIDE.max, Math.max(SIDE.min, this.#width * 0.09));
    return Math.min(GAP.max, (this.#width - 2 * side) / gaps);
  }

  #x({ id }) {
    const at = this.#lanes.findIndex((lane) => lane.id === id);
    return this.#width / 2 + (at - (this.#lanes.length - 1) / 2) * this.#gap;
  }

  #head(lane) {
    const [x, width] = [this.#x(lane), Math.min(150, this.#gap - 8, 2 * this.#x(this.#lanes[0]) - 2 * EDGE)];
    const isNarrow = [[lane.name, FONTS.name], ...lane.role.split(" ").map((word) => [word, FONTS.role])]
      .some(([word, font]) => measured(word, font) > width - 6);
    const fonts = isNarrow ? NARROW_FONTS : FONTS;
    const roles = wrapped(lane.role, fonts.role, width - 6, 2);
    return svg("g", { class: `head ${lane.party} ${lane.kind} ${isNarrow ? "narrow" : ""}`, "data-lane": lane.id },
      svg("rect", { x: x - width / 2, y: 3, width, height: HEADER_HEIGHT - 8, rx: 10 }),
      svg("text", { x, y: 22, class: "letter" }, shortened(lane.name, fonts.name, width - 6)),
      roles.map((line, at) => svg("text", { x, y: (roles.length > 1 ? 37 : 42) + 13 * at, class: "role" }, line)));
  }

  #grow() {
    const rows = rowsOf(this.#flow, (fold) => this.#isOpen(fold)).map((row) => this.#describe(row));
    const changed = rows.findIndex((row, at) => this.#drawn[at]?.content !== row.content);
    this.#removeFrom(changed < 0 ? rows.length : changed);
    let y = this.#drawn.at(-1)?.end ?? 10;
    for (let at = this.#drawn.length; at < rows.length; at += 1) {
      const row = rows[at];
      // A gap separates runs of notes from arrows.
      if (at > 0 && isNote(row.kind) !== isNote(rows[at - 1].kind)) y += 6;
      const { group, height } = row.fold ? this.#fold(row, y) : this.#line(row, y);
      this.#svg.append(group);
      y += height;
      this.#drawn.push({ ...row, group, end: y });
    }
    if (this.#focused) this.#drawn.find(({ key }) => key === this.#focused)?.group.focus();
    this.#focused = null;
    this.#emphasize();
    this.#finishHeight(y + 14);
    this.#showHeld();
  }

  /** A fold is open if the reader has opened it, or selected a line in it before it folded. */
  #isOpen(fold) {
    if (this.#opened.has(keyOfFold(this.#flow, fold))) return true;
    return this.#flow.lines.some((line) => fold.messages.includes(line.message) && keyOf(this.#flow, line) === this.#selected);
  }

  #describe({ fold, at }) {
    if (fold) {
      const [open, n] = [this.#isOpen(fold), fold.count];
      const label = text(`fold.${fold.kind}`, { n, time: duration(fold.elapsed_micros) });
      return { fold, kind: "fold", open, label, key: keyOfFold(this.#flow, fold), content: `${open} ${label}` };
    }
    const line = this.#flow.lines[at];
    const { head, under, verdict, kind, number } = lineOf(this.#flow, line);
    const key = keyOf(this.#flow, line);
    return { at, kind, key, content: [key, at, head, under, verdict, number].join(" ") };
  }

  #finishHeight(height) {
    this.#svg.setAttribute("height", height);
    this.#svg.querySelector(".lanes")?.remove();
    this.#svg.prepend(svg("g", { class: "lanes", "aria-hidden": "true" },
      this.#lanes.map((lane) => svg("line", { class: `${lane.party} ${lane.kind}`, x1: this.#x(lane), x2: this.#x(lane), y1: 0, y2: height }))));
    this.#makeTabStop(Math.max(0, this.#drawn.findIndex(({ key }) => key === this.#selected)));
  }

  #line({ at, key }, y) {
    const described = lineOf(this.#flow, this.#flow.lines[at]);
    const { height, shapes } = isNote(described.kind) ? this.#note(described, y) : this.#arrow(described, y);
    const around = svg("rect", { class: "around", x: 3, y: y + 1, width: this.#width - 6, height: height - 2, rx: 6 });
    const group = svg("g", {
      class: `line ${described.verdict}`, role: "button", tabindex: -1, "data-line": at, "data-kind": described.kind, "data-verdict": described.verdict,
      "data-title": described.message.title || undefined, "data-check": described.decision?.rule, "data-passed": described.decision?.rule && String(described.decision.passed),
      "data-number": described.number ?? undefined, "aria-label": described.label, "aria-pressed": String(key === this.#selected),
      click: () => this.#press(this.#drawn.find((row) => row.key === key)),
    }, svg("title", {}, described.label), around, shapes);
    return { group, height };
  }

  #fold({ fold, open, label, key }, y) {
    const shown = shortened(`${open ? "▾" : "▸"} ${label}`, FONTS.noted, this.#width - 32);
    const width = measured(shown, FONTS.noted) + 24;
    const group = svg("g", {
      class: "line fold", role: "button", tabindex: -1, "data-fold": fold.kind, "aria-expanded": String(open), "aria-label": label,
      click: () => this.#press(this.#drawn.find((row) => row.key === key)),
    },
    svg("rect", { class: "around", x: 3, y: y + 1, width: this.#width - 6, height: HEIGHTS.fold - 2, rx: 6 }),
    svg("rect", { class: "note", x: (this.#width - width) / 2, y: y + 4, width, height: HEIGHTS.fold - 8, rx: 12 }),
    svg("text", { class: "noted", x: this.#width / 2, y: y + 20 }, shown));
    return { group, height: HEIGHTS.fold };
  }

  /** Draws an arrow. Its label is in the gap beside the sender, so that it crosses no lifeline. */
  #arrow({ message, kind, from, to, number, head, under }, y) {
    const [start, end] = [this.#x(from), this.#x(to)];
    const right = end > start;
    const room = this.#gap - 2 * BESIDE;
    const middle = start + (right ? 1 : -1) * this.#gap / 2;
    const lines = wrapped(`${number ? `${stepMark(number)} ` : ""}${head}`, FONTS.label, room, 4);
    const line = y + HEIGHTS[kind] - 8 + TEXT_HEIGHT * (lines.length + (under ? 1 : 0));
    const tip = end + (right ? -9 : 9);
    const shapes = [
      svg("line", { class: `stroke ${kind === "request" ? "" : "back"}`, x1: start, x2: tip, y1: line, y2: line }),
      kind === "failure"
        ? svg("path", { class: "cross", d: `M${tip - 5} ${line - 5}l10 10m0-10l-10 10` })
        : svg("path", { class: "tip", d: `M${end} ${line}l${right ? -10 : 10}-5v10z` }),
      this.#carried(carriedBy(message, kind), start, end, line),
      lines.map((content, at) => svg("text", { class: kind === "request" ? "label" : "label response", x: middle, y: y + 17 + TEXT_HEIGHT * at }, content)),
      under && svg("text", { class: "under", x: middle, y: y + 16 + TEXT_HEIGHT * lines.length }, shortenedPath(under, FONTS.under, room)),
    ];
    return { shapes, height: line - y + 8 };
  }

  /** Draws a key for a secret on an arrow, and a ticket for a token. */
  #carried(kinds, start, end, y) {
    const icons = [...new Set(kinds.map((kind) => (isKey(kind) ? "key" : "ticket")))];
    if (icons.length === 0) return null;
    const toward = Math.sign(end - start);
    const x = end - toward * (26 + 11 * (icons.length - 1));
    return svg("g", { class: "carried", "data-from": start - x },
      svg("rect", { x: x - 11 * icons.length, y: y - 9, width: 22 * icons.length, height: 18, rx: 9 }),
      icons.map((icon, at) => svg("path", { "data-icon": icon, d: ICONS[icon], transform: `translate(${x - 7 + 20 * (at - (icons.length - 1) / 2)} ${y - 5})` })));
  }

  #note({ at, mark, number, head }, y) {
    const content = [number ? stepMark(number) : "", mark, head].filter(Boolean).join(" ");
    const beside = Math.min(this.#x(at), this.#width - this.#x(at)) - EDGE;
    const lines = wrapped(content, FONTS.note, Math.min(230, 2 * (this.#gap - BESIDE), this.#gap + beside - BESIDE) - 20, 2);
    const width = Math.max(...lines.map((line) => measured(line, FONTS.note))) + 20;
    const height = HEIGHTS.decision + TEXT_HEIGHT * (lines.length - 1);
    const x = Math.max(width / 2 + EDGE, Math.min(this.#width - width / 2 - EDGE, this.#x(at)));
    const shapes = [
      svg("rect", { class: "note", x: x - width / 2, y: y + 1.5, width, height: height - 3, rx: 6 }),
      lines.map((line, at) => svg("text", { class: "noted", x, y: y + 17 + TEXT_HEIGHT * at }, line)),
    ];
    return { shapes, height };
  }

  #removeFrom(from) {
    for (const { group, key } of this.#drawn.splice(from)) {
      if (group === document.activeElement) this.#focused = key;
      group.remove();
    }
  }

  #press({ fold, at, key }) {
    if (fold) {
      if (!this.#opened.delete(key)) this.#opened.add(key);
      this.#focused = key;
      return this.#grow();
    }
    this.deselect();
    const row = this.#drawn.findIndex((drawn) => drawn.key === key);
    this.#selected = key;
    this.#drawn[row].group.setAttribute("aria-pressed", "true");
    this.#makeTabStop(row);
    this.#onSelect(this.#flow, at);
  }

  /** Makes this row the only tab stop. The arrow keys move to the other rows. */
  #makeTabStop(row) {
    this.#svg.querySelector('[tabindex="0"]')?.setAttribute("tabindex", "-1");
    this.#drawn[row]?.group.setAttribute("tabindex", "0");
  }

  #move(event) {
    const row = this.#drawn.findIndex(({ group }) => group.contains(event.target));
    const last = this.#drawn.length - 1;
    const to = { ArrowDown: row + 1, ArrowRight: row + 1, ArrowUp: row - 1, ArrowLeft: row - 1, Home: 0, End: last }[event.key];
    if (event.key === "Enter" || event.key === " ") this.#press(this.#drawn[row]);
    else if (to === undefined) return;
    else if (this.#drawn[to]) {
      this.#makeTabStop(to);
      this.#drawn[to].group.focus();
    }
    event.preventDefault();
  }
}

/** Returns a key that identifies a line independently of its index. */
function keyOf(flow, { message, part }) {
  const { sent_micros: sent, from, to, method, url } = flow.messages[message];
  return [sent, from, to, method, url, part.kind, part.index ?? ""].join(" ");
}
