// Builds elements from plain data. Texts are inserted as text nodes, so that values from messages
// are never parsed as markup.

const SVG = "http://www.w3.org/2000/svg";

/** Creates an HTML element. Attributes that are functions become event listeners. */
export function el(name, attributes = {}, ...children) {
  return build(document.createElement(name), attributes, children);
}

/** Creates an SVG element. */
export function svg(name, attributes = {}, ...children) {
  return build(document.createElementNS(SVG, name), attributes, children);
}

function build(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") {
      element.addEventListener(name, value);
    } else if (value !== undefined && value !== null && value !== false) {
      element.setAttribute(name, value === true ? "" : value);
    }
  }
  element.append(...present(children));
  return element;
}

/** Replaces the content of an element. */
export function fill(element, ...children) {
  element.replaceChildren(...present(children));
}

/** Returns the children without undefined, null and false. */
const present = (children) => children.flat(Infinity).filter((child) => child !== undefined && child !== null && child !== false);

/** Creates a link that opens in a new tab. */
export function outside(href, ...children) {
  return el("a", { href, target: "_blank", rel: "noopener noreferrer" }, ...children);
}

export const byId = (id) => document.getElementById(id);
