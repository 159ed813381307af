"use strict";
/* plot: one look for all charts, and what stands there without the chart library. */
const plot = (() => {
    const SERIES = 8, shapes = ["circle", "rect", "triangle", "rectRot", "crossRot", "star"];
    const live = new Map(); /* canvas -> a function that draws it */
    const has = typeof Chart !== "undefined";

    /* Eight colours that colour-blind people can tell apart; shapes and dashes go on from there. */
    function series(index) {
        return {color: theme.color("series-" + index % SERIES), shape: shapes[index % shapes.length],
            dash: [[], [6, 3], [2, 2], [8, 3, 2, 3]][Math.floor(index / SERIES) % 4]};
    }

    /* A tick at 1, 2 and 5 of each decade; of long axes at 1 only. */
    function logTick(format) {
        return function (value) {
            const first = Number(String(value.toExponential()).charAt(0));
            const exact = Math.abs(value / 10 ** Math.floor(Math.log10(value) + 1e-9) - first) < 1e-6;
            const long = Math.log10(this.max / this.min) > 3;
            return exact && (long ? [1] : [1, 2, 5]).includes(first) ? format(value) : null;
        };
    }

    function axis(title, type, format, more) {
        const line = theme.color("line"), text = theme.color("muted");
        return {type, title: {display: true, text: title, color: text}, grid: {color: line},
            border: {color: line}, ...more,
            ticks: {color: text, maxRotation: 0, autoSkipPadding: 8,
                callback: type === "logarithmic" ? logTick(format)
                    : function (value) { return format(value); }}};
    }

    /* Draws into a canvas inside `frame`, again when the theme changes. `describe` makes Chart.js's
     * configuration; `label` is for people who do not see it. */
    function draw(frame, label, describe) {
        for (const canvas of frame.querySelectorAll("canvas"))
            forget(canvas);
        frame.replaceChildren();
        if (!has) {
            frame.classList.add("empty");
            frame.append("A chart stands here when Chart.js is installed where the report is made" +
                " (./configure --install-deps).");
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
