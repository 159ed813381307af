"use strict";
/* history_page: what changed, the solutions to choose from, and the one that is shown. */
(() => {
    const {raw, runs, events, solutions, devices, ratio, day} = historyData;
    const place = (id) => document.getElementById(id);
    const state = {shown: null, rows: null, byRow: false};
    let panel, list, empty;
    const filters = {};

    const runName = (run) => [day(run), runs[run].name].filter((text) => text).join(", ");

    /* A link, and what it belongs to. */
    const nameOf = (solution) => [element("a", {href: address(solution)},
        figure.solution(solution.name, solution.definition)), element("br"),
    element("small", {}, solution.definition + (devices.length > 1 ? " on " + solution.device : ""))];

    function overview() {
        const counts = raw.counts, facts = [
            ["runs", String(runs.length)],
            ["from", runName(0)], ["to", runName(runs.length - 1)],
            [devices.length > 1 ? "devices" : "device", devices.join("; ")],
            ["changed", counts.CHANGED + " of " + figure.count(
                Object.values(counts).reduce((sum, count) => sum + count, 0), "cell")],
            ["steady", String(counts.STEADY)],
            ["last run differs", counts.LAST_RUN_DIFFERS || null],
            ["too noisy for 10%", counts.TOO_NOISY || null],
            ["too few runs", counts.TOO_FEW_RUNS || null],
            ["never timed", counts.NEVER_TIMED || null],
            ["left out, machine busy", raw.crowded || null]];
        place("overview").replaceChildren(element("h1#title", {}, "History"),
            element.facts(facts.map(([term, value]) => [term, value && String(value)])),
            ...raw.waves.map((wave) => element("p.note", {}, runName(wave.run) + ": " +
                wave.solutions + " of " + wave.of + " solutions became " +
                wave.kind.toLowerCase() + " together; look at what they share (machine, driver," +
                " compiler, harness) first.")));
    }

    /* ---- events ---- */

    function eventRow(event) {
        const of = event.of_solution;
        const line = element("tr", {onclick: () => { location.hash = address(of); }},
            element("td", {}, element("span.badge." + event.label, {}, event.label), element("br"),
                event.isStatus ? event.to : ratio(event.ratio)),
            element("td.name", {}, nameOf(of)),
            element("td", {}, element("span.day", {}, day(event.run)), " " + runs[event.run].name),
            element("td.number", {}, event.rows + "/" + event.of),
            element("td.reason.wide", {}, (event.isStatus ? "was " + event.from +
                (event.reason ? "; " + event.reason : "")
                : figure.latency(event.before) + " to " + figure.latency(event.after) + "; " +
                ratio(event.low) + " .. " + ratio(event.high)) +
                (event.same_code ? "; its own code is the same" : "") +
                (event.also ? "; also: " + event.also : "")));
        line.event = event;
        return line;
    }

    function eventTable() {
        const table = element.table("Changes", ["change", "solution", "since", "rows", "more"],
            [], [3]);
        list = table.querySelector("tbody");
        for (const event of events)
            list.append(eventRow(event));
        empty = element("p.muted", {}, "Nothing changed by more than " +
            +(100 * raw.threshold).toPrecision(3) + "%, and every cell passes as it did.");
        place("events").replaceChildren(element("h2#events-title", {}, "Changes ",
            element("small", {}, "largest first; since: the first run that is so; rows: of how many workloads;" +
                " intervals of 95 %")),
        events.length ? table : empty);
    }

    /* ---- solutions ---- */

    const address = (solution) => "#solution=" + [solution.definition, solution.name,
        ...(devices.length > 1 ? [solution.device] : [])].map(encodeURIComponent).join("/");

    function worst(solution) {
        const event = solution.events.find((one) => !one.isStatus && !one.last) ||
            solution.events[0];
        return !event ? "" : element("span.badge." + event.label, {},
            event.isStatus ? event.kind : event.last ? "AMBIGUOUS" : ratio(event.ratio));
    }

    function latest(solution) {
        const values = historyData.mean(solution).filter((ms) => ms > 0);
        return values.length ? values[values.length - 1] : 0;
    }

    function solutionRow(solution) {
        const line = element("tr", {"data-name": solution.name,
            onclick: () => { location.hash = address(solution); }},
        element("td.name", {}, nameOf(solution)),
        element("td.number", {}, figure.latency(latest(solution))),
        element("td", {}, worst(solution)));
        line.solution = solution;
        return line;
    }

    function apply() {
        const words = filters.text.value.toLowerCase().split(/\s+/).filter((word) => word);
        for (const line of place("solutions").querySelectorAll("tr[data-name]")) {
            const of = line.solution;
            const text = [of.name, of.definition, of.author, of.device,
                ...of.rows.map((row) => row.text)].join("\n").toLowerCase();
            line.hidden = !words.every((word) => text.includes(word)) ||
                (filters.definition.value && of.definition !== filters.definition.value) ||
                (filters.device.value && of.device !== filters.device.value) ||
                (filters.kind.value === "changed" && !of.events.length);
        }
        const shown = new Set([...place("solutions").querySelectorAll("tr[data-name]")]
            .filter((line) => !line.hidden).map((line) => line.solution));
        for (const line of list.children)
            line.hidden = !shown.has(line.event.of_solution);
    }

    function choice(name, label, options) {
        filters[name] = element("select", {id: "filter-" + name, "aria-label": label, onchange: apply,
            hidden: options.length < 2 && name !== "kind"},
        element("option", {value: ""}, label + ": all"),
        options.map((value) => element("option", {value}, value)));
        return filters[name];
    }

    function controls() {
        filters.text = element("input#filter-text", {type: "search", oninput: apply,
            "aria-label": "Words that solutions contain", placeholder: "solution, author, workload"});
        const names = [...new Set(solutions.map((solution) => solution.definition))];
        return element("form.filters", {role: "search", onsubmit: (event) => event.preventDefault()},
            filters.text, choice("definition", "definition", names),
            choice("device", "device", devices), choice("kind", "show", ["changed"]));
    }

    /* ---- the one that is shown ---- */

    function rowTable(solution) {
        const table = element.table("Rows of " + solution.name,
            ["workload", "first", "latest", "changes", "runs"], [], [1, 2, 4]);
        table.querySelector("tbody").append(...solution.rows.map((row) => {
            const timed = row.ms.filter((ms) => ms > 0);
            const changes = row.levels.slice(1).map((level) => ratio(level.ratio) + " since " +
                (day(level.begin) || runs[level.begin].name));
            const [last, failure] = [...row.failures].pop() || [-1];
            if (row.ms.findLastIndex((ms) => ms > 0) < last)
                changes.push(failure.status);
            return element("tr" + (timed.length ? "" : ".faint"), {},
                element("td", {}, element("button.plain", {type: "button", onclick: () => {
                    state.rows = state.rows && state.rows.includes(row) ? null : [row];
                    draw();
                }}, row.text)),
                element("td.number", {}, figure.latency(timed[0])),
                element("td.number", {}, figure.latency(timed[timed.length - 1])),
                element("td.reason", {}, changes.join(", ") || {STEADY: "steady", LAST_RUN_DIFFERS: "last run differs",
                    TOO_NOISY: "too noisy to tell", TOO_FEW_RUNS: "too few runs",
                    NEVER_TIMED: "never timed"}[row.verdict] || ""),
                element("td.number", {}, String(timed.length)));
        }));
        return table;
    }

    function draw() {
        const solution = state.shown, rows = state.rows || (state.byRow ? solution.rows : null);
        for (const line of panel.querySelectorAll("tbody tr"))
            line.classList.toggle("chosen", Boolean(state.rows) &&
                state.rows.includes(solution.rows[[...line.parentNode.children].indexOf(line)]));
        const what = state.rows ? state.rows[0].text
            : state.byRow ? "a line per workload" : "geometric mean of its rows";
        panel.querySelector("#shown").textContent = what;
        const frame = panel.querySelector(".chart");
        if (solution.rows.some((row) => row.ms.some((ms) => ms > 0)))
            historyChart.draw(frame, solution, rows);
        else
            frame.replaceChildren("It was never timed.");
    }

    function show(solution) {
        if (solution === state.shown)
            return;
        Object.assign(state, {shown: solution, rows: null});
        for (const line of place("solutions").querySelectorAll("tr[data-name]"))
            line.classList.toggle("chosen", line.solution === solution);
        const each = element("input#each", {type: "checkbox", checked: state.byRow,
            onchange: () => {
                Object.assign(state, {byRow: each.checked, rows: null});
                draw();
            }});
        panel.replaceChildren(element("h3", {}, solution.name),
            element("p.muted", {}, solution.definition + ", " + solution.author + " on " +
                solution.device + "; ", element("span#shown", {})),
            element("label", {}, each, "a line per workload"),
            element("div.chart", {}), rowTable(solution));
        draw();
    }

    function follow() {
        if (!location.hash.startsWith("#solution=")) {
            const section = place(location.hash.slice(1));
            if (section)
                section.scrollIntoView();
            return;
        }
        const [definition, name, device] = location.hash.slice("#solution=".length).split("/")
            .map(decodeURIComponent);
        const found = solutions.find((one) => one.definition === definition && one.name === name &&
            (!device || one.device === device));
        if (!found)
            return;
        show(found);
        panel.scrollIntoView({block: "nearest"});
    }

    function start() {
        const table = element.table("Solutions", ["solution", "latest", "changed"], [], [1]);
        for (const solution of solutions)
            table.querySelector("tbody").append(solutionRow(solution));
        panel = element("div.panel", {});
        place("solutions").replaceChildren(element("h2#solutions-title", {}, "Solutions ",
            element("small", {}, "latest: geometric mean of the rows")), controls(),
        element("div.split", {}, table, panel));
        show((events.find((event) => !event.isStatus) || {of_solution: solutions[0]}).of_solution);
        addEventListener("hashchange", follow);
        follow();
    }

    overview();
    eventTable();
    start();
})();
