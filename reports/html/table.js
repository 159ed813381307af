"use strict";
/* table: the cells, of which only the rows in sight are elements, so that 100,000 scroll alike. */
const table = (() => {
    const narrow = matchMedia("(max-width: 700px)");
    let rows = [], active = -1, order = {key: "", down: false}, columns = [], pending = false;
    let head, body, spacer, count, sortSelect;
    const drawn = new Map(); /* index -> its row; those that stay in sight stay what they are */

    const byName = (get) => (a, b) => get(a) < get(b) ? -1 : get(a) > get(b) ? 1 : 0;
    /* What has no figure stands last, whichever way is sorted. Of axes and errors 0 is a figure; one
     * that is not there is undefined or -1. */
    const byFigure = (get, zero) => (a, b, down) => {
        const left = get(a), right = get(b), is = (value) => value > 0 || zero && value === 0;
        if (!is(left) || !is(right))
            return (is(right) ? 1 : 0) - (is(left) ? 1 : 0);
        return down ? right - left : left - right;
    };
    const number = (value) => typeof value === "string" ? Infinity : value;

    /* Of the longest one that there is. */
    const statusWidth = 8.5 * data.cells.reduce((most, cell) =>
        Math.max(most, cell.state.length), 8) + "px";

    const flagNames = (cell) => data.flagsOf(cell).map((flag) => flag.name).join(", ");
    const flagsWidth = Math.min(160, 8 * data.cells.reduce((most, cell) =>
        Math.max(most, cell.flags ? flagNames(cell).length : 0), 6)) + "px";

    const fixed = {
        status: {title: "status", width: statusWidth, get: (cell) => cell.state, compare: byName((c) => c.state)},
        definition: {title: "definition", ends: true, width: "minmax(120px,1.5fr)",
            get: (cell) => cell.definition.name, compare: byName((c) => c.definition.name)},
        solution: {title: "solution", ends: true, width: "minmax(120px,1.3fr)",
            get: (cell) => figure.solution(cell.solution.name, cell.definition.name),
            compare: byName((c) => c.solution.name)},
        author: {title: "author", width: "74px", get: (cell) => cell.solution.author,
            compare: byName((c) => c.solution.author)},
        workload: {title: "workload", ends: true, width: "minmax(110px,1fr)", get: (cell) => cell.workload.text,
            compare: (a, b) => Object.values(a.workload.axes || {}).reduce((sign, value, i) =>
                sign || value - Object.values(b.workload.axes || {})[i], 0) || 0},
        latency: {title: "latency", width: "78px", number: true,
            get: (cell) => figure.latency(cell.latency), figure: (c) => c.latency},
        speedup: {title: "speedup", width: "70px", number: true,
            get: (cell) => figure.speedup(cell.speedup), figure: (c) => c.speedup},
        percent: {title: "limit", width: "56px", number: true,
            get: (cell) => figure.percent(cell.percent), figure: (c) => c.percent},
        absolute: {title: "abs. error", width: "76px", number: true, zero: true,
            get: (cell) => figure.error(cell.absolute), figure: (c) => number(c.absolute)},
        flags: {title: "flags", width: flagsWidth, get: flagNames,
            compare: (a, b) => b.flags - a.flags}};

    /* Of one definition each axis is a column. */
    function choose() {
        const only = data.definitions.find((one) => one.name === filter.state.definition);
        const axes = only ? only.axes.slice(0, 6).map((axis) => ["axis-" + axis, {title: axis,
            width: "minmax(60px,auto)", number: true, zero: true,
            get: (cell) => String((cell.workload.axes || {})[axis] ?? ""),
            figure: (cell) => (cell.workload.axes || {})[axis]}]) : [];
        columns = Object.entries(fixed).flatMap(([key, column]) =>
            only && key === "definition" ? [] : only && axes.length && key === "workload" ? axes
                : [[key, column]]).map(([key, column]) => ({key, ...column,
            compare: column.compare || byFigure(column.figure, column.zero)}));
    }

    const rowHeight = () => narrow.matches ? 64 : 26;
    const headHeight = () => narrow.matches ? 0 : 27;

    function cellClass(column) {
        return ".c-" + column.key.replace(/[^\w-]/g, "_") + (column.number ? ".number" : "");
    }

    function drawHead() {
        const template = columns.map((column) => column.width).join(" ");
        body.style.setProperty("--columns", template);
        head.replaceChildren(...columns.map((column, i) => element(
            "div.head" + cellClass(column), {role: "columnheader", "aria-colindex": i + 1,
                "aria-sort": column.key !== order.key ? "none" : order.down ? "descending"
                    : "ascending"},
            element("button", {type: "button", "data-key": column.key, onclick: () => sort(column.key)},
                column.title + (column.key !== order.key ? "" : order.down ? " \u2193" : " \u2191")))));
        sortSelect.replaceChildren(element("option", {value: ""}, "sort: as planned"),
            ...columns.flatMap((column) => [["", "\u2191"], ["-", "\u2193"]].map(([sign, arrow]) =>
                element("option", {value: sign + column.key, selected: order.key === column.key &&
                    order.down === (sign === "-")}, "sort: " + column.title + " " + arrow))));
    }

    /* Where a name is too long its middle is left out: names of a family differ at their ends. */
    const ends = (text) => text.length < 16 ? text
        : element("span.ends", {}, element("span", {}, text.slice(0, -9)),
            element("span", {}, text.slice(-9)));

    function makeRow(index) {
        const cell = rows[index];
        return element("div.row" + (index === active ? ".active" : ""), {role: "row",
            id: "row-" + index, "aria-rowindex": index + 2, "aria-selected": String(index === active),
            style: "top:" + index * rowHeight() + "px", "data-index": index},
        columns.map((column, i) => {
            const text = column.get(cell);
            return element("div" + cellClass(column), {role: "gridcell", "aria-colindex": i + 1,
                title: text}, column.key === "status"
                ? element("span.badge." + cell.kind, {}, text)
                : column.key === "solution" ? element("a", {href: data.key(cell), tabindex: -1},
                    ends(text)) : column.ends ? ends(text) : text);
        }));
    }

    function draw() {
        pending = false;
        const height = rowHeight();
        const from = Math.max(0, Math.floor(body.scrollTop / height) - 6);
        const to = Math.min(rows.length, Math.ceil((body.scrollTop + body.clientHeight) / height) + 6);
        for (const [index, line] of drawn)
            if (index < from || index >= to) {
                line.remove();
                drawn.delete(index);
            }
        const made = [];
        for (let index = from; index < to; index++)
            if (!drawn.has(index)) {
                drawn.set(index, makeRow(index));
                made.push(drawn.get(index));
            }
        spacer.append(...made);
        if (active >= from && active < to)
            body.setAttribute("aria-activedescendant", "row-" + active);
        else
            body.removeAttribute("aria-activedescendant");
    }

    function later() {
        if (!pending)
            requestAnimationFrame(() => draw());
        pending = true;
    }

    /* All rows anew. */
    function layout() {
        const height = rowHeight();
        spacer.replaceChildren(...(rows.length ? [] : [element("p.none", {}, data.cells.length
            ? "No cell is like that." : "There are no cells.")]));
        drawn.clear();
        spacer.style.height = (rows.length || 1) * height + "px";
        body.style.height = Math.min((rows.length || 1) * height + headHeight(),
            Math.max(240, Math.round(innerHeight * 0.7))) + "px";
        body.setAttribute("aria-rowcount", rows.length + 1);
        later();
    }

    /* Filters, sorts and shows from the top. */
    function update() {
        choose();
        if (!columns.some((column) => column.key === order.key))
            order = {key: "", down: false};
        rows = filter.apply();
        const column = columns.find((one) => one.key === order.key);
        if (column) {
            const sign = order.down && !column.figure ? -1 : 1;
            rows.sort((a, b) => sign * column.compare(a, b, order.down) || a.index - b.index);
        }
        active = -1;
        body.scrollTop = 0;
        count.textContent = rows.length === data.cells.length ? figure.count(rows.length, "cell")
            : rows.length.toLocaleString("en") + " of " + figure.count(data.cells.length, "cell");
        drawHead();
        layout();
    }

    /* Up, then down, then as planned. */
    function sort(key) {
        order = order.key !== key ? {key, down: false} : order.down ? {key: "", down: false}
            : {key, down: true};
        update();
        const button = head.querySelector('[data-key="' + CSS.escape(key) + '"]');
        if (button)
            button.focus();
    }

    function activate(index) {
        for (const one of [active, index])
            if (drawn.has(one)) {
                drawn.get(one).classList.toggle("active", one === index);
                drawn.get(one).setAttribute("aria-selected", String(one === index));
            }
        active = index;
    }

    function move(to) {
        activate(Math.max(0, Math.min(rows.length - 1, to)));
        const height = rowHeight(), top = active * height, sight = body.clientHeight - headHeight();
        if (top < body.scrollTop)
            body.scrollTop = top;
        else if (top + height > body.scrollTop + sight)
            body.scrollTop = top + height - sight;
        draw();
    }

    function press(event) {
        const page = Math.max(1, Math.floor(body.clientHeight / rowHeight()) - 1);
        const steps = {ArrowDown: active + 1, ArrowUp: active - 1, PageDown: active + page,
            PageUp: active - page, Home: 0, End: rows.length - 1};
        if (event.key === "Enter" && active >= 0 && event.target === body)
            location.hash = data.key(rows[active]);
        else if (event.key in steps && rows.length)
            move(steps[event.key]);
        else
            return;
        event.preventDefault();
    }

    /* The same cells as a table whose head stands on each sheet. */
    function paper() {
        const MAX_ROWS = 1000, some = rows.slice(0, MAX_ROWS);
        const numbers = [...columns.keys()].filter((i) => columns[i].number);
        return element("div.paper", {}, element.table("Cells", columns.map((column) => column.title),
            some.map((cell) => columns.map((column) => column.key === "status"
                ? element("span.badge." + cell.kind, {}, column.get(cell))
                : element.breakable(column.get(cell)))), numbers),
        rows.length > MAX_ROWS ? element("p", {}, "and " + figure.count(rows.length - MAX_ROWS,
            "further cell") + ", which report.json has") : "");
    }

    function start(section) {
        count = element("output", {"aria-live": "polite", id: "count"});
        head = element("div.heads", {role: "row", "aria-rowindex": 1});
        spacer = element("div.spacer", {role: "rowgroup"});
        body = element("div.body", {tabindex: 0, role: "grid", "aria-label":
            "Cells; arrow keys move, Enter opens", onscroll: later, onkeydown: press, onclick: (event) => {
            const line = event.target.closest(".row");
            if (!line)
                return;
            activate(Number(line.dataset.index));
            location.hash = data.key(rows[active]);
        }}, head, spacer);
        sortSelect = element("select.sort", {"aria-label": "Sort", onchange: () => {
            order = {key: sortSelect.value.replace(/^-/, ""), down: sortSelect.value[0] === "-"};
            update();
        }});
        section.replaceChildren(element("h2#cells-title", {}, "Cells ", element("small", {}, count)),
            filter.controls(), sortSelect, element("div.cells", {}, body));
        filter.listen(update);
        addEventListener("resize", layout);
        addEventListener("beforeprint", () => section.append(paper()));
        addEventListener("afterprint", () => section.querySelector(".paper").remove());
        update();
    }

    /* The cell that stands `step` rows from this one, as sorted and filtered now; or null. */
    function beside(cell, step) {
        const index = rows.indexOf(cell);
        return index < 0 ? null : rows[index + step] || null;
    }

    return {start, beside};
})();
