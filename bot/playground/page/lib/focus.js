// Where the keyboard is: kept when a message is drawn anew, given back when a window closes, held inside a window.

const REACHABLE = "a[href], button, input, textarea, select, [tabindex]";

/** Mark a control, so that it is found again after its message or window was drawn anew. */
export function markControl(node, place, element) {
  node.dataset.of = String(place.container?.id ?? place.container?.ts ?? "");
  node.dataset.block = String(place.block?.block_id ?? "");
  node.dataset.action = String(element.action_id ?? "");
}

function twin(root, gone) {
  const marked = gone?.closest?.("[data-action]") ?? gone?.closest?.(".bk-control")?.querySelector("[data-action]");
  if (!marked) {
    return null;
  }
  const { of, block, action, option } = marked.dataset;
  const same = [...root.querySelectorAll("[data-action]")].filter(
    (node) => node.dataset.of === of && node.dataset.action === action && node.dataset.option === option,
  );
  // A block without an id of its own gets another at each edit.
  return same.find((node) => node.dataset.block === block) ?? same[0] ?? null;
}

/**
 * Call before a message (or anything else) is drawn anew, and what it returns afterwards: the control that had the
 * focus has it again. Says whether there was nothing to do or it was found; otherwise the focus is the caller's.
 */
export function rememberFocus(root) {
  const held = root.contains(document.activeElement) ? document.activeElement : null;
  return (now = root) => {
    if (held === null || (held.isConnected && document.activeElement === held)) {
      return true;
    }
    const found = held.isConnected ? held : twin(now, held);
    found?.focus();
    return Boolean(found);
  };
}

/** Give the focus back to where a window was opened from, or to the same control as it is drawn now. */
export function returnFocus(origin, ctx) {
  const found = origin?.isConnected ? origin : twin(document, origin);
  if (found && found !== document.body) {
    found.focus();
  } else {
    ctx?.onFocusLost?.(origin?.dataset?.of ?? "");
  }
}

/** Return what the Tab key reaches in a window, in order. */
export function reachable(root) {
  return [...root.querySelectorAll(REACHABLE)].filter(
    (node) => !node.disabled && node.tabIndex >= 0 && node.checkVisibility(),
  );
}

/** Let the Tab key go round inside a window. */
export function holdFocus(dialog) {
  dialog.addEventListener("keydown", (event) => {
    if (event.key !== "Tab" || event.defaultPrevented) {
      return;
    }
    const stops = reachable(dialog);
    const from = document.activeElement;
    const edge = event.shiftKey ? stops[0] : stops.at(-1);
    if (from === edge || !dialog.contains(from) || from === dialog) {
      event.preventDefault();
      (event.shiftKey ? stops.at(-1) : stops[0])?.focus();
    }
  });
}
