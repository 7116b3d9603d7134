// What changes on the server, as it changes; a page that nobody looks at asks for nothing.

const AGAIN_MILLIS = 2000;

/** Tell `took` of each list of flows that have changed, and `state` whether somebody listens. */
export function listen(took, state) {
  let source = null;

  function open() {
    if (source || document.hidden) return;
    source = new EventSource("/api/live");
    source.addEventListener("open", () => state("on"));
    source.addEventListener("flows", (event) => took(JSON.parse(event.data)));
    source.addEventListener("error", () => {
      state("away");
      // A browser connects again by itself, but not after a refusal.
      if (source?.readyState === EventSource.CLOSED) {
        close();
        setTimeout(open, AGAIN_MILLIS);
      }
    });
  }

  function close() {
    source?.close();
    source = null;
  }

  document.addEventListener("visibilitychange", () => {
    if (document.hidden) {
      close();
      state("paused");
    } else {
      open();
    }
  });
  open();
}
