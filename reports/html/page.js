"use strict";
/* page: puts the parts in their places and follows the address. */
(() => {
    const place = (id) => document.getElementById(id);

    function follow() {
        if (location.hash.startsWith("#cell=")) {
            cell.show(location.hash);
            return;
        }
        cell.hide();
        if (location.hash.startsWith("#definition=")) {
            definition.show(decodeURIComponent(location.hash.slice("#definition=".length)));
            place("definitions").scrollIntoView();
        } else if (place(location.hash.slice(1))) {
            place(location.hash.slice(1)).scrollIntoView();
        }
    }

    overview.show(place("overview"));
    definition.start(place("definitions"));
    table.start(place("cells"));
    ranking.start(place("authors"));
    overview.rest(place("rest"));
    addEventListener("hashchange", follow);
    follow();
})();
