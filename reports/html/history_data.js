"use strict";
/* history_data: the object in the page (reports/history_data.c), as solutions, rows and events. */
const historyData = (() => {
    const raw = JSON.parse(document.getElementById("data").textContent);
    const {runs, events, solutions} = raw;

    const key = (definition, name, device) => JSON.stringify([definition, name, device]);
    const byKey = new Map();
    const order = new Intl.Collator("en", {numeric: true}).compare;
    solutions.sort((a, b) => order(a.definition, b.definition) || order(a.name, b.name) ||
        order(a.device, b.device));
    for (const solution of solutions) {
        solution.events = [];
        byKey.set(key(solution.definition, solution.name, solution.device), solution);
        for (const row of solution.rows)
            row.text = row.axes || figure.uuid(row.uuid);
        solution.rows.sort((a, b) => order(a.text, b.text));
        solution.rows.forEach((row, at) => {
            row.series = at;
            row.failures = new Map(row.failed.map(([run, status, reason]) =>
                [run, {status, reason}]));
        });
    }
    for (const event of events) {
        event.of_solution = byKey.get(key(event.definition, event.solution, event.device));
        event.of_solution.events.push(event);
        event.isStatus = event.from !== undefined;
        event.label = event.last ? "AMBIGUOUS" : event.kind;
    }

    function median(values) {
        const sorted = [...values].sort((a, b) => a - b), half = sorted.length >> 1;
        return sorted.length % 2 ? sorted[half] : Math.sqrt(sorted[half - 1] * sorted[half]);
    }

    const geomean = (values) =>
        Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);

    /* The geometric mean of a solution's rows, run by run: each row over its own median, so that a
     * run in which one is missing does not look like a change. 0: none was timed. */
    function mean(solution) {
        const rows = solution.rows.map((row) => ({row, timed: row.ms.filter((ms) => ms > 0)}))
            .filter(({timed}) => timed.length)
            .map(({row, timed}) => ({ms: row.ms, middle: median(timed)}));
        const level = rows.length ? geomean(rows.map((row) => row.middle)) : 0;
        return runs.map((_, run) => {
            const ratios = rows.filter((row) => row.ms[run] > 0)
                .map((row) => row.ms[run] / row.middle);
            return ratios.length ? level * geomean(ratios) : 0;
        });
    }

    /* "+5.3%", "-12.0%", "x3.4" */
    function ratio(value) {
        const percent = 100 * (value - 1);
        return value >= 2 ? "x" + +value.toPrecision(3)
            : (percent >= 0 ? "+" : "") + percent.toFixed(1) + "%";
    }

    const day = (run) => runs[run].time.slice(0, 10);
    const minute = (run) => runs[run].time.slice(0, 16).replace("T", " ");
    const devices = [...new Set(solutions.map((solution) => solution.device))];
    return {raw, runs, events, solutions, devices, mean, ratio, day, minute};
})();
