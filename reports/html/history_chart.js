"use strict";
/* history_chart: latency over runs, of a solution's mean or of its rows, with what changed marked. */
const historyChart = (() => {
    const {runs} = historyData;

    function points(values, of) {
        return values.map((y, x) => ({x, y: y > 0 ? y : null, of}));
    }

    function line(label, values, look, of) {
        return {label, data: points(values, of), borderColor: look.color,
            backgroundColor: look.color, borderWidth: 1.5, borderDash: look.dash,
            pointStyle: look.shape, pointRadius: runs.length > 60 ? 1.5 : 3, pointHitRadius: 6,
            spanGaps: true, tension: 0};
    }

    /* A triangle up is slower, one down faster, where the new level begins. */
    function marks(label, list) {
        const color = (mark) => theme.color(mark.last ? "void" : mark.ratio > 1 ? "failed" : "passed");
        return {label, data: list.map((mark) => ({x: mark.run, y: mark.y, mark})), showLine: false,
            pointStyle: list.map((mark) => mark.last ? "rectRot" : "triangle"),
            rotation: list.map((mark) => mark.ratio > 1 || mark.last ? 0 : 180),
            pointRadius: 8, pointHitRadius: 10, pointBorderWidth: 2,
            borderColor: list.map(() => theme.color("back")),
            backgroundColor: list.map(color), order: -1};
    }

    /* A line across where something changed; behind everything. */
    function verticals(list) {
        return {id: "verticals", beforeDatasetsDraw(chart) {
            const {ctx, chartArea, scales} = chart;
            ctx.save();
            ctx.lineWidth = 1;
            ctx.setLineDash([3, 3]);
            for (const {run, color} of list) {
                const x = scales.x.getPixelForValue(run - 0.5);
                ctx.strokeStyle = theme.color(color);
                ctx.beginPath();
                ctx.moveTo(x, chartArea.top);
                ctx.lineTo(x, chartArea.bottom);
                ctx.stroke();
            }
            ctx.restore();
        }};
    }

    /* The level of a row between its changes. */
    function levels(row, look) {
        return row.levels.map((level) => ({label: "", pointRadius: 0, pointHitRadius: 0,
            borderWidth: 5, borderColor: look.color + "40", order: 1,
            data: [{x: level.begin - 0.3, y: level.ms}, {x: level.end + 0.3, y: level.ms}]}));
    }

    const rowChanges = (row) => row.levels.slice(1).map((level) => ({run: level.begin,
        y: row.ms[level.begin], ratio: level.ratio, low: level.low, high: level.high, row}));

    function meanSets(solution) {
        const values = historyData.mean(solution), look = plot.series(0);
        const list = solution.events.filter((event) => !event.isStatus)
            .map((event) => ({...event, y: values[event.run]}));
        return [line("geometric mean", values, look, solution), marks("changes", list)];
    }

    function rowSets(rows) {
        const sets = rows.map((row) => line(row.text, row.ms, plot.series(row.series), row));
        if (rows.length === 1)
            sets.push(...levels(rows[0], plot.series(rows[0].series)));
        sets.push(marks("changes", rows.flatMap(rowChanges)));
        return sets;
    }

    /* Crosses along the bottom: runs in which rows did not pass. */
    function failures(rows, bottom) {
        const byRun = new Map();
        for (const row of rows)
            for (const [run, failure] of row.failures)
                byRun.set(run, [...(byRun.get(run) || []), failure]);
        const color = theme.color("failed");
        return {label: "not passed", showLine: false, pointStyle: "crossRot", pointRadius: 5,
            pointBorderWidth: 2, borderColor: color, backgroundColor: color, clip: 8,
            data: [...byRun].map(([x, list]) => ({x, y: bottom, failures: list, of: rows.length}))};
    }

    function ticks(low, high) {
        const step = 10 ** Math.floor(Math.log10(high - low)) / 100;
        return (value) => figure.latency(Math.round(value / step) * step);
    }

    function describe(solution, rows) {
        const sets = rows ? rowSets(rows) : meanSets(solution);
        const ys = sets.flatMap((set) => set.data.map((point) => point.y)).filter((y) => y > 0);
        let [low, high] = figure.extent(ys);
        const isLog = high > 4 * low;
        if (isLog) {
            [low, high] = [low * 0.85, high * 1.15];
        } else { /* 10 % at least, or noise fills the chart */
            const room = Math.max((high - low) * 0.12, (low * 1.1 - high) / 2);
            [low, high] = [low - room, high + room];
        }
        sets.push(failures(rows || solution.rows, low));
        const y = plot.axis("latency", isLog ? "logarithmic" : "linear",
            isLog ? figure.latency : ticks(low, high), {min: low, max: high});
        y.ticks.includeBounds = false;
        const events = solution.events.map((event) => ({run: event.run,
            color: event.last ? "void" : event.ratio < 1 || event.kind === "FIXED" ? "passed" : "failed"}));
        return {type: "line", data: {datasets: sets}, plugins: [verticals(events)], options: {
            parsing: false, interaction: {mode: "nearest", intersect: true},
            scales: {
                x: plot.axis("run", "linear", (value) => runs[value] ? label(value) : "",
                    {min: -0.5, max: runs.length - 0.5, grid: {display: false}}),
                y},
            plugins: {tooltip: {filter: (item) => item.dataset.label !== "", callbacks: {
                title: (items) => items.length ? title(items[0].raw.x) : "",
                label: (item) => told(item, solution)}}}}};
    }

    const short = (name) => name.length > 12 ? ".." + name.slice(-10) : name;
    const label = (run) => historyData.day(run) ? [short(runs[run].name), historyData.day(run).slice(5)]
        : short(runs[run].name);

    function title(run) {
        return "run " + (run + 1) + ": " + [runs[run].name, historyData.minute(run)]
            .filter((text) => text).join(", ");
    }

    function told(item, solution) {
        const {mark, failures: failed, of, x, y} = item.raw;
        if (failed)
            return failed.length + " of " + figure.count(of, "row") + ": " +
                [...new Set(failed.map((failure) => failure.status +
                    (failure.reason ? ", " + failure.reason.slice(0, 80) : "")))].join("; ");
        if (mark)
            return [(mark.row ? mark.row.text + ": " : "") + historyData.ratio(mark.ratio) + " (" +
                historyData.ratio(mark.low) + " .. " + historyData.ratio(mark.high) + ")" +
                (mark.last ? ", only the last run: may be an outlier" : ""),
            ...(mark.rows ? [mark.rows + " of " + figure.count(mark.of, "row")] : [])];
        const text = item.dataset.label + ": " + figure.latency(y);
        if (of === solution)
            return text;
        return [text + (of.spread[x] > 0 ? ", trials differ by " +
            figure.percent(100 * of.spread[x]) : ""),
        ...(of.crowded.includes(x) ? ["other programs ran beside it: left out"] : [])];
    }

    /* Draws all rows, some, or with null their mean. */
    function draw(frame, solution, rows) {
        plot.draw(frame, "Latency of " + solution.name + " over " + runs.length +
            " runs; the tables have the figures", () => describe(solution, rows));
    }

    return {draw};
})();
