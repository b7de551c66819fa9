// Looks whether a narrow page can be used: returns what is too wide, and what a finger can't hit, each as one line.
() => {
  const found = [];
  if (document.scrollingElement.scrollWidth > innerWidth) {
    found.push(`the page is ${document.scrollingElement.scrollWidth} wide`);
  }
  for (const node of document.querySelectorAll("body *")) {
    const { overflowX, textOverflow } = getComputedStyle(node);
    const cut = node.scrollWidth > node.clientWidth + 1 && node.clientWidth > 1 && textOverflow !== "ellipsis";
    if (cut && ["hidden", "clip"].includes(overflowX) && node.checkVisibility({ visibilityProperty: true })) {
      found.push(`${node.localName}.${node.className} cuts ${node.scrollWidth - node.clientWidth} pixels off`);
    }
  }
  for (const node of document.querySelectorAll("button, a[href], select, textarea, input, summary, [role=option]")) {
    const shown = node.checkVisibility({ opacityProperty: true, visibilityProperty: true });
    if (!shown || node.closest("[inert]") || node.id === "scrim" || (document.querySelector("dialog[open]") && !node.closest("dialog[open]"))) {
      continue;
    }
    const { left, right, top, width, height } = node.getBoundingClientRect();
    const name = `${node.localName} ${node.getAttribute("aria-label") || node.textContent.trim() || node.id}`.slice(0, 60);
    // A link that is skipped to is put aside until it is focused.
    if (top + height < 0) {
      continue;
    }
    if (left < -1 || right > innerWidth + 1) {
      found.push(`${name} reaches from ${Math.round(left)} to ${Math.round(right)}`);
    }
    // WCAG 2.2, 2.5.8: 24 by 24; links within a text are exempt.
    if (node.localName !== "a" && (width < 24 || height < 24)) {
      found.push(`${name} is ${Math.round(width)} by ${Math.round(height)}`);
    }
  }
  return found;
}
