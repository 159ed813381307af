"use strict";
/* definition: the list of definitions, and of one of them latency over an axis. */
const definition = (() => {
    let shown = null, list, frame, panel;

    const ROWS = ""; /* no axis: the workloads in their order */

    const value = (workload, axis) => axis === ROWS ? workload.place : (workload.axes || {})[axis];

    /* The axis of numbers with most values; of equals the first. */
    function mainAxis(of) {
        let best = ROWS, most = 0;
        for (const axis of of.axes) {
            const values = of.workloads.map((workload) => value(workload, axis));
            const many = new Set(values).size;
            if (many > most && values.every((one) => typeof one === "number"))
                [best, most] = [axis, many];
        }
        return best;
    }

    function row(of) {
        const score = data.score(of.cells);
        const best = of.solutions.find((solution) => solution.name === of.best);
        const bestScore = best ? data.score(best.cells) : null;
        const choose = () => { location.hash = "#definition=" + encodeURIComponent(of.name); };
        return element("tr", {"data-name": of.name, onclick: choose},
            element("td", {}, element("a", {href: "#definition=" + encodeURIComponent(of.name)},
                element.breakable(of.name))),
            element("td.number" + (score.failed ? ".bad" : ""), {},
                score.passed + "/" + score.cells),
            element("td", {}, best ? element.breakable(figure.solution(best.name, of.name))
                : figure.NOTHING),
            element("td.number", {}, bestScore ? figure.range(bestScore.least, bestScore.most)
                : figure.NOTHING),
            element("td.number", {}, figure.speedup(bestScore ? bestScore.speedup : 0)),
            element("td.number", {}, figure.percent(bestScore ? bestScore.percent : 0)));
    }

    /* Points of a solution; where several rows have the same value of the axis, the line goes
     * through their geometric mean. */
    function lines(of, axis) {
        const sets = [];
        of.solutions.forEach((solution) => {
            const points = solution.cells
                .filter((cell) => cell.passed && cell.latency > 0)
                .map((cell) => ({x: value(cell.workload, axis), y: cell.latency, cell}))
                .filter((point) => typeof point.x === "number").sort((a, b) => a.x - b.x);
            if (!points.length)
                return;
            const look = plot.series(solution.series);
            const common = {borderColor: look.color, backgroundColor: look.color,
                borderWidth: 1.5, borderDash: look.dash, pointStyle: look.shape, tension: 0};
            const byValue = new Map();
            for (const point of points)
                byValue.set(point.x, [...(byValue.get(point.x) || []), point.y]);
            const single = byValue.size === points.length;
            sets.push({...common, label: solution.name, data: points, showLine: single,
                pointRadius: single ? 3.5 : 2.5});
            if (!single)
                sets.push({...common, label: "", pointRadius: 0, pointHitRadius: 0,
                    data: [...byValue].map(([x, ys]) => ({x, y: data.geomean(ys)}))});
        });
        return sets;
    }

    /* What the device allows, row by row; several rows of a value: the lowest. */
    function limit(of, axis) {
        const byValue = new Map();
        for (const workload of of.workloads) {
            const x = value(workload, axis);
            if (typeof x === "number" && workload.limit_ns > 0)
                byValue.set(x, Math.min(byValue.get(x) || Infinity, workload.limit_ns / 1e6));
        }
        const points = [...byValue].map(([x, y]) => ({x, y})).sort((a, b) => a.x - b.x);
        const color = theme.color("muted");
        return points.length ? [{label: "limit of the device", data: points, borderColor: color,
            backgroundColor: color, borderDash: [4, 4], borderWidth: 1.5,
            pointStyle: "line", pointRadius: points.length === 1 ? 8 : 0, pointHitRadius: 6}] : [];
    }

    function describe(of, axis) {
        const datasets = [...lines(of, axis), ...limit(of, axis)];
        const xs = datasets.flatMap((set) => set.data.map((point) => point.x));
        const [least, most] = figure.extent(xs);
        const room = least === most ? 2 : (most / least) ** 0.04;
        const names = of.workloads.map((workload) => workload.text);
        const scale = axis === ROWS ? plot.axis("workload", "linear", (at) => figure.short(names[at]),
            {min: -0.3, max: names.length - 0.7, marks: [...names.keys()]})
            : plot.axis(axis, least > 0 ? "logarithmic" : "linear", (mark) => mark.toLocaleString("en"),
                {...(least > 0 ? {min: least / room, max: most * room} : {}),
                    marks: [...new Set(xs)].sort((a, b) => a - b)});
        return {type: "line", data: {datasets}, options: {
            parsing: false, interaction: {mode: "nearest", intersect: true},
            onClick: (_, hits) => {
                const cell = hits.length ? hits[0].element.$context.raw.cell : null;
                if (cell)
                    location.hash = data.key(cell);
            },
            scales: {x: scale, y: plot.axis("latency", "logarithmic", figure.mark)},
            plugins: {tooltip: {callbacks: {
                title: (items) => items.map((item) => item.raw.cell ? item.raw.cell.workload.text
                    : axis === ROWS ? names[item.raw.x] : axis + "=" + item.raw.x).slice(0, 1),
                label: (item) => (item.raw.cell ? figure.solution(item.raw.cell.solution.name,
                    of.name) : item.dataset.label) + ": " + figure.latency(item.raw.y) +
                    (item.raw.cell && item.raw.cell.speedup
                        ? ", " + figure.speedup(item.raw.cell.speedup) : "")}}}}};
    }

    function swatch(solution) {
        const look = plot.series(solution.series);
        return element("span.swatch." + look.shape, {"aria-hidden": "true",
            style: "--color:var(--series-" + solution.series % 8 + ")"});
    }

    function solutions(of) {
        const rows = of.solutions.map((solution) => {
            const score = data.score(solution.cells);
            return [element("span", {}, swatch(solution), element("button.plain",
                {type: "button", onclick: () => {
                    filter.set({definition: of.name, text: solution.name});
                    location.hash = "#cells";
                }}, element.breakable(figure.solution(solution.name, of.name))),
            solution.name === of.best ? element("span.badge", {}, "best") : null),
            solution.author, solution.needs || score.passed + "/" + score.cells,
            figure.range(score.least, score.most), figure.speedup(score.speedup),
            figure.percent(score.percent)];
        });
        return element.table("Solutions of " + of.name,
            ["solution", "author", "passed", "latency", "speedup", "limit"], rows, [2, 3, 4, 5]);
    }

    function show(name) {
        const of = data.definitions.find((one) => one.name === name);
        if (!of || of === shown)
            return;
        shown = of;
        for (const line of list.querySelectorAll("tr[data-name]"))
            line.classList.toggle("chosen", line.dataset.name === name);
        const main = mainAxis(of);
        const select = element("select", {"aria-label": "Axis", onchange: () =>
            plot.draw(frame, label(select.value), () => describe(of, select.value))},
        [...of.axes.filter((axis) => of.workloads.every((workload) =>
            typeof value(workload, axis) === "number")), ROWS].map((axis) =>
            element("option", {value: axis, selected: axis === main}, axis || "workloads")));
        const label = (axis) => "Latency of " + of.name + " over " + (axis || "its workloads") +
            ", a line per solution; the table below has the figures";
        const rows = of.workloads.filter((workload) => workload.limited_by);
        const by = [...new Set(rows.map((workload) => workload.limited_by))].join(", ");
        frame = element("div.chart", {});
        panel.replaceChildren(element("h3", {}, of.name), element("p.muted", {}, of.op_type + ", " +
            figure.count(of.workloads.length, "workload") +
            (by ? (plot.has ? "; dashed: limit (" : "; limit (") + by + ")" : "") + "; over ", select),
        frame, solutions(of));
        if (of.cells.some((cell) => cell.passed && cell.latency > 0))
            plot.draw(frame, label(main), () => describe(of, main));
        else
            frame.replaceWith(element("p.muted", {}, "No passed cell to draw."));
    }

    function start(section) {
        const withCells = data.definitions.filter((one) => one.cells.length);
        const table = element.table("Definitions",
            ["definition", "passed", "best solution", "latency", "speedup", "limit"], [],
            [1, 3, 4, 5]);
        list = table.querySelector("tbody");
        for (const one of withCells)
            list.append(row(one));
        const search = element("input", {type: "search", placeholder: "name", "aria-label":
            "Show definitions whose name contains", oninput: () => {
            for (const line of list.children)
                line.hidden = !line.dataset.name.includes(search.value.trim());
        }});
        panel = element("div.panel", {});
        section.replaceChildren(element("h2#definitions-title", {}, "Definitions ",
            element("small", {}, "best: passed everywhere, highest geometric mean speedup over the" +
                " reference; limit: of what the device allows, at the best workload")),
        withCells.length > 8 ? search : "", element("div.split", {}, table, panel));
        if (!withCells.length)
            section.append(element("p", {}, "No definition has a cell; below is what was left out."));
        else
            show(withCells.reduce((best, one) =>
                one.workloads.length * one.solutions.length >
                best.workloads.length * best.solutions.length ? one : best).name);
    }

    return {start, show};
})();
