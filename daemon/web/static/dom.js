// Small helpers: elements from text (never from markup), words, times.

const read = (id) => JSON.parse(document.getElementById(id).textContent);

export const words = read("words");
export const first = read("first");

const asked = new URLSearchParams(location.search).get("lang");
export const query = asked ? `?lang=${encodeURIComponent(asked)}` : "";
export const lang = asked ?? "";

/** An element with classes, attributes and children; strings become text. */
export function el(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === true) element.setAttribute(key, "");
    else if (value !== false && value != null) element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child != null && child !== ""));
  return element;
}

/** A word with {name} filled in. */
export function word(key, values = {}) {
  return Object.entries(values).reduce(
    (text, [name, value]) => text.replace(`{${name}}`, value), words[key] ?? key);
}

/** A stored value in words; unknown ones as they are. */
export const nameOf = (group, value) => words[`${group}.${value}`] ?? value.replaceAll("_", " ");

/** Milliseconds as m:ss. */
export function clock(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/** Replace the children only where something changed, so that a selection survives. */
export function redraw(parent, data, draw) {
  const seen = JSON.stringify(data);
  if (parent.dataset.seen === seen) return;
  parent.dataset.seen = seen;
  parent.replaceChildren(...draw(data));
}
