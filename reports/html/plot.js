"use strict";
/* plot: one look for all charts; without the chart library, tables of what they would show. */
const plot = (() => {
    const SERIES = 8, shapes = ["circle", "rect", "triangle", "rectRot", "crossRot", "star"];
    const live = new Map(); /* canvas -> a function that draws it */
    const has = typeof Chart !== "undefined";

    /* Eight colours that colour-blind people can tell apart; shapes and dashes go on from there. */
    function series(index) {
        return {color: theme.color("series-" + index % SERIES), shape: shapes[index % shapes.length],
            dash: [[], [6, 3], [2, 2], [8, 3, 2, 3]][Math.floor(index / SERIES) % 4]};
    }

    /* Marks of a logarithmic scale: a few per decade, as many more as it is shorter than one. */
    function logMarks(min, max) {
        const ratio = max / min;
        const steps = ratio > 1e3 ? [1] : ratio > 10 ? [1, 2, 5] : ratio > 3 ? [1, 1.5, 2, 3, 5, 7] : null;
        const marks = [];
        if (steps)
            for (let decade = 10 ** Math.floor(Math.log10(min)); decade <= max; decade *= 10)
                marks.push(...steps.map((step) => step * decade));
        else { /* as good as linear */
            const rough = (max - min) / 4, unit = 10 ** Math.floor(Math.log10(rough));
            const step = unit * [1, 2, 5, 10].find((one) => one * unit >= rough);
            for (let i = Math.ceil(min / step); i * step <= max; i++)
                marks.push(i * step);
        }
        return marks.map((value) => Number(value.toPrecision(6)))
            .filter((value) => value >= min && value <= max);
    }

    /* `more.marks`: values that are marked, instead of round ones. */
    function axis(title, type, format, {marks, ...more} = {}) {
        const line = theme.color("line"), text = theme.color("muted");
        return {type, title: {display: true, text: title, color: text}, grid: {color: line},
            border: {color: line}, ...(marks || type === "logarithmic" ? {afterBuildTicks: (scale) => {
                scale.ticks = (marks || logMarks(scale.min, scale.max)).map((value) => ({value}));
            }} : {}), ...more,
            ticks: {color: text, maxRotation: 0, autoSkipPadding: 8, callback: (value) => format(value)}};
    }

    /* The points of a chart as a table: a row for each place on the x axis, a column per line. */
    function figures(label, {data: {labels, datasets}, options: {scales: {x, y}}}) {
        const sets = datasets.filter((set) => set.label !== ""); /* "": drawn from others */
        const rows = new Map();
        sets.forEach((set, i) => set.data.forEach((point, at) => {
            const place = labels ? labels[at] : point.x;
            if (!rows.has(place))
                rows.set(place, sets.map(() => []));
            rows.get(place)[i].push(y.ticks.callback(labels ? point : point.y));
        }));
        const places = labels ? [...rows.keys()] : [...rows.keys()].sort((a, b) => a - b);
        return element.table(label, [x.title.text, ...sets.map((set) => set.label || y.title.text)],
            places.map((place) => [labels ? place : x.ticks.callback(place),
                ...rows.get(place).map((values) => values.join(", ") || figure.NOTHING)].map(String)),
            [...sets.keys()].map((i) => i + 1));
    }

    /* Draws into a canvas inside `frame`, again when the theme changes. `describe` makes Chart.js's
     * configuration; `label` is for people who do not see it. */
    function draw(frame, label, describe) {
        for (const canvas of frame.querySelectorAll("canvas"))
            forget(canvas);
        frame.replaceChildren();
        if (!has) {
            frame.className = "figures";
            frame.append(figures(label, describe()));
            return;
        }
        const canvas = element("canvas", {role: "img", "aria-label": label});
        frame.append(canvas);
        const paint = () => {
            if (canvas.chart)
                canvas.chart.destroy();
            Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
            Chart.defaults.font.size = 11;
            const description = describe();
            description.options = {animation: false, responsive: true, maintainAspectRatio: false,
                ...description.options};
            description.options.plugins = {legend: {display: false}, ...description.options.plugins};
            canvas.chart = new Chart(canvas, description);
        };
        live.set(canvas, paint);
        paint();
    }

    function forget(canvas) {
        live.delete(canvas);
        if (canvas.chart)
            canvas.chart.destroy();
    }

    theme.listen(() => live.forEach((paint) => paint()));
    return {draw, series, axis, has};
})();
