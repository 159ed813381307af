/* What a screen reader has no name for, or gets in an order that misleads. */
const faults = [];
const name = (node) => (node.getAttribute("aria-label") || (node.getAttribute("aria-labelledby") || "")
    .split(" ").map((id) => (document.getElementById(id) || {}).textContent || "").join(" ").trim() ||
    (node.labels && node.labels.length ? node.labels[0].textContent : "") ||
    (node.tagName === "SELECT" || node.tagName === "INPUT" ? "" : node.textContent)).trim();
for (const node of document.querySelectorAll(
    "button,a,input,select,canvas,summary,section,dialog[open],nav,[role=grid],[role=region],[role=img]"))
    if (node.checkVisibility() && !name(node))
        faults.push("no name: " + node.outerHTML.slice(0, 80));
for (const canvas of document.querySelectorAll("canvas"))
    if (canvas.getAttribute("role") !== "img")
        faults.push("a canvas that is no img");
let last = 0;
for (const node of document.querySelectorAll("main h1,main h2,main h3")) {
    const level = Number(node.tagName[1]);
    if (level > last + 1)
        faults.push(node.tagName + " after level " + last + ": " + node.textContent);
    last = level;
}
const ids = [...document.querySelectorAll("[id]")].map((node) => node.id);
for (const id of ids)
    if (ids.indexOf(id) !== ids.lastIndexOf(id))
        faults.push("two of the id " + id);
for (const node of document.querySelectorAll("[aria-labelledby],[aria-activedescendant]"))
    for (const key of ["aria-labelledby", "aria-activedescendant"]) {
        const id = node.getAttribute(key);
        if (id && node.checkVisibility() && !document.getElementById(id))
            faults.push(key + " of nothing: " + id);
    }
for (const head of document.querySelectorAll("th"))
    if (head.scope !== "col")
        faults.push("a th without scope");
const grid = document.querySelector("[role=grid]");
for (const row of grid.querySelectorAll(".row"))
    if ([...row.children].some((cell) => cell.getAttribute("role") !== "gridcell"))
        faults.push("a row with other than gridcells");
if (document.documentElement.lang !== "en" || !document.title)
    faults.push("no lang or title");
return faults.join("\n");
