// The flow that is open: fetched when it has changed, and never more often than it can be looked at.

const PAUSE_MILLIS = 250;

export class OpenFlow {
  id = null;
  #draw;
  #gone;
  #asking = false;
  #changed = false;

  /** `draw` is told of each new state, `gone` of a flow that has made room for others. */
  constructor(draw, gone) {
    [this.#draw, this.#gone] = [draw, gone];
  }

  open(id) {
    this.id = id;
    return this.#fetch(id);
  }

  /** It has changed, or may have. */
  async changed() {
    this.#changed = true;
    if (this.#asking) return;
    this.#asking = true;
    while (this.#changed && this.id) {
      this.#changed = false;
      await this.#fetch(this.id);
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MILLIS));
    }
    this.#asking = false;
  }

  async #fetch(id) {
    try {
      const answer = await fetch(`/api/flows/${id}`);
      if (id !== this.id) return;
      if (answer.status === 404) this.#gone(id);
      else if (answer.ok) this.#draw(id, await answer.json());
    } catch {
      // The server is away: `live.js` says so, and its first list afterwards brings the flow again.
    }
  }
}
