"use strict";
/* theme: light, dark or as the system has it; remembered where a browser lets a file remember. */
const theme = (() => {
    const names = ["auto", "light", "dark"], listeners = [];
    const button = document.getElementById("theme");
    const system = matchMedia("(prefers-color-scheme: dark)");

    function stored() {
        try {
            return localStorage.getItem("tracemill-theme");
        } catch {
            return null;
        }
    }

    function set(name) {
        const root = document.documentElement;
        root.dataset.theme = name === "auto" ? (system.matches ? "dark" : "light") : name;
        root.dataset.chosen = name;
        button.replaceChildren(element("span", {}, "theme: "), name);
        button.setAttribute("aria-label", "Theme: " + name + "; press to change");
        for (const listener of listeners)
            listener();
    }

    function change() {
        const next = names[(names.indexOf(document.documentElement.dataset.chosen) + 1) % 3];
        set(next);
        try {
            localStorage.setItem("tracemill-theme", next);
        } catch {
            /* It is not remembered, then. */
        }
    }

    const first = stored();
    set(names.includes(first) ? first : "auto");
    button.addEventListener("click", change);
    system.addEventListener("change", () => set(document.documentElement.dataset.chosen));

    const color = (name) => getComputedStyle(document.documentElement).getPropertyValue("--" + name)
        .trim();
    return {color, listen: (listener) => listeners.push(listener)};
})();
