#!/bin/sh
# html_matrix.sh: report.html of the matrix that was built in the folder where this runs, in a real
# browser: what it shows is what report.json, the traces and the sources say, and what it tells to
# copy into a shell runs. In CI that is the CPU matrix of README's first command.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

build=$PWD
json=$build/build/report/report.json
page=$build/build/report/report.html
if ! [ -f "$page" ] || ! [ -f "$json" ]; then
    skipped html_matrix "no build/report/report.html in $build: ninja bench makes it"
    finish
fi
# shellcheck source=tests/page.sh
. "$tests/page.sh"

# A page that an older tm-report has made says nothing of this one's.
if [ -n "$(find build/bin/tm-report -newer "$page")" ]; then
    sources=$(sed -n 's/^srcdir = //p' build.ninja)
    build/bin/tm-report --plan=build/plan.json --out="$scratch/report" --srcdir="$sources" \
        --commit=elsewhere --quiet || failed html_matrix 'tm-report failed'
    page=$scratch/report/report.html json=$scratch/report/report.json
fi
browser_open "file://$page"
browser_size 1280 800
name() { # name of a check, whole
    printf 'html_matrix/%s' "$1"
}

# Every cell of the table from top to bottom, by scrolling: "definition/solution/uuid<tab>column".
seen() { # column
    # shellcheck disable=SC2016 # JavaScript
    browser_async 'const body = document.querySelector(".body"), lines = new Map();
        const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
        for (let top = 0; ; top += 500) {
            body.scrollTop = top;
            await frame();
            await frame();
            for (const row of document.querySelectorAll(".row"))
                lines.set(Number(row.dataset.index), [decodeURIComponent(
                    row.querySelector("a").hash.slice(6)), row.querySelector(".c-'"$1"'").textContent]);
            if (top + body.clientHeight >= body.scrollHeight)
                break;
        }
        body.scrollTop = 0;
        return [...lines].sort(([a], [b]) => a - b).map(([, line]) => line.join("\t")).join("\n")'
}
# Lines of two columns, the second a figure with its unit, with that as a plain number: 5.79 us 0.00579
figures() {
    awk -F '\t' '{ split($2, part, " "); value = part[1]; unit = part[2]
        factor = unit == "ns" ? 1e-6 : unit == "us" ? 1e-3 : unit == "s" ? 1e3 : 1
        if (value == "-") value = "none"; else { sub(/[x%]$/, "", value); sub(/^</, "", value)
            value *= factor }
        print $1 "\t" value }'
}
# Lines of the same cells with the same figures, but for what three digits leave out.
same_figures() { # name of the check, expected, got
    paste "$2" "$3" | awk -F '\t' '{ apart = $2 - $4; if (apart < 0) apart = -apart
        if (NF != 4 || $1 != $3 || ($2 == "none") != ($4 == "none") ||
            apart > 0.0051 * ($2 < 0 ? -$2 : $2)) { bad++; if (!first) first = $0 } }
        END { if (bad || NR == 0) { print bad + 0 " of " NR ": " first } }' >"$scratch/why"
    expect "$1" '' "$(cat "$scratch/why")"
}

# ---- the first screen ----

expect "$(name first/heading)" "$(jq -r '
    def many($n; $noun): "\($n) \($noun)" + (if $n == 1 then "" else "s" end);
    many(.totals.cells; "cell") + " over " +
        many([.cells[].definition] | unique | length; "definition")' "$json")" \
    "$(browser_text h1 | tr -d ,)"
expect "$(name first/verdicts)" "$(jq -r '.totals | [(.passed | select(. > 0) | "\(.) passed"),
    (.failed | select(. > 0) | "\(.) failed"), (.void | select(. > 0) | "\(.) void"),
    (.not_run + .broken_traces | select(. > 0) | "\(.) not run"),
    (.waiting | select(. > 0) | "\(.) waiting")] | join(" ")' "$json")" \
    "$(browser_text .kinds | tr -d , | xargs)"
fact() { # term
    browser_script 'const term = [...document.querySelectorAll("#overview dt")].find((one) =>
        one.textContent === "'"$1"'");
        return term && term.getBoundingClientRect().bottom < innerHeight
            ? term.nextSibling.textContent : "not in sight"'
}
expect "$(name first/device)" "$(jq -r '.hardware | join(", ")' "$json")" "$(fact Device)"
newest=$(jq -r '.newest_trace' "$json")
jq -r '.cells[].trace // empty' "$json" | (cd "$build" && xargs cat) | jq -rs --arg newest "$newest" \
    '[.[] | select(.evaluation.timestamp == $newest).evaluation.environment.libs |
    to_entries | map("\(.key) \(.value)") | join(", ")][]' >"$scratch/libs"
if grep -Fxq -- "$(fact Software)" "$scratch/libs"; then
    pass "$(name first/software)"
else
    failed "$(name first/software)" "expected $(sort -u "$scratch/libs"), got $(fact Software)"
fi
if git -C "$srcdir" rev-parse HEAD >/dev/null 2>&1; then
    check "$(name first/commit)" "/^([0-9a-f]{7,}|elsewhere|.*-g[0-9a-f]{7,}|v[0-9].*)(-dirty)?\$/.test(
        [...document.querySelectorAll('#overview dt')].find((one) =>
            one.textContent === 'Commit').nextSibling.textContent)"
else
    skipped "$(name first/commit)" "no git history in $srcdir"
fi
expect "$(name first/fetched)" 0 \
    "$(browser_script 'return performance.getEntriesByType("resource").length')"

# ---- definitions ----

# By a click, one; then all of them, by their addresses.
chosen=$(jq -r '[.cells[].definition] | unique | .[length / 2 | floor]' "$json")
click "$(name definition)" "tr[data-name='$chosen'] a"
until_true "document.querySelector('.panel h3').textContent === '$chosen'"
expect "$(name definition)" "$chosen" "$(browser_text '.panel h3')"
charts=$(browser_script 'return typeof Chart !== "undefined"')
if [ "$charts" = true ]; then
    browser_async 'const lines = [];
        for (const one of data.definitions.filter((of) => of.cells.length)) {
            location.hash = "#definition=" + encodeURIComponent(one.name);
            await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
            const canvas = document.querySelector(".panel canvas");
            const labels = canvas ? canvas.chart.data.datasets.map((set) => set.label)
                .filter((label) => label).sort() : [];
            lines.push([document.querySelector(".panel h3").textContent, ...labels].join(" "));
        }
        return lines.join("\n")' >"$scratch/lines"
    # From the traces: a line for each solution with a latency, and the limit where one is known.
    jq -r '.cells[] | select(.trace) | .trace' "$json" | (cd "$build" && xargs jq -r '
        [.definition, .solution, .evaluation.status, (.tracemill.limit_ns // 0)] | @tsv') |
        awk -F '\t' '{ if ($4 > 0) limit[$1] = 1 } $3 == "PASSED" { line[$1 "\t" $2] = 1; any[$1] = 1 }
            END { for (one in line) print one; for (one in limit) if (any[one]) print one "\tlimit of the device" }' |
        LC_ALL=C sort >"$scratch/wanted"
    jq -r '.definitions[].name as $name | select(any(.cells[]; .definition == $name)) | $name' "$json" |
        while read -r definition; do
        awk -F '\t' -v of="$definition" 'BEGIN { printf "%s", of } $1 == of { printf " %s", $2 }
            END { print "" }' "$scratch/wanted"
    done >"$scratch/expected"
    if why=$(diff "$scratch/expected" "$scratch/lines") && [ -s "$scratch/lines" ]; then
        pass "$(name "lines: of $(wc -l <"$scratch/lines") definitions")"
    else
        failed "$(name lines)" "$why"
    fi
else
    skipped "$(name lines)" 'tm-report has no chart library'
fi

# ---- the table ----

browser_script 'location.hash = "#cells"' >/dev/null
jq -r '.cells[] | "\(.definition)/\(.solution)/\(.uuid)\t\(.latency_ms // "none")"' "$json" >"$scratch/expected"
seen latency | figures >"$scratch/got"
same_figures "$(name "latencies: of $(wc -l <"$scratch/got") cells")" "$scratch/expected" "$scratch/got"
count() { # filter of jq: how many cells
    jq "[.cells[] | select($1)] | length" "$json"
}
counted() { # the number that the table says
    browser_text '#count' | sed 's/ .*//' | tr -d ,
}
solution=$(jq -r '.cells[.cells | length / 3 | floor].solution' "$json")
author=$(jq -r '.cells[0].author' "$json")
status=$(jq -r '.cells[0].status | if . == "PASSED" then "passed" else . end' "$json")
browser_type '#filter-text' "$solution"
expect "$(name filter/text)" "$(count ".solution | contains(\"$solution\")")" "$(counted)"
click "$(name clear)" '#filter-clear'
click "$(name author)" "#filter-author option[value='$author']"
expect "$(name filter/author)" "$(count ".author == \"$author\"")" "$(counted)"
click "$(name status)" "#filter-kind option[value='$status']"
expect "$(name filter/status)" \
    "$(count ".author == \"$author\" and (.status == \"$status\" or .status == (\"$status\" | ascii_upcase))")" \
    "$(counted)"
click "$(name clear)" '#filter-clear'
expect "$(name filter/clear)" "$(count true)" "$(counted)"

# Every column up and down. Names and verdicts as jq sorts them, figures one after another.
for column in status definition solution author; do
    for way in '' 'reverse |'; do
        click "$(name "sort/$column")" "[data-key=$column]"
        jq -r "[.cells[].$column] | sort | $way .[]" "$json" >"$scratch/expected"
        case $column in
        solution) seen $column | cut -d / -f 2 ;;
        *) seen $column | cut -f 2 ;;
        esac >"$scratch/got"
        if cmp -s "$scratch/expected" "$scratch/got" && [ -s "$scratch/got" ]; then
            pass "$(name "sort/$column${way:+ down}")"
        else
            failed "$(name "sort/$column${way:+ down}")" "$(diff "$scratch/expected" "$scratch/got" | head -n 3)"
        fi
    done
done
for column in latency speedup percent absolute; do
    for way in '' ' down'; do
        click "$(name "sort/$column")" "[data-key=$column]"
        # What has no figure comes last; an error of 0 is one.
        seen $column | figures | cut -f 2 | awk -v down="$way" -v zero="$([ $column != absolute ] || echo 1)" '
            $1 == "none" || ($1 == 0 && !zero) { ended = 1; next }
            ended { print "a figure behind none: " $1; exit }
            NR > 1 && (down == "" ? $1 < last * 0.999 : $1 > last * 1.001) { print $1 " after " last; exit }
            { last = $1; some = 1 } END { if (!some) print "no figure at all" }' >"$scratch/got"
        expect "$(name "sort/$column$way")" '' "$(cat "$scratch/got")"
    done
done
click "$(name sort)" '[data-key=absolute]' # as planned again

# ---- a cell ----

# The one in the middle of those that passed, by a click on its row.
key=$(jq -r '[.cells[] | select(.status == "PASSED")] | .[length / 2 | floor] |
    "\(.definition)/\(.solution)/\(.uuid)"' "$json")
wanted() { # filter of jq on that cell of report.json
    jq -r --arg key "$key" '.cells[] | select("\(.definition)/\(.solution)/\(.uuid)" == $key) |
        '"$1" "$json"
}
trace=$build/$(wanted .trace)
browser_type '#filter-text' "$(wanted '"\(.solution) \(.uuid)"')"
click "$(name cell)" '.row .c-latency'
until_true 'document.getElementById("cell").open'
expect "$(name cell/title)" "$(wanted .solution)" "$(browser_text '#cell-title')"
expect "$(name cell/axes)" "$(wanted '.axes | to_entries | map("\(.key)=\(.value)") | join(" ")')" \
    "$(browser_script 'return [...document.querySelector("#cell dl").children].slice(0, -1).map((pair) =>
        [...pair.children].map((one) => one.textContent).join("=")).join(" ")')"
jq -r '.tracemill.trials | to_entries[] | "\(.key + 1)\t\(.value.median_ns * 1e-6)"' "$trace" >"$scratch/expected"
browser_script 'return [...document.querySelectorAll("#cell tbody tr")].map((row) =>
    row.children[0].textContent + "\t" + row.children[4].textContent).join("\n")' | figures >"$scratch/got"
same_figures "$(name cell/medians)" "$scratch/expected" "$scratch/got"
expect "$(name cell/error)" "$(jq -r '.evaluation.correctness.max_absolute_error' "$trace" |
    awk '{ printf "%.1e\n", $1 }')" \
    "$(browser_script 'return [...document.querySelectorAll("#cell dt")].find((one) =>
        one.textContent === "Largest absolute error").nextSibling.textContent' | awk '{ printf "%.1e\n", $1 }')"
if [ "$charts" = true ]; then
    expect "$(name cell/samples)" "$(jq '[.tracemill.trials[].samples] | add' "$trace")" \
        "$(browser_script 'const [bars] = document.querySelector("#cell canvas").chart.data.datasets;
        const beyond = / (\d+) beyond /.exec(document.querySelector("#cell h3 small").textContent);
        return bars.data.reduce((sum, many) => sum + many, 0) + (beyond ? Number(beyond[1]) : 0)')"
fi
# What the button leaves to be pasted runs, and comes to the same verdict.
click "$(name cell/copy)" '#cell h3 button'
copied=$(browser_script 'return getSelection().toString()')
expect "$(name cell/copied)" "$(wanted .command)" "$copied"
ran=$(cd "$build" && sh -c "$copied" 2>&1) || ran="exit status $?: $ran"
case $ran in
"PASSED $(wanted .solution) "*) pass "$(name cell/runs)" ;;
*) failed "$(name cell/runs)" "expected PASSED $(wanted .solution), got $ran" ;;
esac
# Every source that the page has of this solution is the file's text.
plan_sources=$(sed -n 's/^srcdir = //p' build.ninja)
browser_script 'return [...document.querySelectorAll("#cell details summary")].map((one) =>
    one.textContent).join("\n")' >"$scratch/sources"
same=0 number=0
while read -r path; do
    number=$((number + 1))
    browser_script "return document.querySelectorAll('#cell details pre')[$((number - 1))].textContent" \
        >"$scratch/got"
    for file in "$plan_sources/$path" "$build/$path"; do
        [ -f "$file" ] || continue
        if { cat "$file" && echo; } | cmp -s - "$scratch/got"; then # jq ends what it prints
            same=$((same + 1))
            break # both are one file where the build is in the source tree
        fi
    done
done <"$scratch/sources"
expect "$(name "cell/source: of $number files")" "$number" "$same"

# ---- keys, names, contrast ----

# With the keyboard alone: Escape closes, and the focus is where it was; Tab goes through the page
# from top to bottom, and always shows where it is.
browser_keys "$key_escape"
until_true '!document.getElementById("cell").open'
check "$(name keys/escape)" '!document.getElementById("cell").open && location.hash === "#cells"'
click "$(name clear)" '#filter-clear'
browser_script 'scrollTo(0, 0); document.activeElement.blur();
    getSelection().collapse(document.body, 0)' >/dev/null
steps='' stops=0
while [ $stops -lt 12 ]; do
    browser_keys "$key_tab"
    stops=$((stops + 1))
    steps="$steps$(browser_script 'const node = document.activeElement, style = getComputedStyle(node);
        const after = window.before ? window.before.compareDocumentPosition(node) & 4 : 4;
        window.before = node;
        const {top, bottom} = node.getBoundingClientRect();
        return (style.outlineStyle === "none" || parseFloat(style.outlineWidth) < 2
            ? node.tagName + " without outline; " : "") + (after ? "" : node.tagName + " goes back; ") +
            (bottom <= 0 || top >= innerHeight ? node.tagName + " out of sight; " : "")')"
done
expect "$(name keys/tab)" '' "$steps"
browser_script 'document.querySelector(".body").focus()' >/dev/null
browser_keys "$key_down$key_down$key_enter"
until_true 'document.getElementById("cell").open'
expect "$(name keys/enter)" "$(jq -r '.cells[1].command // .cells[1].solution' "$json")" \
    "$(browser_script 'return (document.getElementById("command") ||
        document.getElementById("cell-title")).textContent')"
browser_keys "$key_escape"
until_true '!document.getElementById("cell").open'
check "$(name keys/back)" 'document.activeElement === document.querySelector(".body")'

# ---- theme ----

# Until it is dark; then after a reload; both as readable as WCAG has it, on a phone, too.
theme() { # name: clicks until it is chosen
    tries=0
    until [ $tries -eq 3 ] ||
        [ "$(browser_script 'return document.documentElement.dataset.chosen')" = "$1" ]; do
        click "$(name theme)" '#theme'
        tries=$((tries + 1))
    done
}
for chosen in light dark; do
    browser_size 1280 800
    theme $chosen
    browser_send POST /refresh '{}' >/dev/null
    expect "$(name "theme/$chosen is remembered")" $chosen \
        "$(browser_script 'return document.documentElement.dataset.theme')"
    for width in 1280 360; do
        browser_size $width 800
        for where in cells "cell=$key"; do
            browser_script "location.hash = '#$where'" >/dev/null
            sleep 0.3
            expect "$(name "contrast/$chosen, $width, ${where%=*}")" '' "$(page_faults contrast)"
            [ $chosen = light ] || continue
            expect "$(name "overflow/$width, ${where%=*}")" '' "$(page_faults overflow)"
            expect "$(name "names/$width, ${where%=*}")" '' "$(page_faults names)"
        done
        browser_script 'location.hash = "#overview"' >/dev/null
    done
done
theme auto
browser_size 1280 800

# ---- authors ----

for base in baseline reference; do
    jq -r --arg over over_$base '[.authors[] | select(.[$over].definitions > 0)] |
        sort_by(-.[$over].mean, .name)[] | "\(.name)\t\(.[$over].mean)"' "$json" >"$scratch/expected"
    [ -s "$scratch/expected" ] || continue
    click "$(name "ranking/$base")" "#base option[value=$base]"
    browser_script 'return [...document.querySelectorAll(".ranking tbody tr")].map((row) =>
        row.children[1].textContent + "\t" + row.children[3].textContent).join("\n")' | figures >"$scratch/got"
    same_figures "$(name "ranking/over $base")" "$scratch/expected" "$scratch/got"
    [ "$charts" = true ] || continue
    jq -r --arg over over_$base '.authors[] | select(.[$over].workloads > 0) | .name as $name |
        .[$over].win_at | to_entries[] | "\($name) \(.key | tonumber)\t\(.value)"' "$json" |
        LC_ALL=C sort >"$scratch/expected"
    browser_script 'return document.querySelector(".ranking canvas").chart.data.datasets.flatMap((set) =>
        set.data.map(({x, y}) => set.label + " " + x + "\t" + y)).join("\n")' |
        LC_ALL=C sort >"$scratch/all"
    cut -f 1 "$scratch/expected" | while read -r point; do
        grep -F "$point$(printf '\t')" "$scratch/all"
    done >"$scratch/got"
    same_figures "$(name "ranking/win@p over $base")" "$scratch/expected" "$scratch/got"
done
expect "$(name complaints)" '' "$(browser_complaints)"
finish
