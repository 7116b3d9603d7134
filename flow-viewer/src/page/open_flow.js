// The open flow: fetched again when it changes, at a bounded rate.

const FETCH_INTERVAL_MILLIS = 250;

export class OpenFlow {
  id = null;
  #onFlow;
  #onGone;
  #fetching = false;
  #stale = false;

  /** `onFlow` is called with each new state, `onGone` if the server no longer stores the flow. */
  constructor(onFlow, onGone) {
    [this.#onFlow, this.#onGone] = [onFlow, onGone];
  }

  open(id) {
    this.id = id;
    return this.#fetch(id);
  }

  /** Fetches the flow, because it has changed or may have. */
  async refresh() {
    this.#stale = true;
    if (this.#fetching) return;
    this.#fetching = true;
    while (this.#stale && this.id) {
      this.#stale = false;
      await this.#fetch(this.id);
      await new Promise((resolve) => setTimeout(resolve, FETCH_INTERVAL_MILLIS));
    }
    this.#fetching = false;
  }

  async #fetch(id) {
    try {
      const response = await fetch(`/api/flows/${id}`);
      if (id !== this.id) return;
      if (response.status === 404) this.#onGone(id);
      else if (response.ok) this.#onFlow(id, await response.json());
    } catch {
      // The server is unreachable. `live.js` shows that, and its first update after the
      // reconnection refreshes the flow.
    }
  }
}
