// The live stream of changed flows. A hidden page disconnects.

const RECONNECT_MILLIS = 2000;

/** Calls `onFlows` with each list of changed flows, and `onState` with `on`, `away` or `paused`. */
export function listen(onFlows, onState) {
  let source = null;

  function open() {
    if (source || document.hidden) return;
    source = new EventSource("/api/live");
    source.addEventListener("open", () => onState("on"));
    source.addEventListener("flows", (event) => onFlows(JSON.parse(event.data)));
    source.addEventListener("error", () => {
      onState("away");
      // The browser reconnects by itself, but not after an HTTP error.
      if (source?.readyState === EventSource.CLOSED) {
        close();
        setTimeout(open, RECONNECT_MILLIS);
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
      onState("paused");
    } else {
      open();
    }
  });
  open();
}
