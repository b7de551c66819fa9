// Makes DOM nodes and reads JSON of any shape. Text goes in as text nodes; nothing here, or anywhere near, reads HTML.

let made = 0;

/** Return an id that no other node of the page has. */
export function uniqueId(what) {
  made += 1;
  return `bk-${what}-${made}`;
}

/** Make an element; children that are null or empty are left out, texts become text nodes. */
export function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined && value !== false && value !== "") {
      node.setAttribute(name, value === true ? "" : String(value));
    }
  }
  node.append(...present(children));
  return node;
}

/** Make a fragment of what is there. */
export function fragment(...children) {
  const made = document.createDocumentFragment();
  made.append(...present(children));
  return made;
}

function present(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== "");
}

/** Read a list; anything else is an empty one. */
export function list(value) {
  return Array.isArray(value) ? value : [];
}

/** Read objects out of a list, and leave the rest. */
export function objects(value) {
  return list(value).filter((one) => one !== null && typeof one === "object");
}

/** Read a text; numbers are taken as they are written, anything else is empty. */
export function words(value) {
  return typeof value === "string" ? value : typeof value === "number" ? String(value) : "";
}
