// The interactive elements of blocks: buttons and overflow menus here, fields next door.

import { markControl } from "../lib/focus.js";
import { safeAddress } from "../lib/mentions.js";
import { make, objects, words } from "../lib/nodes.js";
import { optionContent, plainText } from "../lib/text.js";
import { openConfirm } from "./confirm.js";
import { renderField } from "./fields.js";
import { attachMenu } from "./menus.js";

/**
 * Return the node of an element. ``place`` says where it stands: ``ctx``, ``container`` (the message or view), ``block``
 * and, inside an input block, ``names`` (ids of label, hint and error).
 */
export function renderElement(element, place) {
  switch (element.type) {
    case "button":
      return renderButton(element, place);
    case "overflow":
      return renderOverflow(element, place);
    case "image":
      return renderImage(element);
    case "workflow_button":
      return renderButton(element, place);
    default:
      return renderField(element, place, act);
  }
}

/** Show where a picture stands and what it shows; nothing is fetched from outside. */
export function renderImage(image, className = "bk-thumb") {
  const alt = words(image.alt_text) || "Picture";
  const address = safeAddress(words(image.image_url) || words(image.slack_file?.url));
  return make("span", { class: className, role: "img", "aria-label": alt, title: address ? `${alt} (not loaded: ${address})` : alt }, "🖼️");
}

/**
 * Do what an element asks for: ask first where it has a question, then tell ``ctx.onAction``. While that is under way
 * the control is busy; an ``error`` in the answer is written beside it. Returns whether the person agreed.
 */
async function act(element, place, control, chosen) {
  if (control.getAttribute("aria-busy") === "true") {
    return false;
  }
  if (element.confirm && !(await openConfirm(element.confirm, place.ctx, control))) {
    return false;
  }
  warn(control, "");
  control.setAttribute("aria-busy", "true");
  try {
    const answer = await place.ctx.onAction?.(place.container, element, chosen, place.block);
    warn(control, words(answer?.error));
  } catch (failed) {
    warn(control, "This did not get through.");
    throw failed;
  } finally {
    control.removeAttribute("aria-busy");
  }
  return true;
}

function warn(control, sentence) {
  const beside = control.closest(".bk-control") ?? control;
  const old = beside.parentElement?.querySelector(":scope > .bk-warning");
  old?.remove();
  if (sentence) {
    beside.after(make("span", { class: "bk-warning", role: "alert" }, `⚠️ ${sentence}`));
  }
}

function renderButton(element, place) {
  const style = { primary: " bk-primary", danger: " bk-danger" }[element.style] ?? "";
  const address = safeAddress(words(element.url));
  const attributes = { class: `bk-button${style}`, "aria-label": words(element.accessibility_label) };
  const opens = { href: address, target: "_blank", rel: "noopener noreferrer", title: address };
  const node = address
    ? make("a", { ...attributes, ...opens }, plainText(element.text))
    : make("button", { ...attributes, type: "button" }, plainText(element.text));
  markControl(node, place, element);
  node.addEventListener("click", async (event) => {
    if (!address) {
      await act(element, place, node, null);
    } else if (element.confirm) {
      event.preventDefault();
      if (await act(element, place, node, null)) {
        open(address, "_blank", "noopener,noreferrer");
      }
    } else {
      await act(element, place, node, null);
    }
  });
  return node;
}

function renderOverflow(element, place) {
  const options = objects(element.options);
  const node = make("button", { type: "button", class: "bk-button bk-more", "aria-label": "More actions", title: "More actions" }, "⋯");
  markControl(node, place, element);
  const popup = attachMenu(node, {
    roles: "menu",
    label: "More actions",
    groups: () => [{ items: options.map((option, number) => ({ key: number, content: () => optionContent(option) })) }],
    pick: async (key) => {
      const option = options[Number(key)];
      const address = safeAddress(words(option.url));
      if ((await act(element, place, node, words(option.value))) && address) {
        open(address, "_blank", "noopener,noreferrer");
      }
    },
  });
  return make("span", { class: "bk-control" }, node, popup);
}
