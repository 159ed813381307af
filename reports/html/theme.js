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

    const root = document.documentElement;

    function paint(name) {
        root.dataset.theme = name === "auto" ? (system.matches ? "dark" : "light") : name;
        for (const listener of listeners)
            listener();
    }

    function set(name) {
        root.dataset.chosen = name;
        button.textContent = "theme: " + name;
        button.setAttribute("aria-label", "Theme: " + name + "; press to change");
        paint(name);
    }

    function change() {
        const next = names[(names.indexOf(root.dataset.chosen) + 1) % 3];
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
    system.addEventListener("change", () => set(root.dataset.chosen));
    addEventListener("beforeprint", () => paint("light")); /* paper is white */
    addEventListener("afterprint", () => paint(root.dataset.chosen));

    const color = (name) => getComputedStyle(root).getPropertyValue("--" + name).trim();
    return {color, listen: (listener) => listeners.push(listener)};
})();
