"use strict";
/* cell: everything about one cell, in a dialog that #cell=DEFINITION/SOLUTION/UUID opens. */
const cell = (() => {
    const dialog = document.getElementById("cell");
    let shown = null, before = "#cells";

    function link(text, label, target) {
        return target ? element("a.step", {href: data.key(target), "aria-label": label}, text)
            : element("span.step.muted", {"aria-hidden": "true"}, text);
    }

    const ns = (value) => figure.latency(value / 1e6);

    function statistics(one) {
        const low = data.detail(one, "low_ns"), high = data.detail(one, "high_ns");
        const {workload} = one;
        return element.facts([["Latency", one.latency > 0 ? figure.latency(one.latency) : null],
            ["Median, 95% interval", low > 0 ? figure.range(low / 1e6, high / 1e6) : null],
            ["Reference", one.reference > 0 ? figure.latency(one.reference) : null],
            ["Speedup over the reference", one.speedup > 0 ? figure.speedup(one.speedup) : null],
            ["Limit of the device", workload.limit_ns > 0
                ? ns(workload.limit_ns) + " (" + workload.limited_by + ")" : null],
            ["Of the limit", one.percent > 0 ? figure.percent(one.percent) : null]]);
    }

    function trials(one) {
        const list = data.detail(one, "trials") || [];
        if (!list.length)
            return [];
        return [element.table("Trials", ["trial", "samples", "min", "p10", "median", "p90", "mean",
            "std. dev."], list.map(([samples, ...times], i) => [String(i + 1), String(samples),
            ...times.map(ns)]), [0, 1, 2, 3, 4, 5, 6, 7])];
    }

    /* How many samples fell on each level, over all trials. */
    function distribution(one) {
        const samples = data.samples(one);
        if (!samples)
            return [];
        const BINS = 32, {low, high, most, last, beyond} = samples, all = samples.trials.flat();
        const slow = all.filter((level) => level === beyond).length;
        const counts = new Array(BINS).fill(0);
        for (const level of all)
            if (level !== beyond)
                counts[Math.min(BINS - 1, Math.floor(level / (last + 1) * BINS))]++;
        const edge = (i) => low + (high - low) * i / BINS, mark = figure.scale(low / 1e6, high / 1e6);
        const at = (i) => mark(edge(i) / 1e6);
        const frame = element("div.chart.small", {});
        const label = figure.count(all.length, "sample") + " from " + ns(low) + " to " + ns(most);
        plot.draw(frame, "Distribution of " + label, () => ({type: "bar",
            data: {labels: counts.map((_, i) => at(i + 0.5)), datasets: [{data: counts,
                backgroundColor: theme.color("series-0"), barPercentage: 1, categoryPercentage: 0.96}]},
            options: {scales: {
                x: plot.axis("latency of a call", "category", (i) => at(i + 0.5), {grid: {display: false}}),
                y: plot.axis("samples", "linear", (value) => Number.isInteger(value) ? value : null)},
            plugins: {tooltip: {callbacks: {title: (items) => at(items[0].dataIndex) + " .. " +
                at(items[0].dataIndex + 1), label: (item) => figure.count(item.raw, "sample")}}}}}));
        return [element("h3", {}, "Samples ", element("small", {}, label +
            (slow ? "; " + slow + " beyond " + ns(high) + " are not drawn" : ""))), frame];
    }

    function correctness(one) {
        const extra = data.detail(one, "extra");
        if (typeof one.absolute === "number" && one.absolute < 0)
            return [];
        const l2 = extra ? Object.entries(extra.relative_l2 || {}).map(
            ([name, value]) => name + " " + figure.error(value)).join(", ") : null;
        return [element("h3", {}, "Correctness"), element.facts([
            ["Largest absolute error", figure.error(one.absolute)],
            ["Largest relative error", figure.error(one.relative)],
            ["Relative L2", l2], ["Matched", extra && extra.matched_ratio !== undefined
                ? extra.matched_ratio === 1 ? "all" : +(100 * extra.matched_ratio).toPrecision(6) + "%" : null],
            ["Total variation", extra && extra.tvd !== undefined
                ? figure.error(extra.tvd) + " of " + figure.error(extra.tvd_limit) : null],
            ["Evaluator", extra ? extra.evaluator : null]])];
    }

    function code(title, text, open) {
        return element("details", open ? {open: true} : {}, element("summary", {}, title),
            element("pre", {tabindex: 0}, text));
    }

    function repeat(one) {
        const command = data.command(one);
        if (!command)
            return [];
        const line = element("pre.command", {tabindex: 0, id: "command"}, command);
        const button = element("button", {type: "button", onclick: () => {
            getSelection().selectAllChildren(line);
            if (navigator.clipboard)
                navigator.clipboard.writeText(command).then(() => {
                    button.textContent = "copied";
                }, () => {});
        }}, "copy");
        return [element("h3", {}, "Repeat it ", element("small", {}, "where ninja ran "), button), line,
            element("p.muted", {}, "Trace: " + data.tracePath(one))];
    }

    function log(one) {
        const text = data.text(one, "log"), path = data.text(one, "log_path");
        return text || path ? [element("h3", {}, "Log ", path ? element("small", {}, path) : ""),
            text ? element("pre.log", {tabindex: 0}, text) : ""] : [];
    }

    function sources(one) {
        const files = data.source(one.solution);
        return files.length ? [element("h3", {}, "Source"), ...files.map(([path, text], i) =>
            code(path, text, i === 0 && files.length === 1 && text.length < 4000))] : [];
    }

    function build(one) {
        const {definition: of, solution, workload} = one, flags = data.flagsOf(one);
        const reason = data.text(one, "reason"), change = data.change(one);
        dialog.replaceChildren(element("header", {},
            element("span.badge." + one.kind, {}, one.state),
            element("span.steps", {}, link("\u2190", "Previous cell", table.beside(one, -1)),
                link("\u2192", "Next cell", table.beside(one, 1)),
                element("button", {type: "button", id: "cell-close", "aria-label": "Close",
                    onclick: () => dialog.close()}, "close"))),
        element("h2#cell-title", {}, solution.name),
        element("p.muted", {}, "by " + solution.author + ", " + solution.language + ", of ",
            element("a", {href: "#definition=" + encodeURIComponent(of.name)}, of.name)),
        reason ? element("p.reason", {}, reason) : "",
        element.facts([...Object.entries(workload.axes || {}).map(
            ([name, value]) => [name, String(value)]), ["Workload", workload.uuid]]),
        flags.length ? element("ul.flags", {}, flags.map((flag) =>
            element("li", {}, element("b", {}, flag.name), ": " + flag.advice))) : "",
        workload.weak ? element("p.note", {}, "A plainly wrong answer would pass this workload: " +
            workload.weak.map((weak) => weak.output + " (" + weak.passes.join(", ") + ")")
                .join("; ")) : "",
        change ? element("p.change", {}, element("b", {}, change.verdict), " against the baseline: " +
            figure.change(change)) : "",
        statistics(one));
        const rest = [...trials(one), ...distribution(one), ...correctness(one), ...repeat(one),
            ...log(one), ...sources(one)];
        dialog.append(...rest);
        if (!data.run.detailed)
            dialog.append(element("p.note", {}, "This page has no samples, logs and sources:" +
                " there are too many cells; the trace has them."));
    }

    function show(hash) {
        const one = data.find(hash);
        if (!one)
            return;
        if (one !== shown || !dialog.open) {
            shown = one;
            if (!dialog.open)
                dialog.showModal();
            build(one);
            dialog.scrollTop = 0;
        }
    }

    function hide() {
        if (dialog.open)
            dialog.close();
    }

    dialog.addEventListener("close", () => {
        shown = null;
        if (location.hash.startsWith("#cell="))
            history.pushState(null, "", before);
    });
    dialog.addEventListener("click", (event) => {
        if (event.target === dialog) /* beside it */
            dialog.close();
    });
    dialog.addEventListener("keydown", (event) => {
        const step = {ArrowLeft: -1, ArrowRight: 1}[event.key];
        const next = step && !event.target.closest("pre,.scroll") ? table.beside(shown, step) : null;
        if (next)
            location.hash = data.key(next);
    });
    return {show, hide};
})();
