// Menus that open under a button, by pointer and by keyboard: arrows, Home and End, letters, Enter, Escape.

import { make, uniqueId } from "../lib/nodes.js";

const GAP = 4;
const MARGIN = 8;
const TYPING = 700;

/**
 * Make a menu for ``button``. ``roles`` is ``menu`` or ``listbox``; ``groups()`` gives what is in it when it opens, as
 * ``[{label, items: [{key, content, chosen}]}]`` (content makes nodes); ``pick(key)`` is called after it has closed.
 */
export function attachMenu(button, { roles, label, groups, pick }) {
  const item = roles === "menu" ? "menuitem" : "option";
  const popup = make("div", { id: uniqueId("menu"), class: "bk-menu", role: roles, "aria-label": label, popover: "auto" });
  button.setAttribute("aria-haspopup", roles);
  button.setAttribute("aria-expanded", "false");
  button.setAttribute("aria-controls", popup.id);
  button.popoverTargetElement = popup;

  popup.addEventListener("beforetoggle", (event) => button.setAttribute("aria-expanded", String(event.newState === "open")));
  const open = (last = false) => {
    popup.replaceChildren(...groups().map((group) => groupNode(group, item)));
    popup.showPopover();
    stand(popup, button);
    (last ? items(popup).at(-1) : (popup.querySelector("[aria-selected=true]") ?? items(popup)[0]))?.focus();
  };
  const away = () => popup.isConnected && popup.matches(":popover-open") && popup.hidePopover();
  popup.addEventListener("focusout", (event) => {
    // The button closes its menu itself; closing it here first would make the button open it again.
    if (event.relatedTarget && event.relatedTarget !== button && !popup.contains(event.relatedTarget)) {
      away();
    }
  });
  popup.addEventListener("click", (event) => {
    const chosen = event.target.closest("[data-key]");
    if (chosen) {
      away();
      button.focus();
      pick(chosen.dataset.key);
    }
  });
  popup.addEventListener("keydown", (event) => steer(event, popup, button, away));
  // Opened here and not by the browser, so that the focus is inside before the next key is pressed.
  button.addEventListener("click", (event) => {
    event.preventDefault();
    if (popup.matches(":popover-open")) {
      away();
    } else {
      open();
    }
  });
  button.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      open(event.key === "ArrowUp");
    }
  });
  return popup;
}

function items(popup) {
  return [...popup.querySelectorAll("[data-key]")];
}

function groupNode(group, role) {
  const nodes = group.items.map((one) =>
    make(
      "div",
      { class: "bk-menu-item", role, tabindex: "-1", "data-key": one.key, "aria-selected": role === "option" ? String(Boolean(one.chosen)) : null },
      one.content(),
    ),
  );
  if (!group.label) {
    return make("div", { role: "presentation" }, nodes);
  }
  const name = uniqueId("group");
  return make("div", { role: "group", "aria-labelledby": name }, make("div", { id: name, class: "bk-menu-label" }, group.label), nodes);
}

let typed = { text: "", at: 0 };

function steer(event, popup, button, away) {
  const all = items(popup);
  const here = all.indexOf(document.activeElement);
  const keys = {
    ArrowDown: () => all[(here + 1) % all.length]?.focus(),
    ArrowUp: () => all.at(here <= 0 ? -1 : here - 1)?.focus(),
    Home: () => all[0]?.focus(),
    End: () => all.at(-1)?.focus(),
    Enter: () => all[here]?.click(),
    " ": () => all[here]?.click(),
    Escape: () => {
      away();
      button.focus();
    },
  };
  if (event.key === "Tab") {
    away();
    button.focus();
    return;
  }
  const act = keys[event.key] ?? (event.key.length === 1 && !event.ctrlKey && !event.metaKey && !event.altKey && (() => search(event.key, all, here)));
  if (act) {
    event.preventDefault();
    event.stopPropagation();
    act();
  }
}

/** Go to the next item that begins with what was typed lately. */
function search(key, all, here) {
  const now = Date.now();
  typed = { text: now - typed.at < TYPING ? typed.text + key.toLowerCase() : key.toLowerCase(), at: now };
  const from = typed.text.length > 1 ? Math.max(0, here) : here + 1;
  const inOrder = [...all.slice(from), ...all.slice(0, from)];
  inOrder.find((one) => one.textContent.trim().toLowerCase().startsWith(typed.text))?.focus();
}

/** Put the menu under its button, or above it where there is more room, and wholly on the screen. */
function stand(popup, button) {
  const at = button.getBoundingClientRect();
  popup.dataset.stood = String(at.top);
  const [wide, high] = [document.documentElement.clientWidth, document.documentElement.clientHeight];
  const below = high - at.bottom - GAP - MARGIN;
  const above = at.top - GAP - MARGIN;
  const up = popup.scrollHeight > below && above > below;
  popup.style.setProperty("max-height", `${Math.max(120, up ? above : below)}px`);
  popup.style.setProperty("min-width", `${Math.min(at.width, wide - 2 * MARGIN)}px`);
  const size = popup.getBoundingClientRect();
  popup.style.setProperty("left", `${Math.max(MARGIN, Math.min(at.left, wide - size.width - MARGIN))}px`);
  popup.style.setProperty("top", `${up ? at.top - GAP - size.height : at.bottom + GAP}px`);
}

/** A menu does not follow its button when that is scrolled away; it closes, as the system's own menus do. */
function closeWhenMoved() {
  const open = document.querySelector(".bk-menu:popover-open");
  const button = open?.previousElementSibling;
  if (button && Math.abs(button.getBoundingClientRect().top - Number(open.dataset.stood)) > 2) {
    open.hidePopover();
  }
}
addEventListener("scroll", closeWhenMoved, { capture: true, passive: true });
addEventListener("resize", () => document.querySelector(".bk-menu:popover-open")?.hidePopover());
