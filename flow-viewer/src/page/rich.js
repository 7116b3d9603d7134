// Texts with links to the glossary, emphasis and code.

import { el } from "./dom.js";

const PARTS = /\[([^\]]+)\]\(#([a-z-]+)\)|\*([^*]+)\*|`([^`]+)`/g;

/** Returns the nodes of a text: `[term](#entry)` becomes a link to the glossary. */
export function rich(content) {
  const nodes = [];
  let at = 0;
  for (const found of content.matchAll(PARTS)) {
    const [whole, term, entry, emphasis, code] = found;
    nodes.push(content.slice(at, found.index));
    if (term) nodes.push(el("a", { href: `/#${entry}`, class: "term", "data-view": true }, term));
    else nodes.push(emphasis ? el("em", {}, emphasis) : el("code", {}, code));
    at = found.index + whole.length;
  }
  return [...nodes, content.slice(at)];
}
