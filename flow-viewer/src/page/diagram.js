// The sequence diagram. It grows at its end as the flow does; what is drawn already stays, and keeps the focus.

import { svg } from "./dom.js";
import { lineOf, stepMark } from "./say.js";
import { party, text } from "./texts.js";

/** From left to right. */
const LANES = ["browser", "client", "authorization_server", "resource_server"];
const LEAST_WIDTH = 560;
const HEADS = 52;
const HEIGHTS = { request: 62, answer: 36, failure: 36, fact: 26 };
const EDGE = 12;

const pen = document.createElement("canvas").getContext("2d");

export class Diagram {
  #box;
  #heads;
  #picture;
  #width = 0;
  #flow = null;
  #drawn = [];
  /** The names of the lines that are shown and that have the focus: their numbers change when more is heard of the flow. */
  #chosen = null;
  #focused = null;
  #press;

  constructor(box, press) {
    [this.#box, this.#press] = [box, press];
    this.#heads = svg("svg", { class: "heads", height: HEADS, "aria-hidden": true });
    this.#picture = svg("svg", { class: "lines", role: "group", keydown: (event) => this.#move(event) });
    box.append(this.#heads, this.#picture);
    new ResizeObserver(() => this.#fit()).observe(box);
  }

  /** Draw this state of a flow. */
  draw(flow) {
    if (this.#flow?.id !== flow.id) this.clear();
    this.#flow = flow;
    this.#box.hidden = false;
    this.#picture.setAttribute("aria-label", text("diagram.label"));
    this.#fit();
    this.#grow();
  }

  clear() {
    this.#forget(0);
    [this.#flow, this.#chosen, this.#focused] = [null, null, null];
    this.#box.hidden = true;
  }

  /** Go back to the line that is shown. */
  focus() {
    this.#drawn[this.chosen ?? 0]?.group.focus();
  }

  /** The number of the line that is shown. */
  get chosen() {
    const at = this.#drawn.findIndex(({ name }) => name === this.#chosen);
    return at < 0 ? null : at;
  }

  #fit() {
    const width = Math.max(LEAST_WIDTH, Math.floor(this.#box.clientWidth));
    if (width === this.#width || !this.#flow) return;
    this.#width = width;
    this.#heads.setAttribute("width", width);
    this.#picture.setAttribute("width", width);
    this.#heads.replaceChildren(...LANES.map((lane) => this.#head(lane)));
    this.#forget(0);
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
    const names = lines.map((line) => nameOf(this.#flow, line));
    const keys = lines.map((line, at) => `${names[at]} ${said(this.#flow, line)}`);
    const same = keys.findIndex((key, at) => this.#drawn[at]?.key !== key);
    this.#forget(same < 0 ? keys.length : same);
    let y = this.#drawn.at(-1)?.end ?? 10;
    for (let at = this.#drawn.length; at < lines.length; at += 1) {
      const height = HEIGHTS[lines[at].part.kind] + (this.#begins(at) ? 6 : 0);
      const group = this.#line(at, names[at], y + (this.#begins(at) ? 6 : 0));
      this.#picture.append(group);
      y += height;
      this.#drawn.push({ key: keys[at], name: names[at], group, end: y });
    }
    if (this.#focused) this.#drawn.find(({ name }) => name === this.#focused)?.group.focus();
    this.#focused = null;
    this.#finish(y + 14);
  }

  /** Notes stand close together, and apart from what is around them. */
  #begins(at) {
    const kind = (line) => line?.part.kind === "fact";
    const { lines } = this.#flow;
    return kind(lines[at]) !== kind(lines[at - 1]);
  }

  #finish(height) {
    this.#picture.setAttribute("height", height);
    this.#picture.querySelector(".lanes")?.remove();
    this.#picture.prepend(svg("g", { class: "lanes", "aria-hidden": true },
      LANES.map((lane) => svg("line", { class: lane, x1: this.#x(lane), x2: this.#x(lane), y1: 0, y2: height }))));
    this.#reach(this.chosen ?? 0);
  }

  #line(at, name, y) {
    const said = lineOf(this.#flow, this.#flow.lines[at]);
    const shape = said.kind === "fact" ? this.#note(said, y) : this.#arrow(said, y);
    const around = svg("rect", { class: "around", x: 3, y: y + 1, width: this.#width - 6, height: HEIGHTS[said.kind] - 2, rx: 6 });
    const group = svg("g", {
      class: `line ${said.verdict}`, role: "button", tabindex: -1, "data-line": at, "data-kind": said.kind, "data-verdict": said.verdict,
      "data-title": said.message.title || undefined, "data-check": said.fact?.rule, "data-passed": said.fact?.rule && String(said.fact.passed),
      "aria-label": said.aloud, "aria-pressed": String(name === this.#chosen), click: () => this.#choose(at),
    }, around, shape);
    return group;
  }

  #arrow(said, y) {
    const request = said.kind === "request";
    const [from, to] = [this.#x(said.from), this.#x(said.to)];
    const [line, right] = [y + (request ? 48 : 26), to > from];
    const tip = to + (right ? -9 : 9);
    const middle = (from + to) / 2;
    const mark = said.step && stepMark(said.step);
    const head = `${mark ? `${mark} ` : ""}${said.head}`;
    return [
      svg("line", { class: `stroke ${request ? "" : "back"}`, x1: from, x2: tip, y1: line, y2: line }),
      said.kind === "failure"
        ? svg("path", { class: "cross", d: `M${tip - 5} ${line - 5}l10 10m0-10l-10 10` })
        : svg("path", { class: "tip", d: `M${to} ${line}l${right ? -10 : 10}-5v10z` }),
      this.#label(head, middle, y + (request ? 20 : 18), "600 13px system-ui", request ? "label" : "label said"),
      request && this.#label(said.under, middle, y + 37, "11.5px monospace", "under"),
    ].filter(Boolean);
  }

  #note(said, y) {
    const words = shortened(`${said.mark ? `${said.mark} ` : ""}${said.head}`, "12.5px system-ui", 230);
    const width = Math.max(132, measured(words, "12.5px system-ui") + 24);
    const x = this.#within(this.#x(said.at), width);
    return [
      svg("rect", { class: "note", x: x - width / 2, y: y + 1.5, width, height: HEIGHTS.fact - 3, rx: 6 }),
      svg("text", { class: "noted", x, y: y + 17 }, words),
    ];
  }

  #label(words, middle, y, font, kind) {
    const fitting = shortened(words, font, this.#width - 2 * EDGE);
    return svg("text", { class: kind, x: this.#within(middle, measured(fitting, font)), y }, fitting);
  }

  /** Where the middle of something so wide has to be, for all of it to be seen. */
  #within(middle, width) {
    const half = width / 2 + EDGE;
    return Math.max(half, Math.min(this.#width - half, middle));
  }

  #forget(from) {
    for (const { group, name } of this.#drawn.splice(from)) {
      if (group === document.activeElement) this.#focused = name;
      group.remove();
    }
  }

  #choose(at) {
    this.#drawn[this.chosen]?.group.setAttribute("aria-pressed", "false");
    this.#chosen = this.#drawn[at].name;
    this.#drawn[at].group.setAttribute("aria-pressed", "true");
    this.#reach(at);
    this.#press(this.#flow, at);
  }

  /** Tab leads to this line alone; from there the arrow keys go on. */
  #reach(at) {
    this.#picture.querySelector('[tabindex="0"]')?.setAttribute("tabindex", "-1");
    this.#drawn[at]?.group.setAttribute("tabindex", "0");
  }

  #move(event) {
    const at = Number(event.target.closest("[data-line]")?.dataset.line);
    const last = this.#drawn.length - 1;
    const to = { ArrowDown: at + 1, ArrowRight: at + 1, ArrowUp: at - 1, ArrowLeft: at - 1, Home: 0, End: last }[event.key];
    if (event.key === "Enter" || event.key === " ") this.#choose(at);
    else if (to === undefined) return;
    else if (this.#drawn[to]) {
      this.#reach(to);
      this.#drawn[to].group.focus();
    }
    event.preventDefault();
  }
}

/** What a line is called, whatever comes before it. */
function nameOf(flow, { message, part }) {
  const { sent_micros: sent, from, to, method, url } = flow.messages[message];
  return [sent, from, to, method, url, part.kind, part.index ?? ""].join(" ");
}

/** What a line shows, to tell whether it has to be drawn anew. */
function said(flow, line) {
  const { head, under, verdict } = lineOf(flow, line);
  return [head, under, verdict].join(" ");
}

function measured(words, font) {
  pen.font = font;
  return pen.measureText(words).width;
}

function shortened(words, font, width) {
  if (measured(words, font) <= width) return words;
  let kept = words;
  while (kept && measured(`${kept}…`, font) > width) kept = kept.slice(0, -1);
  return `${kept}…`;
}
