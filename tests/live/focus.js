// Tells where the keyboard is: the name of the control, and whether one can see that it is there.
() => {
  const node = document.activeElement;
  const { top, bottom, left, right } = node.getBoundingClientRect();
  const inSight = bottom > 0 && right > 0 && top < innerHeight && left < innerWidth;
  let ring = false;
  for (let at = node, steps = 0; at && steps < 3; at = at.parentElement, steps += 1) {
    const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(at);
    const own = at === node || at.matches(":has(> :focus)");
    ring ||= own && ((outlineStyle !== "none" && parseFloat(outlineWidth) >= 1) || (at !== node && boxShadow !== "none"));
  }
  return {
    name: (node.getAttribute("aria-label") || node.textContent.trim() || node.id).slice(0, 160),
    role: node.getAttribute("role") || node.localName,
    visible: node !== document.body && inSight && ring,
  };
}
