"use strict";
/* element: makes elements. Texts are set as texts, never as markup: names and logs are hostile. */
const element = (() => {
    /* element("a.name#id", {href: "#x", onclick: f}, child, ...); children are elements, strings or
     * null. Members that are null or false are left out. */
    function make(what, attributes, ...children) {
        const [, tag, id, classes] = /^([a-z0-9]+)(?:#([\w-]+))?((?:\.[\w-]+)*)$/.exec(what);
        const node = document.createElement(tag);
        if (id)
            node.id = id;
        if (classes)
            node.className = classes.slice(1).replaceAll(".", " ");
        for (const [name, value] of Object.entries(attributes || {})) {
            if (value === null || value === undefined || value === false)
                continue;
            if (typeof value === "function")
                node.addEventListener(name.slice(2), value);
            else
                node.setAttribute(name, value === true ? "" : value);
        }
        node.append(...children.flat().filter((child) => child !== null && child !== undefined));
        return node;
    }

    /* A table of texts and elements; `numbers` are the columns that are set to the right. */
    make.table = (caption, heads, rows, numbers = []) => {
        const side = (index) => ({class: numbers.includes(index) ? "number" : null});
        return make("div.scroll", {tabindex: 0, role: "region", "aria-label": caption},
            make("table", {},
                make("thead", {}, make("tr", {},
                    heads.map((head, i) => make("th", {scope: "col", ...side(i)}, head)))),
                make("tbody", {}, rows.map((row) =>
                    make("tr", {}, row.map((cell, i) => make("td", side(i), cell)))))));
    };

    /* A name that may go on in the next line behind each "_" and before each "+", but no lone "*". */
    make.breakable = (name) => name.split(/(?<=_)(?!\*)|(?=\+)/).flatMap((part, i) =>
        i ? [make("wbr"), part] : [part]);

    /* "term: value" pairs; pairs without a value are left out. */
    make.facts = (pairs) => make("dl.facts", {}, pairs
        .filter(([, value]) => value !== null && value !== undefined && value !== "")
        .map(([term, value]) => make("div", {}, make("dt", {}, term), make("dd", {}, value))));
    return make;
})();
