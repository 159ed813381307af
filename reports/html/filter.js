"use strict";
/* filter: which cells the table shows. Words must all occur in a cell's names, verdict, axes or
 * flags; "batch_size>=64" compares an axis. */
const filter = (() => {
    const state = {text: "", kind: "", op: "", author: "", definition: ""};
    const inputs = {}, listeners = [];

    function comparison(word) {
        const parts = /^([A-Za-z_]\w*)(<=|>=|!=|=|<|>)(-?[\d.]+)$/.exec(word);
        if (!parts)
            return null;
        const [, axis, sign, number] = parts, right = Number(number);
        const compare = {"<=": (a) => a <= right, ">=": (a) => a >= right, "!=": (a) => a !== right,
            "=": (a) => a === right, "<": (a) => a < right, ">": (a) => a > right}[sign];
        return (cell) => {
            const value = (cell.workload.axes || {})[axis];
            return value !== undefined && compare(value);
        };
    }

    function contains(word) {
        const lower = word.toLowerCase();
        return (cell) => {
            if (!cell.words)
                cell.words = [cell.definition.name, cell.solution.name, cell.solution.author,
                    cell.definition.op_type, cell.state, cell.workload.text, cell.workload.uuid,
                    ...data.flagsOf(cell).map((flag) => flag.name)].join("\n").toLowerCase();
            return cell.words.includes(lower);
        };
    }

    function apply() {
        const tests = state.text.split(/\s+/).filter((word) => word)
            .map((word) => comparison(word) || contains(word));
        return data.cells.filter((cell) =>
            (!state.kind || cell.kind === state.kind || cell.state === state.kind) &&
            (!state.op || cell.definition.op_type === state.op) &&
            (!state.author || cell.solution.author === state.author) &&
            (!state.definition || cell.definition.name === state.definition) &&
            tests.every((test) => test(cell)));
    }

    function changed() {
        for (const listener of listeners)
            listener();
    }

    /* What is not named is no longer filtered by. */
    function set(values) {
        for (const name of Object.keys(state)) {
            state[name] = values[name] || "";
            inputs[name].value = state[name];
        }
        changed();
    }

    function choice(name, label, options) {
        inputs[name] = element("select", {"aria-label": label, id: "filter-" + name,
            onchange: () => { state[name] = inputs[name].value; changed(); }},
        element("option", {value: ""}, label + ": all"),
        options.map(([value, text]) => element("option", {value}, text)));
        return inputs[name];
    }

    function controls() {
        const names = (list) => [...new Set(list)].sort().map((name) => [name, name]);
        const kinds = [["passed", "passed"], ["failed", "failed"], ["void", "void"],
            ["notrun", "not run"], ["waiting", "waiting"]].filter(
            ([kind]) => data.cells.some((cell) => cell.kind === kind));
        const states = names(data.cells.filter((cell) => cell.kind === "failed")
            .map((cell) => cell.state));
        inputs.text = element("input#filter-text", {type: "search", "aria-label": "Words that cells contain",
            placeholder: "words, or batch_size>=64", oninput: () => {
                state.text = inputs.text.value;
                changed();
            }});
        return element("form.filters", {role: "search", onsubmit: (event) => event.preventDefault()},
            inputs.text, choice("kind", "status", [...kinds, ...states]),
            choice("op", "op_type", names(data.definitions.map((one) => one.op_type))),
            choice("author", "author", names(data.cells.map((cell) => cell.solution.author))),
            choice("definition", "definition", data.definitions.filter((one) => one.cells.length)
                .map((one) => [one.name, one.name])),
            element("button", {type: "button", id: "filter-clear", onclick: () => set({})}, "clear"));
    }

    return {state, set, apply, controls, listen: (listener) => listeners.push(listener)};
})();
