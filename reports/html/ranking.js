"use strict";
/* ranking: authors against each other, and win@p, over the baseline author or the reference. */
const ranking = (() => {
    const bases = [["baseline", "the author baseline"], ["reference", "the native reference"]];
    let base, frame, holder;

    function look(author) {
        return plot.series(data.ranking.authors.map((one) => one.name).sort().indexOf(author.name));
    }

    function rows() {
        const authors = data.ranking.authors.filter((one) => one[base].definitions);
        authors.sort((a, b) => b[base].mean - a[base].mean || (a.name < b.name ? -1 : 1));
        return authors.map((author, i) => {
            const score = author[base];
            return [String(i + 1), author.name, String(score.definitions),
                figure.speedup(score.mean), figure.speedup(score.geomean), figure.share(score.win_rate),
                author.cells ? figure.share(author.passed / author.cells) : figure.NOTHING,
                author.passed + "/" + author.cells];
        });
    }

    function describe() {
        const {marks, authors} = data.ranking;
        const datasets = authors.filter((one) => one[base].workloads).map((author) => {
            const {color, shape, dash} = look(author);
            const points = marks.map((mark, i) => ({x: mark, y: author[base].win_at[i]}));
            return {label: author.name, data: points, borderColor: color, backgroundColor: color,
                borderDash: dash, borderWidth: 1.5, pointStyle: shape, pointRadius: 3, clip: 6};
        });
        const seen = datasets.flatMap((set) => set.data.filter((p) => p.y > 0 && p.y < 1).map((p) => p.x));
        const min = Math.min(0.5, ...seen), max = Math.max(2, ...seen) * 1.3;
        return {type: "line", data: {datasets}, options: {parsing: false,
            interaction: {mode: "nearest", intersect: false},
            scales: {x: plot.axis("p: times as fast as " + bases.find(([key]) => key === base)[1],
                "logarithmic", (value) => value + "x", {min, max}),
            y: plot.axis("share of workloads", "linear", (value) => Math.round(100 * value) + "%",
                {min: 0, max: 1})},
            plugins: {legend: {display: true, labels: {usePointStyle: true, boxWidth: 7, boxHeight: 7,
                color: theme.color("text")}},
            tooltip: {callbacks: {title: () => "", label: (item) => item.dataset.label + ": " +
                figure.share(item.raw.y) + " more than " + item.raw.x + "x"}}}}};
    }

    function show() {
        const {no_baseline: none, many_baselines: many} = data.ranking;
        const notes = base !== "baseline" ? [] : [
            none ? figure.count(none, "definition") + " without a solution of the author baseline" : "",
            many ? figure.count(many, "definition") + " with several" : ""].filter((note) => note);
        frame = element("div.chart", {});
        holder.replaceChildren(element.table("Authors over " + base, ["", "author", "definitions",
            "mean", "geomean", "win rate", "passed", "cells"], rows(), [0, 2, 3, 4, 5, 6, 7]),
        notes.length ? element("p.muted", {}, "Left out: " + notes.join(", ") + ".") : "", frame);
        plot.draw(frame, "win@p: share of workloads on which an author is more than p times as" +
            " fast; one line per author", describe);
    }

    function start(section) {
        const usable = bases.filter(([key]) => data.ranking.authors.some((one) => one[key].definitions));
        section.replaceChildren(element("h2#authors-title", {}, "Authors ", element("small", {},
            "the best solution of each definition counts; one with a failed cell scores 0")));
        if (!usable.length) {
            section.append(element("p", {}, "No timed cell to compare."));
            return;
        }
        [[base]] = usable;
        holder = element("div.ranking", {});
        const select = element("select", {"aria-label": "Speedup over", id: "base", onchange: () => {
            base = select.value;
            show();
        }}, usable.map(([key, text]) => element("option", {value: key}, "speedup over " + text)));
        section.append(select, holder);
        show();
    }

    return {start};
})();
