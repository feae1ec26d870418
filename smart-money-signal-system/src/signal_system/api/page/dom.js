// Builds elements. Text goes in as text, so nothing that came over the wire is ever read as HTML.

export const $ = (selector, root = document) => root.querySelector(selector);

export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

// Writing what is there already would make a screen reader speak and the browser lay out again.
export function text(node, value) {
  if (node.textContent !== value) node.textContent = value;
}

export function attribute(node, name, value) {
  if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

// Style rules come from the stylesheet alone; a script may only set the variables they read.
export function variable(node, name, value) {
  const shown = String(value);
  if (node.style.getPropertyValue(name) !== shown) node.style.setProperty(name, shown);
}

// A bar from the left (0..1), or from the middle (-1..1).
export function bar(kind, value, plainly) {
  const node = el("span", { class: `meter ${kind}`, "aria-hidden": "true" }, el("i"));
  if (value !== undefined) level(node, value, plainly);
  return node;
}

export function level(node, value, plainly = true) {
  const at = Math.max(-1, Math.min(1, Number(value ?? 0)));
  variable(node, "--at", at.toFixed(3));
  attribute(node, "data-side", at < 0 ? "down" : "up");
  attribute(node, "data-plain", String(Boolean(plainly)));
}

export function svg(tag, attributes = {}, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}
