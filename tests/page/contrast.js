/* Texts in sight that are harder to read than WCAG AA allows: less than 4.5 to 1, or 3 to 1 where
 * they are large. */
const rgba = (text) => {
    const [r, g, b, a = 1] = text.match(/[\d.]+/g).map(Number);
    return [r, g, b, a];
};
const light = ([r, g, b]) => [r, g, b].map((one) => one / 255).map((one) =>
    one <= 0.04045 ? one / 12.92 : ((one + 0.055) / 1.055) ** 2.4)
    .reduce((sum, one, i) => sum + one * [0.2126, 0.7152, 0.0722][i], 0);
const ground = (node) => {
    for (; node; node = node.parentElement) {
        const color = rgba(getComputedStyle(node).backgroundColor);
        if (color[3] === 1)
            return color;
        if (color[3] !== 0)
            throw new Error("half transparent");
    }
    return [255, 255, 255, 1];
};
const faults = new Set();
let seen = 0;
const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walk.nextNode()) {
    const node = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim() || !node.checkVisibility() || node.closest("script,style"))
        continue;
    const style = getComputedStyle(node), size = parseFloat(style.fontSize);
    if (size === 0)
        continue;
    const large = size >= 24 || size >= 18.66 && Number(style.fontWeight) >= 700;
    const [a, b] = [light(rgba(style.color)), light(ground(node))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    seen++;
    if (contrast < (large ? 3 : 4.5))
        faults.add(node.tagName + "." + node.className + " " + contrast.toFixed(2) + ": " +
            walk.currentNode.data.trim().slice(0, 30));
}
if (seen < 20)
    faults.add("only " + seen + " texts");
return [...faults].join("\n");
