/* What sticks out of the page sideways, or is cut without a way to scroll to it. */
const faults = [], width = document.documentElement.clientWidth;
const root = document.querySelector("dialog[open]") || document.body;
if (root.scrollWidth > width)
    faults.push("the page is " + root.scrollWidth + " wide of " + width);
for (const node of root.querySelectorAll("*")) {
    if (!node.checkVisibility() || node.closest(".scroll,pre,.body,option,canvas"))
        continue;
    const box = node.getBoundingClientRect();
    if (box.width && (box.right > width + 1 || box.left < -1))
        faults.push(node.tagName + "." + node.className + " from " + box.left.toFixed() + " to " +
            box.right.toFixed() + " of " + width);
    const style = getComputedStyle(node);
    if (node.scrollWidth > node.clientWidth + 1 && node.clientWidth && 
        (style.overflowX === "hidden" || node.tagName === "NAV"))
        faults.push("cut: " + node.tagName + "." + node.className + " " + node.textContent.slice(0, 40));
}
return faults.join("\n");
