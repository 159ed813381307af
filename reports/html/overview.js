"use strict";
/* overview: what ran, where, how much of it passed, and what failed and why. */
const overview = (() => {
    const MAX_FAILURES = 10;

    function bar(score) {
        const parts = [["passed", score.passed], ["failed", score.failed], ["void", score.void],
            ["notrun", score.notrun], ["waiting", score.waiting]].filter(([, many]) => many > 0);
        const names = {notrun: "not run"};
        const legend = parts.map(([kind, many]) => element("li", {},
            element("button.kind." + kind, {type: "button", "data-kind": kind,
                onclick: () => { filter.set({kind}); location.hash = "#cells"; }},
            element("b", {}, many.toLocaleString("en")), " " + (names[kind] || kind))));
        return [element("div.meter", {"aria-hidden": "true"}, parts.map(([kind, many]) =>
            element("span." + kind, {style: "flex-grow:" + many}))),
        element("ul.kinds", {"aria-label": "Verdicts"}, legend)];
    }

    /* "nvidia driver 580, compiler 12.2.0": what environment.libs of the newest trace says. */
    function facts() {
        const {run} = data;
        const libs = Object.entries(run.libs).map(([name, version]) => name + " " + version);
        const spent = run.judging_ms > 0
            ? figure.latency(run.judging_ms) + ", of it " + figure.latency(run.protocol_ms) +
                " flushes and calls" : null;
        return element.facts([["Device", run.hardware.join(", ")], ["Backend", run.backend +
            (run.arch.join() === run.backend ? "" : ", " + run.arch.join(", "))],
            ["Software", libs.join(", ")], ["Commit", run.commit],
            ["Newest trace", run.newest.replace("T", " ").replace("Z", " UTC")],
            ["Judging took", spent]]);
    }

    /* Cells of one definition, solution and verdict are said once. */
    function failures() {
        const groups = new Map();
        for (const cell of data.cells) {
            if (cell.kind !== "failed")
                continue;
            const key = cell.definition.name + "\n" + cell.solution.name + "\n" + cell.status;
            if (!groups.has(key))
                groups.set(key, []);
            groups.get(key).push(cell);
        }
        return [...groups.values()];
    }

    function failure(cells) {
        const [first] = cells, {definition, solution} = first;
        const all = definition.workloads.length;
        return element("li", {},
            element("span.badge.failed", {}, first.state),
            element("div", {}, element("a", {href: data.key(first)},
                    figure.solution(solution.name, definition.name)),
                element("span.muted", {}, " of " + definition.name + ", " +
                    (cells.length === 1 ? first.workload.text
                        : cells.length + " of " + all + " workloads"))),
            element("div.reason", {}, data.text(first, "reason") || "the trace gives no reason"),
            element("code.paper", {}, data.command(first)));
    }

    function failed(groups, many) {
        if (!groups.length)
            return [];
        const more = groups.length > MAX_FAILURES
            ? element("p", {}, element("button.plain", {type: "button", onclick: () => {
                filter.set({kind: "failed"});
                location.hash = "#cells";
            }}, "and " + figure.count(groups.length - MAX_FAILURES, "more group"))) : null;
        return [element("h2", {}, "Failed ", element("small", {}, figure.count(many, "cell"))),
            element("ul.failures", {}, groups.slice(0, MAX_FAILURES).map(failure)), more];
    }

    /* What `ninja gate` found, when it looked at these traces. */
    function gate() {
        const {gate: found} = data;
        if (!found)
            return [element("p.muted", {}, "Not compared with earlier traces: ./configure" +
                " --baseline=DIR, then ninja gate.")];
        const counts = Object.entries(found.counts).filter(([, many]) => many)
            .map(([verdict, many]) => many.toLocaleString("en") + " " + verdict).join(", ");
        const good = (one) => ["FASTER", "FIXED"].includes(one.verdict);
        const address = data.gateKey;
        const where = (one) => {
            const cell = data.find(address(one));
            return cell ? cell.workload.text : figure.uuid(one.uuid);
        };
        const line = (one) => element("li", {},
            element("span.badge." + (good(one) ? "passed" : "failed"), {}, one.verdict),
            element("div", {}, element("a", {href: address(one)},
                figure.solution(one.solution, one.definition)),
            element("span.muted", {}, " of " + one.definition + ", " + where(one))),
            element("div", {}, figure.change(one)));
        const worse = found.cells.filter((one) => !good(one)), better = found.cells.filter(good);
        return [element("h2", {}, "Against the baseline ",
            element("small", {}, counts + "; changes over " + figure.percent(100 * found.threshold) +
                " of " + found.baseline.path)),
        element("ul.failures.gate", {}, [...worse.slice(0, MAX_FAILURES),
            ...better.slice(0, MAX_FAILURES)].map(line))];
    }

    function doubts() {
        const rows = data.flags.map((flag, bit) => [flag,
            data.cells.filter((cell) => cell.flags >> bit & 1).length]).filter(([, many]) => many);
        if (!rows.length)
            return [];
        return [element("h2", {}, "Flags"), element("ul.flags", {}, rows.map(([flag, many]) =>
            element("li", {}, element("button.plain", {type: "button", onclick: () => {
                filter.set({text: flag.name});
                location.hash = "#cells";
            }}, flag.name), " " + figure.count(many, "cell") + "; " + flag.of_all)))];
    }

    function show(section) {
        const score = data.score(data.cells), {run} = data;
        const where = run.hardware.length ? run.hardware.join(", ") : run.backend;
        document.title = "tracemill: " + score.passed + " of " + score.cells + " passed, " + where;
        const planned = data.definitions.filter((definition) => definition.cells.length).length;
        section.replaceChildren(
            element("h1#title", {}, figure.count(score.cells, "cell") + " over " +
                figure.count(planned, "definition")),
            ...bar(score), facts(),
            run.detailed ? null : element("p.note", {}, "With this many cells the page has no" +
                " samples, statistics of trials, logs and sources; the traces have them."),
            run.dataset_errors ? element("p.note", {}, "The dataset has " +
                figure.count(run.dataset_errors, "error") + ": ninja check tells them.") : null,
            plot.has ? null : element("p.muted", {}, "Tables instead of charts: tm-report was built" +
                " without Chart.js (./configure --install-deps)."),
            run.hardware.length > 1 ? element("p.note", {}, "Traces of several devices: latencies of" +
                " different cells need not be comparable.") : null,
            ...gate(), ...failed(failures(), score.failed), ...doubts());
        for (const child of [...section.childNodes])
            if (child.nodeType === Node.TEXT_NODE)
                child.remove(); /* of what there was nothing to say */
    }

    /* What the plan left out, reason by reason. */
    function rest(section) {
        const groups = new Map();
        for (const [kind, name, definition, reason] of [...data.waiting, ...data.notPlanned]) {
            const key = kind + "\n" + reason;
            if (!groups.has(key))
                groups.set(key, {kind, reason, names: []});
            groups.get(key).names.push(kind === "workload" && definition
                ? definition + " " + figure.uuid(name) : name);
        }
        section.replaceChildren(element("h2#rest-title", {}, "Left out ",
            element("small", {}, "what the dataset has and the matrix has not")));
        if (!groups.size)
            section.append(element("p", {}, "Nothing."));
        for (const {kind, reason, names} of groups.values())
            section.append(element("details", {}, element("summary", {},
                element("b", {}, kind.startsWith("NEEDS_") ? kind
                    : figure.count(names.length, kind)),
                (kind.startsWith("NEEDS_") ? " " + figure.count(names.length, "solution") : "") +
                ": " + reason),
            element("ul.names", {}, names.map((name) => element("li", {}, name)))));
    }

    return {show, rest};
})();
