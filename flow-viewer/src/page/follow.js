// Follows new flows until the reader presses something, and counts them from then on.

export class Follow {
  #button;
  #label;
  #isOn = true;
  /** Whether the page has listed the flows that were there before it. */
  #hasBegun = false;
  /** The flows that the page has listed. */
  #known = new Set();
  /** The flows that arrived while the reader was looking at another one. */
  #unseen = new Set();

  /** `label` returns the text of the button for a number of flows. */
  constructor(button, label) {
    [this.#button, this.#label] = [button, label];
  }

  get isOn() {
    return this.#isOn;
  }

  /** Follows new flows. */
  start() {
    this.#isOn = true;
    this.#unseen.clear();
    this.#show();
  }

  /** Stays at what the reader has chosen. */
  stop() {
    this.#isOn = false;
  }

  /** Notes changed flows, of which one may be open. Returns whether another one is new. */
  note(summaries, openId) {
    const fresh = summaries.filter(({ id, background }) => !background && id !== openId && !this.#known.has(id));
    for (const { id } of summaries) this.#known.add(id);
    if (!this.#isOn && this.#hasBegun) for (const { id } of fresh) this.#unseen.add(id);
    this.#hasBegun = true;
    this.#show();
    return fresh.length > 0;
  }

  /** Forgets flows that are open or no longer listed. */
  forget(ids) {
    for (const id of ids) this.#unseen.delete(id);
    this.#show();
  }

  #show() {
    this.#button.hidden = this.#isOn || this.#unseen.size === 0;
    this.#button.textContent = this.#label(this.#unseen.size);
  }
}
