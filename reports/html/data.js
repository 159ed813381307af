"use strict";
/* data: the object in the page (reports/html_*.c), as definitions, solutions and cells. */
const data = (() => {
    const raw = JSON.parse(document.getElementById("data").textContent);
    const columns = raw.cells;
    const {statuses, flags, run, ranking} = raw;
    const PASSED = statuses.indexOf("PASSED"), VOID = statuses.indexOf("VOID");
    const cells = [];

    /* A component of a path, as tm_text_add_component writes it. */
    function component(name) {
        let path = "";
        for (const byte of new TextEncoder().encode(name)) {
            const char = String.fromCharCode(byte);
            const plain = /[A-Za-z0-9_.+=-]/.test(char) && !(path === "" && char === ".");
            path += plain ? char : "%" + byte.toString(16).toUpperCase().padStart(2, "0");
        }
        return path || "%";
    }

    /* "98773f58 (batch_size=7)" without the uuid where axes tell. */
    function axesText(axes) {
        return Object.entries(axes || {}).map(([name, value]) => name + "=" + value).join(" ");
    }

    for (const definition of raw.definitions) {
        definition.axes = [...new Set(definition.workloads.flatMap(
            (workload) => Object.keys(workload.axes || {})))];
        definition.workloads.forEach((workload, place) => {
            workload.place = place;
            workload.text = axesText(workload.axes) || figure.uuid(workload.uuid);
        });
        definition.cells = [];
        definition.solutions.forEach((solution, s) => {
            solution.definition = definition;
            solution.series = s;
            solution.cells = definition.workloads.map((workload, w) => {
                const index = cells.length;
                const cell = {index, definition, solution, workload, place: w,
                    status: columns.status[index], latency: columns.latency_ms[index],
                    reference: columns.reference_ms[index], percent: columns.percent[index],
                    absolute: columns.absolute[index], relative: columns.relative[index],
                    flags: columns.flags[index]};
                cell.passed = cell.status === PASSED;
                cell.speedup = cell.passed && cell.latency > 0 ? cell.reference / cell.latency : 0;
                cell.state = solution.needs || statuses[cell.status];
                cell.kind = cell.passed ? "passed" : cell.status === VOID ? "void"
                    : cell.status > VOID + 1 && solution.needs ? "waiting"
                    : statuses[cell.status] === "NOT_RUN" ? "notrun" : "failed";
                cells.push(cell);
                return cell;
            });
            for (const cell of solution.cells)
                definition.cells.push(cell);
        });
    }

    const geomean = (values) => values.length
        ? Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length) : 0;

    /* Counts and means of some cells. */
    function score(list) {
        const kinds = {passed: 0, failed: 0, void: 0, notrun: 0, waiting: 0};
        for (const cell of list)
            kinds[cell.kind]++;
        const timed = list.filter((cell) => cell.passed && cell.latency > 0)
            .map((cell) => cell.latency);
        const [least, most] = timed.length ? figure.extent(timed) : [0, 0];
        return {...kinds, cells: list.length - kinds.waiting,
            least, most,
            speedup: geomean(list.map((cell) => cell.speedup).filter((value) => value > 0)),
            percent: list.reduce((best, cell) => Math.max(best, cell.percent), 0)};
    }

    const detail = (cell, column) => columns[column] ? columns[column][cell.index] : null;
    const text = (cell, column) => raw.texts[detail(cell, column) || 0];
    const flagsOf = (cell) => flags.filter((_, bit) => cell.flags >> bit & 1);

    function command(cell) {
        if (cell.kind === "waiting")
            return "";
        const {definition, solution, workload, place} = cell;
        const object = component(solution.name) + (solution.objects ? solution.objects[place] : "");
        const seed = detail(cell, "seed");
        return "build/harness/" + component(definition.name) + "/" + component(workload.uuid) +
            " --solution build/solutions/" + object + ".so" + (seed ? " --seed=" + seed : "");
    }

    function tracePath(cell) {
        const {definition, solution, workload} = cell;
        return "build/traces/" + [solution.author, definition.op_type, definition.name,
            solution.name, workload.uuid].map(component).join("/") + ".json";
    }

    /* [{values: [ns, ...], beyond}] of each trial. */
    function samples(cell) {
        const packed = detail(cell, "samples");
        if (!packed)
            return null;
        const [low, high, most, levels] = packed;
        const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        const trials = levels.split(".").map((trial) => [...trial].map((d) => digits.indexOf(d)));
        return {low, high, most, trials, last: 62, beyond: 63};
    }

    const address = (...names) => "#cell=" + names.map(encodeURIComponent).join("/");
    const key = (cell) => address(cell.definition.name, cell.solution.name, cell.workload.uuid);
    /* Of a cell that `ninja gate` tells of. */
    const gateKey = (one) => address(one.definition, one.solution, one.uuid);

    function find(hash) {
        const names = hash.slice("#cell=".length).split("/").map(decodeURIComponent);
        return cells.find((cell) => cell.definition.name === names[0] &&
            cell.solution.name === names[1] && cell.workload.uuid === names[2]);
    }

    const change = (cell) => raw.gate
        ? raw.gate.cells.find((one) => gateKey(one) === key(cell)) : undefined;

    return {run, ranking, statuses, flags, definitions: raw.definitions, cells, gate: raw.gate,
        score, detail, text, flagsOf, command, tracePath, samples, key, gateKey, change, find, geomean, notPlanned: raw.not_planned,
        waiting: raw.waiting, source: (solution) => (solution.sources || []).map(
            ([path, number]) => [path, raw.texts[number]])};
})();
