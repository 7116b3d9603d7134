// Exports of a flow: Mermaid, HTTP Archive, link.

import { el } from "./dom.js";
import { text } from "./texts.js";

/** Shows the export buttons for this flow. */
export function showExports(box, view, id) {
  if (box.dataset.of === id) return;
  [box.dataset.of, box.hidden, view.hidden] = [id, false, true];
  const status = el("span", { class: "small", role: "status", id: "export-status" });
  box.replaceChildren(
    el("button", { id: "export-mermaid", class: "quiet", click: () => mermaid(view, id) }, text("export.mermaid")),
    el("a", { id: "export-har", class: "button quiet", href: `/api/flows/${id}/har`, download: `gatepass-${id}.har` }, text("export.har")),
    el("button", { id: "export-link", class: "quiet", click: () => copy(link(id), status) }, text("export.link")),
    status);
}

/** Returns the address of the flow, with the step that the player shows. */
const link = (id) => new URL(`/flows/${id}${location.hash}`, location.href).href;

async function mermaid(view, id) {
  const response = await fetch(`/api/flows/${id}/mermaid`);
  const source = response.ok ? await response.text() : text("flow.gone");
  const status = el("span", { class: "small", role: "status" });
  view.replaceChildren(
    el("div", { class: "row" },
      el("button", { id: "mermaid-copy", class: "quiet", click: () => copy(source, status) }, text("export.copy")),
      el("button", { id: "mermaid-close", class: "quiet", click: () => { view.hidden = true; } }, text("export.close")),
      status),
    el("pre", { id: "mermaid-text", tabindex: 0 }, source));
  view.hidden = false;
}

/** Copies to the clipboard. If the browser forbids that, shows the text for manual copying. */
async function copy(content, status) {
  try {
    await navigator.clipboard.writeText(content);
    status.textContent = text("export.copied");
  } catch {
    status.textContent = content;
  }
}
