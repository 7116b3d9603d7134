// A flow for elsewhere: as Mermaid, as an HTTP Archive, as a link.

import { el } from "./dom.js";
import { text } from "./texts.js";

/** The three ways out of this flow. */
export function offer(box, view, id) {
  if (box.dataset.of === id) return;
  [box.dataset.of, box.hidden, view.hidden] = [id, false, true];
  const said = el("span", { class: "small", role: "status", id: "export-said" });
  box.replaceChildren(
    el("button", { id: "export-mermaid", class: "quiet", click: () => mermaid(view, id) }, text("export.mermaid")),
    el("a", { id: "export-har", class: "button quiet", href: `/api/flows/${id}/har`, download: `gatepass-${id}.har` }, text("export.har")),
    el("button", { id: "export-link", class: "quiet", click: () => copy(link(id), said) }, text("export.link")),
    said);
}

const link = (id) => new URL(`/flows/${id}`, location.href).href;

async function mermaid(view, id) {
  const answer = await fetch(`/api/flows/${id}/mermaid`);
  const source = answer.ok ? await answer.text() : text("flow.gone");
  const said = el("span", { class: "small", role: "status" });
  view.replaceChildren(
    el("div", { class: "row" },
      el("button", { id: "mermaid-copy", class: "quiet", click: () => copy(source, said) }, text("export.copy")),
      el("button", { id: "mermaid-close", class: "quiet", click: () => { view.hidden = true; } }, text("export.close")),
      said),
    el("pre", { id: "mermaid-text", tabindex: 0 }, source));
  view.hidden = false;
}

/** To the clipboard; where the browser forbids that, onto the page, to be copied by hand. */
async function copy(words, said) {
  try {
    await navigator.clipboard.writeText(words);
    said.textContent = text("export.copied");
  } catch {
    said.textContent = words;
  }
}
