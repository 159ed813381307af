#!/bin/sh
# html_odd.sh: report.html of matrices that are unlike others: of no cell, of one, without axes, with
# names longer than any screen, of two devices; and of a tm-report without the chart library.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/page.sh
. "$tests/page.sh"

tm_report=$PWD/build/bin/tm-report
start_build "$scratch/plain"
cd "$scratch" || exit 2

# matrix NAME ROWS: a report of two solutions over rows of [{uuid, axes, hardware}], all of definition
# $definition, and its page in the browser.
matrix() { # name, rows as JSON
    mkdir "$1"
    (
        cd "$1" || exit 2
        jq -n --arg definition "$definition" --argjson rows "$2" '{backend: "cpu", arch: ["cpu"], errors: 0,
            diagnostics: [], not_planned: [], definitions: (if $rows == [] then [] else [{name: $definition,
            op_type: "odd", reference: ("first_" + $definition), workloads: [$rows[].uuid], solutions: [("first", "second") |
            {name: (. + "_" + $definition), author: "ada", language: "c", sources: []}]}] end)}' >plan.json
        "$tm_report" --plan=plan.json --out=out --quiet || exit 2
        # Where a trace has to lie says tm-report itself.
        jq -r '.cells[].trace' out/report.json | while read -r trace; do
            mkdir -p "${trace%/*}"
            jq --arg trace "$trace" --arg definition "$definition" --argjson rows "$2" '
                (.cells | map(.trace) | index($trace)) as $at | .cells[$at] as $cell |
                ($rows[] | select(.uuid == $cell.uuid)) as $row | {definition: $definition,
                solution: $cell.solution, workload: {uuid: $row.uuid, axes: $row.axes, inputs: {}},
                evaluation: {environment: {hardware: $row.hardware, libs: {}}, log: "",
                timestamp: "2026-01-01T00:00:00Z", status: "PASSED", correctness: {max_relative_error: 0,
                max_absolute_error: ($row.error // 0)}, performance: {latency_ms: (0.1 + $at), reference_latency_ms: 2,
                speedup_factor: (2 / (0.1 + $at))}}, tracemill: {author: "ada", op_type: "odd", seed: 7,
                limit_ns: 5000, limited_by: "memory"}}' out/report.json >trace.json && mv trace.json "$trace"
        done
        "$tm_report" --plan=plan.json --out=out --quiet
    ) || failed "html_odd/$1" 'tm-report failed'
    browser_open "file://$scratch/$1/out/report.html"
    browser_size 1280 800
}
readable() { # name: at both widths, with and without a cell
    for width in 1280 360; do
        browser_size $width 800
        for hash in '"#cells"' 'data.cells.length ? data.key(data.cells[0]) : "#cells"'; do
            browser_script "location.hash = $hash" >/dev/null
            sleep 0.2
            for faults in overflow names contrast; do
                faulty=$(page_faults $faults)
                [ -z "$faulty" ] || failed "html_odd/$1, $faults at $width" "$faulty"
            done
        done
        browser_script 'location.hash = "#overview"' >/dev/null
    done
    expect "html_odd/$1, complaints" '' "$(browser_complaints)"
}
chart() { # JavaScript on scales and datasets
    browser_script 'const {data: {datasets}, scales: {x, y}} =
        document.querySelector(".panel canvas").chart; return '"$1"
}
definition=odd
charts=$(grep -c 'Chart.js v' "$tm_report")
drawn() { # name: skipped without the library
    [ "$charts" -gt 0 ] || skipped "$1" 'this tm-report has no chart library'
    [ "$charts" -gt 0 ]
}

matrix none '[]'
expect html_odd/none '0 cells over 0 definitions' "$(browser_text h1)"
expect html_odd/none 'There are no cells.' "$(browser_text .none)"
check html_odd/none 'document.getElementById("definitions").textContent.includes("No definition has a cell") &&
    document.getElementById("authors").textContent.includes("No timed cell")'
readable none

matrix one '[{"uuid": "only", "axes": {"n": 3}, "hardware": "a device"}]'
expect html_odd/one '2 cells over 1 definition' "$(browser_text h1)"
if drawn html_odd/one-chart; then
    expect html_odd/one-chart '3 2 1' \
        "$(chart '[x.ticks.map((tick) => tick.label).join(), datasets.length - 1, datasets[0].data.length].join(" ")')"
fi
browser_type '#filter-text' 'nothing-like-that'
expect html_odd/no-match 'No cell is like that.' "$(browser_text .none)"
click html_odd/clear '#filter-clear'
readable one

# No axis at all; then one whose value may be zero, on a scale that has a zero.
matrix axes '[{"uuid": "left", "axes": {}, "hardware": "a device"},
    {"uuid": "right", "axes": {}, "hardware": "another device"}]'
check html_odd/devices '[...document.querySelectorAll("#overview .note")].some((note) =>
    note.textContent.startsWith("Traces of several devices"))'
expect html_odd/devices 'a device, another device' "$(browser_script 'return [...document.querySelectorAll(
    "#overview dt")].find((one) => one.textContent === "Device").nextSibling.textContent')"
if drawn html_odd/axes; then
    expect html_odd/axes 'workload left,right 2' \
        "$(chart '[x.options.title.text, x.ticks.map((tick) => tick.label).join(), datasets[0].data.length].join(" ")')"
fi
readable axes
matrix zero '[{"uuid": "empty", "axes": {"n": 0}, "hardware": "a device"},
    {"uuid": "full", "axes": {"n": 40}, "hardware": "a device"}]'
if drawn html_odd/zero; then
    expect html_odd/zero 'linear 0,40 2 logarithmic' \
        "$(chart '[x.type, x.ticks.map((tick) => tick.label).join(), datasets[0].data.length, y.type].join(" ")')"
fi
# 0 is an axis' value and an error like others; what has no figure (and no trace, which tells axes)
# is last either way.
matrix sorted '[{"uuid": "some", "axes": {"n": 40}, "error": 0.5, "hardware": "a device"},
    {"uuid": "none", "axes": {"n": 0}, "hardware": "a device"},
    {"uuid": "gone", "axes": {"n": 7}, "hardware": "a device"}]'
sorted() { # name, column, expected, expected when sorted again
    for order in "$3" "$4"; do
        click "html_odd/$1" "[data-key=$2]"
        sleep 0.2
        expect "html_odd/$1" "$order" "$(browser_script 'return [...document.querySelectorAll(".row")].sort((a, b) =>
            a.dataset.index - b.dataset.index).map((row) => row.querySelector("a").hash.split("/").pop()).join(" ")')"
    done
}
find sorted -name gone.json -path '*traces*' -exec rm {} +
(cd sorted && "$tm_report" --plan=plan.json --out=out --quiet)
browser_open "file://$scratch/sorted/out/report.html?"
sorted sorted-errors absolute 'none none some some gone gone' 'some some none none gone gone'
browser_script 'const choice = document.querySelector("#filter-definition"); choice.value = "odd";
    choice.dispatchEvent(new Event("change"))' >/dev/null
sorted sorted-axes axis-n 'none none some some gone gone' 'some some none none gone gone'
# More cells than a function takes as arguments.
expect html_odd/many '200000 0.1' "$(browser_script 'const {passed, least} = data.score(Array(200000).fill(
    data.cells[0])); return passed + " " + least')"

# As long as the path of a trace may be.
definition=long$(printf '_abcdefghi%.0s' 1 2 3 4 5 6 7 8 9 10 11 12)
matrix long '[{"uuid": "a-uuid-that-is-a-sentence-rather-than-a-number-and-goes-on-for-long", "axes":
    {"an_axis_with_quite_a_long_name": 123456789, "another_axis_with_quite_a_long_name": 987654321},
    "hardware": "NVIDIA Some Device With A Very Long Product Name 141GB HBM3e Rev. B"}]'
expect html_odd/long "$definition" "$(browser_text '.panel h3')"
readable long

# ---- without the chart library ----

# The same figures as tables, and a word on why.
(cd plain && "$srcdir/configure" --arch=cpu --charts=none && ninja build/bin/tm-report) >plain.log 2>&1 ||
    failed html_odd/charts=none "$(tail -n 5 plain.log)"
expect html_odd/charts=none 'configure: --charts=none: report.html has tables instead of charts' \
    "$(grep 'charts' plain.log)"
tm_report=$scratch/plain/build/bin/tm-report definition=odd
matrix tables '[{"uuid": "small", "axes": {"n": 3}, "hardware": "a device"},
    {"uuid": "big", "axes": {"n": 50}, "hardware": "a device"}]'
check html_odd/plain 'document.querySelectorAll("canvas").length === 0 &&
    document.getElementById("overview").textContent.includes("Tables instead of charts")'
expect html_odd/plain-table \
    'n first_odd second_odd limit of the device|3 100 us 2.1 ms 5 us|50 1.1 ms 3.1 ms 5 us' \
    "$(browser_script 'return [...document.querySelectorAll(".panel .figures tr")].map((row) =>
        [...row.children].map((one) => one.textContent).join(" ")).join("|")')"
expect html_odd/plain-wins '2x 50%' "$(browser_script 'return [...document.querySelectorAll(".ranking .figures tr")]
    .map((row) => [...row.children].map((one) => one.textContent).join(" ")).find((row) => row.startsWith("2x"))')"
readable tables
finish
