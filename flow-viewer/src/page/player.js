// Steps through the rows of a flow, with one sentence for each.

import { el, fill } from "./dom.js";
import { duration, text } from "./texts.js";

/** A slow replay takes this many times as long as the flow did, but leaves time to read each step. */
const SLOWER = 300;
const STEP_MILLIS = { min: 1500, max: 5000 };

export class Player {
  #box;
  #diagram;
  #moved;
  /** The number of the current step, from 1; null if the player is off. */
  #step = null;
  /** The timer of the slow replay; null if it does not run. */
  #replay = null;

  /** `moved` is called with the number of the step, or with null at the end. */
  constructor(box, diagram, moved) {
    [this.#box, this.#diagram, this.#moved] = [box, diagram, moved];
    document.addEventListener("keydown", (event) => this.#key(event));
  }

  get isOn() {
    return this.#step !== null;
  }

  /** Offers the player for a flow, or shows a new state of it. */
  refresh() {
    this.#box.hidden = this.#diagram.count === 0;
    if (this.isOn) this.#show();
    else this.#offer();
  }

  /** Shows a step, and ends a replay. */
  go(step) {
    this.#pause();
    this.#goTo(step);
  }

  #goTo(step) {
    if (this.#diagram.count === 0) return;
    this.#step = Math.max(1, Math.min(this.#diagram.count, step));
    this.#show();
    this.#diagram.showStep(this.#step);
    this.#moved(this.#step);
  }

  /** Ends the player. */
  stop() {
    if (!this.isOn) return;
    this.reset();
    this.#moved(null);
  }

  /** Switches the player off, because another flow is opened. */
  reset() {
    this.#pause();
    this.#step = null;
    this.#diagram.showStep(null);
    this.#offer();
  }

  #offer() {
    if (document.getElementById("player-start")) return;
    fill(this.#box,
      el("button", { id: "player-start", class: "quiet", click: () => this.#begin() }, `▶ ${text("player.start")}`),
      el("button", { id: "player-slow", class: "quiet", click: () => { this.#begin(); this.#play(); } }, text("player.slow")));
  }

  /** Goes on by itself, as slowly as the flow allows: a step waits as long as it really took, scaled. */
  #play() {
    const { count } = this.#diagram;
    if (this.#step === count) this.#goTo(1);
    const gap = (this.#diagram.timeOf(this.#step + 1) - this.#diagram.timeOf(this.#step)) * SLOWER / 1000;
    this.#replay = setTimeout(() => {
      this.#goTo(this.#step + 1);
      if (this.#step < this.#diagram.count) this.#play();
      else this.#pause();
    }, Math.max(STEP_MILLIS.min, Math.min(STEP_MILLIS.max, gap)));
    this.#label();
  }

  #pause() {
    clearTimeout(this.#replay);
    this.#replay = null;
    this.#label();
  }

  #label() {
    const button = document.getElementById("player-replay");
    if (button) button.textContent = text(this.#replay === null ? "player.slow" : "player.pause");
  }

  #begin() {
    this.go(1);
    document.getElementById("player-next").focus();
  }

  #show() {
    if (!document.getElementById("player-sentence")) {
      fill(this.#box,
        el("button", { id: "player-back", "aria-label": text("player.back"), click: () => this.go(this.#step - 1) }, "◀"),
        el("button", { id: "player-next", "aria-label": text("player.next"), click: () => this.go(this.#step + 1) }, "▶"),
        el("button", { id: "player-replay", class: "quiet", click: () => (this.#replay === null ? this.#play() : this.#pause()) }),
        el("p", { id: "player-sentence", "aria-live": "polite" }),
        el("button", { id: "player-end", class: "quiet", click: () => this.stop() }, `✕ ${text("player.end")}`));
    }
    this.#label();
    const { count } = this.#diagram;
    const position = text("player.position", { n: this.#step, all: count, time: duration(this.#diagram.timeOf(this.#step)) });
    const sentence = `${position} ${this.#diagram.sentence(this.#step)}`;
    const shown = document.getElementById("player-sentence");
    if (shown.textContent !== sentence) shown.textContent = sentence;
    for (const [id, isLast] of [["player-back", this.#step === 1], ["player-next", this.#step === count]]) {
      document.getElementById(id).toggleAttribute("disabled", isLast);
    }
  }

  /** The arrow keys step, except where they already move the focus. */
  #key(event) {
    if (!this.isOn || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("#diagram, #flows, #background-flows, #detail")) return;
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!by) return;
    this.go(this.#step + by);
    event.preventDefault();
  }
}
