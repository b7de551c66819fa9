// Looks at every text that is on the screen; returns those whose contrast is below WCAG AA, each as one line.
() => {
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });

  /** Return [red, green, blue, alpha] of a CSS colour of any notation. */
  function parts(colour) {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    const [red, green, blue, alpha] = canvas.getImageData(0, 0, 1, 1).data;
    return [red, green, blue, alpha / 255];
  }

  const over = ([r, g, b, a], below) => [r, g, b].map((part, at) => part * a + below[at] * (1 - a));

  /** Return what stands behind an element's text. */
  function behind(node) {
    const layers = [];
    for (let at = node; at; at = at.parentElement) {
      layers.push(parts(getComputedStyle(at).backgroundColor));
      if (layers.at(-1)[3] === 1) {
        break;
      }
    }
    return layers.reverse().reduce((below, layer) => over(layer, below), [255, 255, 255]);
  }

  function luminance(colour) {
    const [red, green, blue] = colour.map((part) => (part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  }

  function ratio(one, other) {
    const [light, dark] = [luminance(one), luminance(other)].sort((a, b) => b - a);
    return (light + 0.05) / (dark + 0.05);
  }

  function opacity(node) {
    let whole = 1;
    for (let at = node; at; at = at.parentElement) {
      whole *= Number(getComputedStyle(at).opacity);
    }
    return whole;
  }

  function seen(node) {
    const { width, height } = node.getBoundingClientRect();
    const shown = node.checkVisibility({ opacityProperty: true, visibilityProperty: true });
    return shown && width > 1 && height > 1 && !node.closest("[inert], :disabled, option");
  }

  const found = new Set();

  function weigh(node, text, style) {
    const paper = behind(node);
    const [red, green, blue, alpha] = parts(style.color);
    const ink = over([red, green, blue, alpha * opacity(node)], paper);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    const contrast = ratio(ink, paper);
    if (contrast < (large ? 3 : 4.5)) {
      found.add(`${contrast.toFixed(2)} ${node.localName}.${node.className}: ${text.trim().slice(0, 40)}`);
    }
  }

  let looked = 0;
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const { data, parentElement: node } = texts.currentNode;
    // Emoji have colours of their own.
    if (/[\p{L}\p{N}]/u.test(data) && seen(node)) {
      looked += 1;
      weigh(node, data, getComputedStyle(node));
    }
  }
  for (const node of document.querySelectorAll("[placeholder]")) {
    if (seen(node)) {
      weigh(node, node.placeholder, getComputedStyle(node, "::placeholder"));
    }
  }
  return { looked, found: [...found] };
}
