// The sequence diagram. Updates append lines; existing lines stay and keep the focus.

import { svg } from "./dom.js";
import { lineOf, stepMark } from "./messages.js";
import { party, text } from "./texts.js";

/** The lifelines, from left to right. */
const LANES = ["browser", "client", "authorization_server", "resource_server"];
const MIN_WIDTH = 560;
const HEADER_HEIGHT = 52;
const LINE_HEIGHTS = { request: 62, response: 36, failure: 36, decision: 26 };
const EDGE = 12;

const pen = document.createElement("canvas").getContext("2d");

export class Diagram {
  #box;
  #heads;
  #svg;
  #width = 0;
  #flow = null;
  #drawn = [];
  /** Keys of the selected and the focused line. Indexes change when earlier events arrive late. */
  #selected = null;
  #focused = null;
  #onSelect;

  constructor(box, onSelect) {
    [this.#box, this.#onSelect] = [box, onSelect];
    this.#heads = svg("svg", { class: "heads", height: HEADER_HEIGHT, "aria-hidden": true });
    this.#svg = svg("svg", { class: "lines", role: "group", keydown: (event) => this.#move(event) });
    box.append(this.#heads, this.#svg);
    new ResizeObserver(() => this.#fit()).observe(box);
  }

  /** Draws a state of a flow. */
  draw(flow) {
    if (this.#flow?.id !== flow.id) this.clear();
    this.#flow = flow;
    this.#box.hidden = false;
    this.#svg.setAttribute("aria-label", text("diagram.label"));
    this.#fit();
    this.#grow();
  }

  clear() {
    this.#removeFrom(0);
    [this.#flow, this.#selected, this.#focused] = [null, null, null];
    this.#box.hidden = true;
  }

  /** Returns the focus to the selected line. */
  focus() {
    this.#drawn[this.selected ?? 0]?.group.focus();
  }

  /** Returns the index of the selected line, or null. */
  get selected() {
    const at = this.#drawn.findIndex(({ key }) => key === this.#selected);
    return at < 0 ? null : at;
  }

  #fit() {
    const width = Math.max(MIN_WIDTH, Math.floor(this.#box.clientWidth));
    if (width === this.#width || !this.#flow) return;
    this.#width = width;
    this.#heads.setAttribute("width", width);
    this.#svg.setAttribute("width", width);
    this.#heads.replaceChildren(...LANES.map((lane) => this.#head(lane)));
    this.#removeFrom(0);
    this.#grow();
  }

  #x(lane) {
    const first = Math.max(70, this.#width * 0.105);
    return first + (LANES.indexOf(lane) * (this.#width - 2 * first)) / (LANES.length - 1);
  }

  #head(lane) {
    const [x, width] = [this.#x(lane), Math.min(140, this.#x(LANES[1]) - this.#x(LANES[0]) - 8)];
    return svg("g", { class: `head ${lane}` },
      svg("rect", { x: x - width / 2, y: 4, width, height: 42, rx: 10 }),
      svg("text", { x, y: 22, class: "letter" }, party(lane)),
      svg("text", { x, y: 38, class: "role" }, text(`role.${lane}`)));
  }

  #grow() {
    const { lines } = this.#flow;
    const keys = lines.map((line) => keyOf(this.#flow, line));
    const contents = lines.map((line, at) => `${keys[at]} ${contentOf(this.#flow, line)}`);
    const changed = contents.findIndex((content, at) => this.#drawn[at]?.content !== content);
    this.#removeFrom(changed < 0 ? contents.length : changed);
    let y = this.#drawn.at(-1)?.end ?? 10;
    for (let at = this.#drawn.length; at < lines.length; at += 1) {
      const height = LINE_HEIGHTS[lines[at].part.kind] + (this.#startsGroup(at) ? 6 : 0);
      const group = this.#line(at, keys[at], y + (this.#startsGroup(at) ? 6 : 0));
      this.#svg.append(group);
      y += height;
      this.#drawn.push({ content: contents[at], key: keys[at], group, end: y });
    }
    if (this.#focused) this.#drawn.find(({ key }) => key === this.#focused)?.group.focus();
    this.#focused = null;
    this.#finishHeight(y + 14);
  }

  /** Returns whether a run of notes begins or ends here. A gap separates runs. */
  #startsGroup(at) {
    const kind = (line) => line?.part.kind === "decision";
    const { lines } = this.#flow;
    return kind(lines[at]) !== kind(lines[at - 1]);
  }

  #finishHeight(height) {
    this.#svg.setAttribute("height", height);
    this.#svg.querySelector(".lanes")?.remove();
    this.#svg.prepend(svg("g", { class: "lanes", "aria-hidden": true },
      LANES.map((lane) => svg("line", { class: lane, x1: this.#x(lane), x2: this.#x(lane), y1: 0, y2: height }))));
    this.#makeTabStop(this.selected ?? 0);
  }

  #line(at, key, y) {
    const described = lineOf(this.#flow, this.#flow.lines[at]);
    const shape = described.kind === "decision" ? this.#note(described, y) : this.#arrow(described, y);
    const around = svg("rect", { class: "around", x: 3, y: y + 1, width: this.#width - 6, height: LINE_HEIGHTS[described.kind] - 2, rx: 6 });
    const group = svg("g", {
      class: `line ${described.verdict}`, role: "button", tabindex: -1, "data-line": at, "data-kind": described.kind, "data-verdict": described.verdict,
      "data-title": described.message.title || undefined, "data-check": described.decision?.rule, "data-passed": described.decision?.rule && String(described.decision.passed),
      "aria-label": described.label, "aria-pressed": String(key === this.#selected), click: () => this.#select(at),
    }, around, shape);
    return group;
  }

  #arrow(described, y) {
    const request = described.kind === "request";
    const [from, to] = [this.#x(described.from), this.#x(described.to)];
    const [line, right] = [y + (request ? 48 : 26), to > from];
    const tip = to + (right ? -9 : 9);
    const middle = (from + to) / 2;
    const mark = described.step && stepMark(described.step);
    const head = `${mark ? `${mark} ` : ""}${described.head}`;
    return [
      svg("line", { class: `stroke ${request ? "" : "back"}`, x1: from, x2: tip, y1: line, y2: line }),
      described.kind === "failure"
        ? svg("path", { class: "cross", d: `M${tip - 5} ${line - 5}l10 10m0-10l-10 10` })
        : svg("path", { class: "tip", d: `M${to} ${line}l${right ? -10 : 10}-5v10z` }),
      this.#label(head, middle, y + (request ? 20 : 18), "600 13px system-ui", request ? "label" : "label response"),
      request && this.#label(described.under, middle, y + 37, "11.5px monospace", "under"),
    ].filter(Boolean);
  }

  #note(described, y) {
    const label = shortened(`${described.mark ? `${described.mark} ` : ""}${described.head}`, "12.5px system-ui", 230);
    const width = Math.max(132, measured(label, "12.5px system-ui") + 24);
    const x = this.#within(this.#x(described.at), width);
    return [
      svg("rect", { class: "note", x: x - width / 2, y: y + 1.5, width, height: LINE_HEIGHTS.decision - 3, rx: 6 }),
      svg("text", { class: "noted", x, y: y + 17 }, label),
    ];
  }

  #label(label, middle, y, font, kind) {
    const fitting = shortened(label, font, this.#width - 2 * EDGE);
    return svg("text", { class: kind, x: this.#within(middle, measured(fitting, font)), y }, fitting);
  }

  /** Shifts the centre of an element of this width so that it fits into the diagram. */
  #within(middle, width) {
    const half = width / 2 + EDGE;
    return Math.max(half, Math.min(this.#width - half, middle));
  }

  #removeFrom(from) {
    for (const { group, key } of this.#drawn.splice(from)) {
      if (group === document.activeElement) this.#focused = key;
      group.remove();
    }
  }

  #select(at) {
    this.#drawn[this.selected]?.group.setAttribute("aria-pressed", "false");
    this.#selected = this.#drawn[at].key;
    this.#drawn[at].group.setAttribute("aria-pressed", "true");
    this.#makeTabStop(at);
    this.#onSelect(this.#flow, at);
  }

  /** Makes this line the only tab stop. The arrow keys move to the other lines. */
  #makeTabStop(at) {
    this.#svg.querySelector('[tabindex="0"]')?.setAttribute("tabindex", "-1");
    this.#drawn[at]?.group.setAttribute("tabindex", "0");
  }

  #move(event) {
    const at = Number(event.target.closest("[data-line]")?.dataset.line);
    const last = this.#drawn.length - 1;
    const to = { ArrowDown: at + 1, ArrowRight: at + 1, ArrowUp: at - 1, ArrowLeft: at - 1, Home: 0, End: last }[event.key];
    if (event.key === "Enter" || event.key === " ") this.#select(at);
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

/** Returns the content of a line, to detect changes. */
function contentOf(flow, line) {
  const { head, under, verdict } = lineOf(flow, line);
  return [head, under, verdict].join(" ");
}

function measured(label, font) {
  pen.font = font;
  return pen.measureText(label).width;
}

function shortened(label, font, width) {
  if (measured(label, font) <= width) return label;
  let kept = label;
  while (kept && measured(`${kept}…`, font) > width) kept = kept.slice(0, -1);
  return `${kept}…`;
}
