// Elements from plain data. Texts go in as texts: nothing that a message carries is ever read as markup.

const SVG = "http://www.w3.org/2000/svg";

/** An HTML element. Functions among the attributes listen to the event of their name. */
export function el(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

/** The same of SVG. */
export function svg(name, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") {
      element.addEventListener(name, value);
    } else if (value !== undefined && value !== null && value !== false) {
      element.setAttribute(name, value === true ? "" : value);
    }
  }
  element.append(...shown(children));
  return element;
}

/** Put these into an element, and nothing else. */
export function fill(element, ...children) {
  element.replaceChildren(...shown(children));
}

/** What is not there is left out. */
const shown = (children) => children.flat(Infinity).filter((child) => child !== undefined && child !== null && child !== false);

/** A link that leads out of this page. */
export function outside(href, ...children) {
  return el("a", { href, target: "_blank", rel: "noopener noreferrer" }, ...children);
}

export const byId = (id) => document.getElementById(id);
