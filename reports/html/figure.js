"use strict";
/* figure: how numbers and names are shown; as reports/figure.c does in summary.txt. */
const figure = (() => {
    const NOTHING = "-";

    function digits(value) {
        if (value < 9.995)
            return value.toFixed(2);
        return value < 99.95 ? value.toFixed(1) : value.toFixed(0);
    }

    function latency(ms) {
        if (!(ms > 0) || !Number.isFinite(ms))
            return NOTHING;
        const units = [["ns", 1e6], ["us", 1e3], ["ms", 1], ["s", 1e-3]];
        for (const [unit, factor] of units)
            if (ms * factor < 999.5 || unit === "s") {
                const value = ms * factor;
                return (unit === "ns" ? value.toFixed(0) : digits(value)) + " " + unit;
            }
        return NOTHING;
    }

    /* A round latency, as a scale has it: "1.5 us", "2 ms". */
    function mark(ms) {
        const [value, unit] = latency(ms).split(" ");
        return unit ? Number(value) + " " + unit : value;
    }

    /* Shows latencies between two in one unit, with the digits that tell a tenth of the way apart. */
    function scale(least, most) {
        const [, unit = "ms"] = latency(most).split(" ");
        const factor = {ns: 1e6, us: 1e3, ms: 1, s: 1e-3}[unit];
        const digits = Math.ceil(-Math.log10((most - least) * factor / 10 || 1));
        return (ms) => (ms * factor).toFixed(Math.min(Math.max(digits, 0), 6)) + " " + unit;
    }

    function range(least, most) {
        const low = latency(least), high = latency(most);
        if (low === high)
            return low;
        const [value, unit] = low.split(" ");
        return high.endsWith(" " + unit) ? value + " .. " + high : low + " .. " + high;
    }

    function speedup(value) {
        if (!(value > 0) || !Number.isFinite(value))
            return NOTHING;
        return (value < 0.0995 ? value.toPrecision(2) : digits(value)) + "x";
    }

    function percent(value) {
        if (!(value > 0) || !Number.isFinite(value))
            return NOTHING;
        if (value < 0.1)
            return "<0.1%";
        return (value < 9.95 ? value.toFixed(1) : value.toFixed(0)) + "%";
    }

    const share = (part) => (100 * part).toFixed(part === 1 || part === 0 ? 0 : 1) + "%";

    /* What `ninja gate` says of a cell. */
    function change(one) {
        const before = one.latency_before_ms ? latency(one.latency_before_ms) : one.status_before;
        const now = one.latency_ms ? latency(one.latency_ms) : one.why || one.status;
        return before + " \u2192 " + now + (one.ratio ? ", times " + one.ratio.toFixed(3) + " (" +
            one.ratio_low.toFixed(3) + " .. " + one.ratio_high.toFixed(3) + ")" : "");
    }

    /* An error, which may be the string of a trace: "Infinity", "NaN". */
    function error(value) {
        if (typeof value === "string")
            return value;
        if (!(value >= 0))
            return NOTHING;
        return value === 0 ? "0"
            : value < 1e-3 || value >= 1e4 ? value.toExponential(1) : String(+value.toPrecision(3));
    }

    const count = (number, noun) =>
        number.toLocaleString("en") + " " + noun + (number === 1 ? "" : "s");

    /* The first eight digits of a uuid, or a short name. */
    const uuid = (name) => /^[0-9a-f]{8}-/.test(name) ? name.slice(0, 8)
        : name.length > 20 ? name.slice(0, 18) + ".." : name;

    /* A name so short that several stand side by side: its two ends. */
    const short = (name) => name.length > 18 ? name.slice(0, 8) + "\u2026" + name.slice(-8) : name;

    /* A solution's name without its definition's, which stands beside it. */
    function solution(name, definition) {
        const end = "_" + definition;
        return name.endsWith(end) ? name.slice(0, -end.length) + "_*"
            : name.replace(end + "+", "_*+");
    }

    /* [least, most]; Math.min(...values) throws where there are a hundred thousand. */
    const extent = (values) => values.reduce(([least, most], value) =>
        [Math.min(least, value), Math.max(most, value)], [Infinity, -Infinity]);

    return {latency, mark, scale, range, extent, speedup, percent, share, change, error, count, uuid, short, solution, NOTHING};
})();
