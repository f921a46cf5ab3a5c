// Small help for building the page. Text only ever enters as text, so nothing that arrives can become markup.

const SVG = "http://www.w3.org/2000/svg";

/** Make an element: attributes by name, children as elements or text. */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null));
  return node;
}

/** Make an SVG element. */
export function svg(tag, attributes = {}, ...children) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

/** Change a text only when it differs, so that nothing flickers and no screen reader stirs. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/**
 * Make what stands on the page like what was drawn anew, touching only what differs: focus, scroll position and a
 * screen reader's place stay. Listeners are those of the first drawing.
 */
export function patch(old, fresh) {
  if (old.isEqualNode(fresh)) return;
  if (old.nodeType !== Node.ELEMENT_NODE || old.nodeName !== fresh.nodeName) {
    old.replaceWith(fresh);
    return;
  }
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  const [before, after] = [[...old.childNodes], [...fresh.childNodes]];
  after.forEach((node, place) => (place < before.length ? patch(before[place], node) : old.append(node)));
  before.slice(after.length).forEach((node) => node.remove());
}

/** Draw into a part of the page; `key` says what it is about: another one is drawn from scratch. */
export function draw(root, key, ...nodes) {
  const fresh = root.cloneNode(false);
  fresh.append(...nodes);
  if (root.dataset.about === key) {
    patch(root, fresh);
    return;
  }
  root.dataset.about = key;
  root.replaceChildren(...fresh.childNodes);
}

// Shapes, so that no meaning hangs on colour: tick, bars, triangle, octagon, slash, dots, power, arrow, question.
const ICONS = {
  ready: ["M12 2.75a9.25 9.25 0 1 0 0 18.5 9.25 9.25 0 0 0 0-18.5Z", "m8 12.3 2.8 2.8L16.2 9.6"],
  playing: ["M5 10v4", "M8.5 7v10", "M12 4v16", "M15.5 8v8", "M19 10.5v3"],
  attention: ["M12 3.5 2.8 20h18.4L12 3.5Z", "M12 10v4.6", "M12 17.3v.2"],
  act_now: ["M8 2.8h8L21.2 8v8L16 21.2H8L2.8 16V8L8 2.8Z", "M12 7v6.4", "M12 16.6v.2"],
  offline: ["M12 2.75a9.25 9.25 0 1 0 0 18.5 9.25 9.25 0 0 0 0-18.5Z", "m5.6 5.6 12.8 12.8"],
  silent: ["M4 5h16v11h-9l-4.5 4v-4H4V5Z", "M8.2 10.5v.2", "M12 10.5v.2", "M15.8 10.5v.2"],
  off: ["M12 3v8", "M7 6a8 8 0 1 0 10 0"],
  catching: ["M4 12a8 8 0 1 0 2.6-5.9", "M4 4v4.5h4.5", "M12 8v4.5l3 2"],
  unknown: ["M8.5 9a3.5 3.5 0 1 1 5 3.2c-1 .5-1.5 1.2-1.5 2.4", "M12 18v.2"],
};
ICONS.info = ["M12 2.75a9.25 9.25 0 1 0 0 18.5 9.25 9.25 0 0 0 0-18.5Z", "M12 11v5.5", "M12 7.6v.2"];

/** The icon of a condition; the word stands beside it. */
export function icon(name) {
  const paths = (ICONS[name] ?? ICONS.unknown).map((d) => svg("path", { d }));
  return svg("svg", { viewBox: "0 0 24 24", class: "icon", "aria-hidden": "true", focusable: "false" }, ...paths);
}
