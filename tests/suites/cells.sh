#!/bin/sh
# cells.sh: tm-report as people use it behind `ninja bench`, in a terminal and out of it: colours,
# widths, the cell that a line of the bench names, the traces of two runs compared and merged. What
# is printed, whole, is in tests/cases/report-show, -diff and -merge.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

build=$scratch/bench
start_build "$build"
cp -R "$tests/data/tiny" "$scratch/data"
cd "$build" || exit 1
"$srcdir/configure" --arch=cpu --dataset=../data --authors=tiny --workloads=all --iterations=5 \
    --num-trials=2 --warmup-runs=0 >configure.log 2>&1 || {
    cat configure.log
    exit 3
}
escape=$(printf '\033')
export TERM=xterm
in_terminal() { # columns, command: what a terminal of so many columns shows
    script -qec "stty cols $1; $2" /dev/null </dev/null | tr -d '\r'
}
coloured() { # file: lines with a colour
    grep -c "$escape\[[0-9;]*m" "$1"
}
widest() { # file: columns of the longest line, without colours
    sed "s/$escape\[[0-9;]*m//g" "$1" | awk 'length > most { most = length } END { print most + 0 }'
}

if ! command -v script >/dev/null; then
    skipped cells/terminal 'no script(1), of bsdutils'
    ninja bench >bench.log 2>&1
else
    in_terminal 90 'ninja bench' >bench.log
    # The report has ninja's console, and with it the terminal.
    expect 'cells/ninja bench in a terminal' yes "$([ "$(coloured bench.log)" -gt 0 ] && echo yes)"
    in_terminal 90 'NO_COLOR=1 build/bin/tm-report summary' >plain.log
    expect 'cells/NO_COLOR' 0 "$(coloured plain.log)"
    in_terminal 90 'TERM=dumb build/bin/tm-report summary' >plain.log
    expect 'cells/TERM=dumb' 0 "$(coloured plain.log)"
    in_terminal 90 'build/bin/tm-report summary --color=never' >plain.log
    expect 'cells/--color=never' 0 "$(coloured plain.log)"
    for columns in 60 80 140; do
        in_terminal $columns 'build/bin/tm-report show tiny' >list.log
        sed '/^tracemill: /d' list.log >table.log # the message is a line of any length
        expect "cells/a list in $columns columns" '8 cells, fits' \
            "$(grep -c PASSED table.log) cells,$([ "$(widest table.log)" -le $columns ] && echo ' fits')"
    done
fi
rm build/report/summary.txt
ninja bench >again.log 2>&1
expect 'cells/ninja bench in a pipe' '0 8 passed' "$(coloured again.log) $(grep '^[0-9]* passed' again.log)"
expect 'cells/a file has no colours' 0 "$(coloured build/report/summary.txt)"
build/bin/tm-report summary --color=always >always.log
expect 'cells/--color=always' yes "$([ "$(coloured always.log)" -gt 0 ] && echo yes)"

# A cell by either line that the bench has for it.
line=$(tr '\r' '\n' <bench.log | grep '^PASSED wide \[batch_size=2\]: ')
expect 'cells/the line of a verdict' 'PASSED  tiny_h64 / wide' \
    "$(build/bin/tm-report show "$line" | head -1)"
line=$(tr '\r' '\n' <bench.log | grep -o 'CELL build/traces/tiny/rmsnorm/tiny_h64/wide/two.json' | head -1)
build/bin/tm-report show "$line" >cell.log
expect 'cells/the line of a target' 'PASSED  tiny_h64 / wide' "$(head -1 cell.log)"
expect 'cells/the line that repeats it' PASSED \
    "$(eval "$(sed -n 's/^repeat *//p' cell.log)" 2>&1 | grep -o '^PASSED')"
expect 'cells/its samples' "$(sed -n 's/^trials *//p' cell.log | grep -o '^[0-9]*')" \
    "$(build/bin/tm-report show --json "$line" | sed -n '/"samples_ns"/,/^  \]/p' | tail -n +2 |
        tr ',' '\n' | grep -c '[0-9]')"

# Two runs: the harness knows what has not changed, and of each cell one trace stays.
mkdir ../earlier && cp -R build/traces ../earlier
expect 'cells/no difference' '8 SAME' "$(build/bin/tm-report diff ../earlier . | sed -n 4p)"
build/bin/tm-report merge --out=../merged ../earlier . >merge.log
expect 'cells/merged' '8 passed' "$(build/bin/tm-report summary ../merged | sed -n 2p)"
finish
