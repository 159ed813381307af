#!/bin/sh
# html_planted.sh: report.html of a matrix with everything that can go wrong in it: solutions that are
# wrong, crash, hang and do not compile, and against a baseline slower, faster and broken ones. The
# first screen tells them with their reasons; a cell has its log; paper has them all.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
# shellcheck source=tests/page.sh
. "$tests/page.sh"

start_build "$scratch/build"
cp -R "$tests/data/tiny" "$scratch/data"
cd "$scratch/build" || exit 2
kernels=../data/kernels/tiny
json=build/report/report.json

# tiny_use(N) takes N tenths of a microsecond, so that times are what the sources say; far enough
# apart that the gate has no doubt.
cat >"$scratch/spin" <<'END'
static inline void tiny_use(int tenths) {
    struct timespec begin, now;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    do
        clock_gettime(CLOCK_MONOTONIC, &now);
    while ((now.tv_sec - begin.tv_sec) * 1000000000 + now.tv_nsec - begin.tv_nsec < tenths * 100);
}
END
awk -v spin="$scratch/spin" '/^#include <string.h>/ { print "#include <time.h>" }
    /^static inline void tiny_use/ { skip = 1; while ((getline line <spin) > 0) print line }
    !skip { print } /^}/ { skip = 0 }' $kernels/norm.h >norm.h && mv norm.h $kernels/norm.h
sed -i 's/"author": "tiny"/"author": "baseline"/' $kernels/family/solution.json
sed -i 's/tiny_use(200)/tiny_use(4000)/' $kernels/wide/wide.c
plant() { # name, what sed makes of the right one
    cp -R $kernels/narrow "$kernels/$1"
    mv "$kernels/$1/narrow.c" "$kernels/$1/$1.c"
    sed -i "s/narrow/$1/g" "$kernels/$1/solution.json"
    sed -i "$2" "$kernels/$1/$1.c"
}
configure() { # solutions
    "$srcdir/configure" --arch=cpu --dataset=../data --workloads=all --solutions="$1" --iterations=20 \
        --num-trials=3 --warmup-runs=1 --timeout=2 --baseline=../earlier >configure.log 2>&1 || {
        cat configure.log
        failed html_planted 'configure failed'
        finish
    }
}
configure 'narrow,wide,plain,family*'
ninja bench >bench.log 2>&1 || {
    tail -n 20 bench.log
    failed html_planted 'ninja bench failed'
    finish
}
expect html_planted/before 8 "$(jq .totals.passed $json)"
cp -R build/traces ../earlier
plant wrong 's/TM_EPS/TM_EPS + 1/'
plant crashes 's/tiny_use(300)/*(volatile int *)0 = 1/'
plant hangs 's/tiny_use(300)/for (volatile int on = 1; on;)/'
plant unbuildable 's/tiny_use(300)/tiny_ues(300)/'
sed -i 's/tiny_use(300)/tiny_use(6000)/' $kernels/narrow/narrow.c
sed -i 's/tiny_use(4000)/tiny_use(100)/' $kernels/wide/wide.c
sed -i 's/return 0;/return 7;/' $kernels/plain/plain.c
configure 'narrow,wide,plain,family*,wrong,crashes,hangs,unbuildable'
ninja bench >bench.log 2>&1 || failed html_planted "ninja bench failed: $(tail -n 5 bench.log)"
# What other programs ran beside would be AMBIGUOUS, however far apart it is: here nothing did.
find build/traces ../earlier -name '*.json' | while read -r trace; do
    jq 'del(.tracemill.clocks.cpu_wait_percent)' "$trace" >calm.json && mv calm.json "$trace"
done
! build/bin/tm-report gate --plan=build/plan.json --out=build/report --baseline=../earlier >gate.log 2>&1 ||
    failed html_planted 'gate: expected a failure'
build/bin/tm-report --plan=build/plan.json --out=build/report --srcdir="$srcdir" --quiet ||
    failed html_planted 'tm-report failed'

browser_open "file://$PWD/build/report/report.html"
browser_size 1280 800

# ---- the first screen ----

in_sight='(node) => node.getBoundingClientRect().bottom <= innerHeight'
expect html_planted/verdicts '7 passed 9 failed' "$(browser_text .kinds | xargs)"
expect html_planted/gate "$(printf '%s\n' 'REGRESSED plain of tiny_h32, batch_size=1' \
    'SLOWER narrow of tiny_h64, batch_size=1' 'SLOWER narrow of tiny_h64, batch_size=2' \
    'FASTER wide of tiny_h64, batch_size=1' 'FASTER wide of tiny_h64, batch_size=2')" \
    "$(browser_script "return [...document.querySelectorAll('.gate li')].filter($in_sight).map((line) =>
        line.children[0].textContent + ' ' + line.children[1].textContent).join('\n')")"
# "40.6 us -> 101 us, times 2.477 (...)": the one figure divided by the other is the third.
expect html_planted/ratios '' "$(browser_script 'return [...document.querySelectorAll(".gate li")].slice(1)
    .map((line) => line.lastChild.textContent).filter((text) => {
        const [, before, , after, , ratio, low, high] =
            /^([\d.]+) (\w+) \u2192 ([\d.]+) (\w+), times ([\d.]+) \(([\d.]+) .. ([\d.]+)\)$/.exec(text);
        return !(Math.abs(after / before / ratio - 1) < 0.02 && low <= ratio && +ratio <= +high);
    }).join(", ")')"
expect html_planted/reasons "$(jq -r '[.cells[] | select(.status != "PASSED")] |
    group_by([.definition, .solution])[] | "\(.[0].status) \(.[0].solution) \(.[0].reason)"' $json |
    sort)" "$(browser_script "return [...document.querySelectorAll('.failures:not(.gate) li')]
        .filter($in_sight).map((line) => [line.children[0].textContent,
        line.querySelector('a').textContent, line.querySelector('.reason').textContent].join(' '))
        .join('\n')" | sort)"
for one in 'crashes RUNTIME_ERROR' 'hangs TIMEOUT' 'unbuildable COMPILE_ERROR' \
    'wrong INCORRECT_NUMERICAL' 'plain RUNTIME_ERROR'; do
    expect "html_planted/${one% *}" "${one#* }" "$(browser_script 'return [...document.querySelectorAll(
        ".failures:not(.gate) li")].find((line) => line.querySelector("a").textContent === "'"${one% *}"'")
        .firstChild.textContent')"
done

# ---- a cell of each kind ----

# By the link in its line: the reason, the log as the trace has it, the line that repeats it.
click html_planted/link '.failures:not(.gate) li:nth-child(4) a'
until_true 'document.getElementById("cell").open'
trace=$(jq -r '[.cells[] | select(.solution == "unbuildable")][0].trace' $json)
expect html_planted/log "$(jq -r .evaluation.log "$trace")" \
    "$(browser_script 'return document.querySelector("#cell pre.log").textContent')"
check html_planted/log 'document.querySelector("#cell pre.log").textContent.includes("tiny_ues")'
expect html_planted/source "$(cat $kernels/unbuildable/unbuildable.c)" \
    "$(browser_script 'return document.querySelector("#cell details pre").textContent')"
check html_planted/untimed 'document.querySelectorAll("#cell canvas, #cell table").length === 0'
click html_planted/close '#cell-close'
click html_planted/slower '.gate li:nth-child(2) a'
until_true 'document.getElementById("cell").open'
check html_planted/slower '/^SLOWER against the baseline: [\d.]+ us/.test(
    document.querySelector("#cell .change").textContent)'
for place in plain crashes hangs wrong; do
    browser_script 'location.hash = data.key(data.cells.find((one) => one.solution.name === "'$place'"))' \
        >/dev/null
    until_true "document.getElementById('cell-title').textContent === '$place'"
    ran=$(sh -c "$(browser_text '#command')" 2>&1)
    expect "html_planted/$place, repeated" "$(browser_text '#cell header .badge') $place" \
        "$(printf '%s\n' "$ran" | sed -n "s/^\([A-Z_]*\) $place .*/\1 $place/p")"
done
click html_planted/close '#cell-close'
for width in 1280 360; do
    browser_size $width 800
    for faults in contrast names overflow; do
        expect "html_planted/$faults, $width" '' "$(page_faults $faults)"
    done
done

# ---- paper ----

# As it is printed from the dark page: white, without what can only be pressed, and with all cells,
# their heads, and the lines that repeat the failures.
browser_size 700 900
browser_script 'localStorage.setItem("tracemill-theme", "dark")' >/dev/null
browser_send POST /refresh '{}' >/dev/null
browser_cdp Emulation.setEmulatedMedia '{"media": "print"}' >/dev/null
browser_script 'dispatchEvent(new Event("beforeprint"))' >/dev/null
expect html_planted/paper 'rgb(255, 255, 255)' \
    "$(browser_script 'return getComputedStyle(document.body).backgroundColor')"
expect html_planted/paper-cells 16 "$(browser_script 'return [...document.querySelectorAll(
    "#cells .paper tbody tr")].filter((row) => row.checkVisibility()).length')"
check html_planted/paper-heads '[...document.querySelectorAll("thead")].every((head) =>
    getComputedStyle(head).display === "table-header-group")'
check html_planted/paper-controls '![...document.querySelectorAll(
    ".bar, input, .filters, #cells .body, #cell")].some((node) => node.checkVisibility())'
expect html_planted/paper-commands "$(jq -r '[.cells[] | select(.status != "PASSED")] |
    group_by([.definition, .solution])[] | .[0].command' $json | sort)" \
    "$(browser_script 'return [...document.querySelectorAll(".failures code")].filter((line) =>
        line.checkVisibility()).map((line) => line.textContent).join("\n")' | sort)"
check html_planted/paper-charts '[...document.querySelectorAll("canvas")].every((canvas) =>
    canvas.getBoundingClientRect().right <= 700 && canvas.getBoundingClientRect().width > 300)'
expect html_planted/paper-overflow '' "$(page_faults overflow)"
expect html_planted/paper-contrast '' "$(page_faults contrast)"
browser_script 'dispatchEvent(new Event("afterprint"))' >/dev/null
browser_cdp Emulation.setEmulatedMedia '{"media": ""}' >/dev/null
check html_planted/screen 'document.querySelector("#cells > .paper") === null &&
    document.documentElement.dataset.theme === "dark"'
# The sheets themselves: a cell that is open is printed instead of the rest.
sheets() {
    browser_cdp Page.printToPDF '{"preferCSSPageSize": true}' | jq -r .data | base64 -d >sheets.pdf
    grep -ac '/Type */Page\b' sheets.pdf
}
all=$(sheets)
browser_script 'location.hash = data.key(data.cells.find((one) => one.solution.name === "wide"))' >/dev/null
until_true 'document.getElementById("cell").open'
one=$(sheets)
if [ "$all" -ge 2 ] && [ "$one" -ge 1 ] && [ "$one" -lt "$all" ]; then
    pass "html_planted/sheets: $all, of a cell $one"
else
    failed html_planted/sheets "expected some, and fewer of a cell, got $all and $one"
fi
expect html_planted/complaints '' "$(browser_complaints)"
finish
