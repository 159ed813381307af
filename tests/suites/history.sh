#!/bin/sh
# history.sh: tm-report history on 50 runs of 500 cells: what was planted is found, nothing else is,
# in seconds; and its page in a real browser: filters, charts, what is marked in them, theme, phone.
# What it says is in tests/cases/report-history, how it decides in tests/unit/test_change_point.c.
# Run it where tm-report has been built. TM_SCALE_SLACK=3 allows three times as long.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/browser.sh
. "$tests/browser.sh"

tm_report=$PWD/build/bin/tm-report
[ -x "$tm_report" ] || {
    failed history "expected build/bin/tm-report in the folder where this runs"
    finish
}
cd "$scratch" || exit 1
slack() { # milliseconds
    awk "BEGIN { print $1 * ${TM_SCALE_SLACK:-1} }"
}
now() {
    date +%s%N | cut -c1-13
}

awk -v RUNS=50 -v DEFINITIONS=10 -v SOLUTIONS=5 -v WORKLOADS=10 -f "$tests/scale/make_history.awk"
begin=$(now)
"$tm_report" history run?? --out=history.html >history.txt
expect history/status 0 $?
took=$(($(now) - begin))
if [ "$took" -le "$(slack 5000)" ]; then
    pass "history/time ($took ms)"
else
    failed history/time "50 runs of 500 cells took $took ms"
fi
expect history/counts '500 cells: 11 changed, 1 differs in its last run only, 488 steady.' \
    "$(grep '^500 cells' history.txt)"
"$tm_report" history run?? --json >history.json
if command -v jq >/dev/null 2>&1; then
    # Whatever the order in which folders are given.
    expect history/order "$(jq -c .events history.json)" \
        "$("$tm_report" history run5? run[13]? run2? run4? run0? --json | jq -c .events)"
    expect history/found 'FASTER 19 1/10 -20
SLOWER 11 10/10 5
SLOWER 49 1/10 49 ambiguous
BROKE 14 10/10' "$(jq -r '.events[] | "\(.kind) \(.run) \(.uuids | length)/\(.of_rows)" +
        (if .ratio then " \((.ratio - 1) * 100 | round)" else "" end) +
        (if .ambiguous then " ambiguous" else "" end)' history.json)"
    expect history/interval true "$(jq '.events[1] | .ratio_low < 1.05 and 1.05 < .ratio_high and
        .ratio_high - .ratio_low < 0.01' history.json)"
    # A run without some rows is no point of theirs, and no change.
    expect history/missing '[49,50]' "$(jq -c '[.cells[] | .points | length] | unique' history.json)"
else
    skipped history/json 'no jq'
fi

missing=$(browser_missing)
if [ -n "$missing" ]; then
    skipped history/page "no$missing: apt-get install chromium chromium-driver curl jq"
    finish
fi
trap 'browser_stop; cleanup' EXIT
browser_start || {
    cat "$scratch/chromedriver.log"
    failed history 'the browser did not start'
    finish
}
check() { # name, JavaScript that must become true
    got=$(browser_script "return ($2) === true")
    if [ "$got" = true ]; then pass "$1"; else failed "$1" "it is not so: $2"; fi
}
click() { # name of the check, selector
    why=$(browser_click "$2") || failed "$1" "$2 cannot be clicked: $why"
}
visible() { # of the solutions
    browser_script 'return [...document.querySelectorAll("#solutions tr[data-name]")].filter(
        (line) => !line.hidden).length'
}
# shellcheck disable=SC2016 # JavaScript
chart='document.querySelector(".panel canvas").chart'

browser_size 1280 900
browser_open "file://$scratch/history.html"
expect history/complaints '' "$(browser_complaints)"
expect history/fetched 0 "$(browser_script 'return performance.getEntriesByType("resource").length')"
took=$(browser_script 'return Math.round(performance.getEntriesByType("navigation")[0].domComplete)')
if [ "$took" -le "$(slack 2000)" ]; then
    pass "history/opened ($took ms)"
else
    failed history/opened "the page took $took ms"
fi
expect history/changes '4 50' "$(browser_script 'return document.querySelectorAll(
    "#events tbody tr").length + " " + document.querySelectorAll("#solutions tr[data-name]").length')"
expect history/event 'SLOWER +5.0% solution_1_* definition_1 2026-09-12 run12 10/10' \
    "$(browser_text '#events tbody tr:nth-child(2)' | tr '\n' ' ' | sed 's/ [0-9.]* us to.*//')"

# ---- charts ----

click history/event '#events tbody tr:nth-child(2) a'
check history/address 'location.hash === "#solution=definition_1/solution_1_definition_1"'
if [ "$(browser_script 'return plot.has')" = true ]; then
    check history/mean "$chart.data.datasets[0].data.length === 50 &&
        $chart.data.datasets.find((set) => set.label === 'changes').data[0].x === 11"
    expect history/hover 'run 12: run12, 2026-09-12 12:00
+5.0% 10 of 10 rows' "$(browser_script "const chart = $chart;
        const set = chart.data.datasets.findIndex((one) => one.label === 'changes');
        chart.tooltip.setActiveElements([{datasetIndex: set, index: 0}], {x: 0, y: 0});
        chart.update();
        return chart.tooltip.title[0] + '\n' + chart.tooltip.body[0].lines.join(' ').replace(/ \(.*?\)/, '')")"
    click history/each '#each'
    check history/each "$chart.data.datasets.filter((set) => set.label.startsWith('batch_size')).length === 10 &&
        $chart.data.datasets.find((set) => set.label === 'changes').data.length === 10"
    click history/row '.panel tbody tr:nth-child(2) button'
    check history/row "$chart.data.datasets[0].label === 'batch_size=2, k=64' &&
        $chart.data.datasets.filter((set) => set.label === '').length === 2"
    # What stopped passing is a cross along the bottom.
    browser_script 'location.hash = "#solution=definition_3/solution_2_definition_3"' >/dev/null
    sleep 0.2
    check history/failed "$chart.data.datasets.find((set) => set.label === 'not passed').data.length === 36"
else
    skipped history/charts 'this tm-report has no chart library'
    browser_script 'location.hash = "#solution=definition_3/solution_2_definition_3"' >/dev/null
    sleep 0.2
fi
check history/status 'document.querySelector(".panel tbody td.reason").textContent === "RUNTIME_ERROR"'

# ---- filters ----

browser_type '#filter-text' 'author_2 definition_3'
expect history/words 1 "$(visible)"
browser_script 'filters = document.getElementById("filter-text"); filters.value = "";
    filters.dispatchEvent(new Event("input"))' >/dev/null
click history/definition '#filter-definition option[value=definition_7]'
expect history/definition '5 0' "$(visible) $(browser_script 'return [...document.querySelectorAll(
    "#events tbody tr")].filter((line) => !line.hidden).length')"
click history/definition '#filter-definition option[value=""]'
click history/changed '#filter-kind option[value=changed]'
expect history/changed 4 "$(visible)"

# ---- theme and phone ----

click history/theme '#theme' # light
click history/theme '#theme' # dark
expect history/theme 'rgb(20, 23, 26)' \
    "$(browser_script 'return getComputedStyle(document.body).backgroundColor')"
for width in 360 390; do
    browser_size $width 844
    sleep 0.2
    expect "history/$width wide" "$width" \
        "$(browser_script 'return document.documentElement.scrollWidth')"
done
expect history/complaints '' "$(browser_complaints)"

# ---- hostile names ----

mkdir hostile
for run in 1 2 3 4 5 6; do
    mkdir "hostile/<img src=x onerror=owned=1>$run"
    jq -nc --argjson run $run '"</script><script>owned=1</script>" as $bad | {definition: $bad,
        solution: "\($bad)s", workload: {uuid: $bad, axes: {($bad): 1}, inputs: {}}, evaluation:
        ({environment: {hardware: $bad, libs: {}}, log: "", timestamp: "2026-01-0\($run)T00:00:00Z"} +
        if $run < 5 then {status: "PASSED", correctness: {max_relative_error: 0, max_absolute_error: 0},
        performance: {latency_ms: (if $run < 3 then 1 else 2 end), reference_latency_ms: 1, speedup_factor: 1}}
        else {status: "RUNTIME_ERROR", correctness: null, performance: null} end),
        tracemill: {author: $bad, op_type: $bad, clock: "cupti", reason: $bad}}' \
        >"hostile/<img src=x onerror=owned=1>$run/traces.jsonl"
done
"$tm_report" history hostile/* --out=hostile.html >/dev/null
expect history/hostile 0 $?
browser_open "file://$scratch/hostile.html"
check history/hostile 'typeof owned === "undefined" && document.images.length === 0 &&
    document.querySelectorAll("#events tbody tr").length === 2'
expect history/complaints '' "$(browser_complaints)"
finish
