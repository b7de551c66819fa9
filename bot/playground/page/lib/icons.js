// The page's few signs, drawn here: 20 units wide, in the colour of the text around them.

const PATHS = {
  menu: "M3 5.5h14M3 10h14M3 14.5h14",
  close: "M5 5l10 10M15 5L5 15",
  back: "M12 4l-6 6 6 6",
  reply: "M3 4.5h14v9H9l-4 3.2v-3.2H3z",
  eye: "M2 10s3-5 8-5 8 5 8 5-3 5-8 5-8-5-8-5zM10 7.8a2.2 2.2 0 1 0 0 4.4 2.2 2.2 0 0 0 0-4.4z",
  send: "M3 10h12M10.5 5l5 5-5 5",
  lab: "M8 3h4M8.8 3v5L4.6 15.4A1 1 0 0 0 5.5 17h9a1 1 0 0 0 .9-1.6L11.2 8V3M6.6 12.5h6.8",
  book: "M4 4.2C6 3.4 8.4 3.6 10 5c1.6-1.4 4-1.6 6-.8v11.4c-2-.8-4.4-.6-6 .8-1.6-1.4-4-1.6-6-.8zM10 5v11.4",
  hash: "M7.5 3.5l-1.5 13M14 3.5l-1.5 13M3.5 7.5h13.5M3 12.5h13.5",
  down: "M10 4v12M5 11l5 5 5-5",
  look: "M8.8 3.5a5.3 5.3 0 1 0 0 10.6 5.3 5.3 0 0 0 0-10.6zM12.6 12.6L17 17",
  file: "M5 2.8h7l3.5 3.5v11H5zM12 2.8v3.5h3.5",
  shield: "M10 2.5l6 2.2v4.8c0 3.8-2.5 6.6-6 8-3.5-1.4-6-4.2-6-8V4.7zM7.2 9.8l2 2.2 3.8-4.2",
};

/** Make a sign; what it means has to be said beside it. */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  for (const [attribute, value] of Object.entries({ viewBox: "0 0 20 20", class: "icon", "aria-hidden": "true" })) {
    svg.setAttribute(attribute, value);
  }
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}

/** Make a button: what it says or (with `label`) shows, and what it does. */
export function button(attributes, onPress, ...children) {
  const node = document.createElement("button");
  const { label, ...others } = attributes;
  for (const [name, value] of Object.entries({ type: "button", "aria-label": label, title: label, ...others })) {
    if (value !== undefined) {
      node.setAttribute(name, value);
    }
  }
  node.append(...children.flat().filter((child) => child !== null));
  node.addEventListener("click", onPress);
  return node;
}
