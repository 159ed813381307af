#!/bin/sh
# statuses.sh: every status, and every way we know to fail, each from a planted solution
# (tests/planted), and what the judge says of it.
#
# INCORRECT_SHAPE and INCORRECT_DTYPE are in ffi.sh: the C binding cannot express them. The entry gets
# typed pointers to buffers that the harness has made; another type is a compile error (wrong_dtype),
# another size is an overrun (writes_behind) or an output that is left as it was (writes_nothing).
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

start_build "$scratch/build"
cd "$scratch/build" || exit 2
TM_TEST_MARK=$scratch LC_ALL=C # the mark is inherited by every process that a cell starts
export TM_TEST_MARK LC_ALL
planted=$srcdir/tests/planted
if grep -q '^cflags = .*-fsanitize' build.ninja; then
    sanitized=yes ASAN_OPTIONS=handle_segv=0:allocator_may_return_null=1 # a crash is to be a crash
    export ASAN_OPTIONS
else
    sanitized=no
fi
traces=build/traces/planted/rmsnorm

bench() { # name, configure option...
    name=$1
    shift
    "$srcdir/configure" --arch=cpu --dataset="$planted" --workloads=all --authors=planted \
        --warmup-runs=1 --iterations=5 --num-trials=2 "$@" >configure.log 2>&1 ||
        failed "statuses/$name" "configure: $(cat configure.log)"
    if ninja bench >"$name.log" 2>&1; then
        pass "statuses/$name: ninja bench ends with exit status 0"
    else
        failed "statuses/$name: ninja bench ends with exit status 0" "$(tail -n 20 "$name.log")"
    fi
}

# The status, the parts that go with it (docs/FORMATS.md), and the reason of a solution's trace.
verdict() { # solution, status, extended regular expression for the reason
    trace=$traces/planted_rmsnorm/planted_$1/small.json
    if ! [ -f "$trace" ]; then
        failed "statuses/$1" "no trace"
        return
    fi
    case $2 in
    PASSED) parts='{ {' ;;
    INCORRECT_NUMERICAL) parts='{ null' ;;
    *) parts='null null' ;;
    esac
    got=$(sed -n 's/^    "status": "\(.*\)",$/\1/p' "$trace")
    got_parts=$(sed -n 's/^    "\(correctness\|performance\)": \([a-z{]*\),*$/\2/p' "$trace" |
        tr '\n' ' ')
    reason=$(sed -n 's/^    "reason": "*\([^"].*[^",]\)"*,$/\1/p' "$trace")
    if [ "$got" != "$2" ]; then
        failed "statuses/$1" "expected $2, got $got: $reason"
    elif [ "$got_parts" != "$parts " ]; then
        failed "statuses/$1" "expected correctness and performance [$parts], got [$got_parts]"
    elif ! printf '%s\n' "$reason" | grep -Eqx -- "$3"; then
        failed "statuses/$1" "expected a reason that is [$3], got [$reason]"
    else
        pass "statuses/$1: $2"
    fi
}

logged() { # solution, fixed text that its log must hold, in the trace as in the file beside it
    log=$traces/planted_rmsnorm/planted_$1/small.log
    if ! grep -Fqs -- "$2" "$log"; then
        failed "statuses/$1: log" "expected [$2] in $log, got [$(tail -c 300 "$log" 2>&1)]"
    elif ! sed -n '/^    "log": /p' "${log%.log}.json" | grep -Fq -- "$2"; then
        failed "statuses/$1: log" "expected [$2] in the trace's log"
    else
        pass "statuses/$1: log"
    fi
}

# How the number was made, in correctness.extra: clock, runner, checked timed calls, weak.
essentials() { # solution, expected
    expect "statuses/$1: correctness.extra" "$2" "$(sed -n -E \
        's/^        "(clock|runner|checked_timed_calls|weak)": (.*[^,]),?$/\2/p' \
        "$traces/planted_rmsnorm/planted_$1/small.json" | tr '\n' ' ')"
}

left_behind() { # name
    # A keeper that nobody can find any more ends, and its workers with it.
    rm -f build/run/*.sock
    # Processes end a moment after what waits for them: give them two seconds.
    for attempt in 1 2 3 4 5 6 7 8 9 10; do
        # shellcheck disable=SC2013 # names of processes hold no blanks
        processes=$(for environment in $(grep -lsz "^TM_TEST_MARK=$scratch\$" \
            /proc/[0-9]*/environ); do
            pid=${environment#/proc/}
            pid=${pid%/environ}
            # This shell, its own pipelines and what has ended since do not count.
            case $(cat "/proc/$pid/comm" 2>/dev/null) in
            sh | grep | '') ;;
            *) ps -o pid=,ppid=,args= -p "$pid" ;;
            esac
        done)
        [ -n "$processes" ] || break
        sleep 0.2
    done
    expect "statuses/$1: no process is left after $attempt looks" '' "$processes"
    expect "statuses/$1: no temporary file is left" '' \
        "$(find build \( -name '*.tmp*' -o -name '*.[0-9]*.o' \) -print)"
}

others='planted_[!ahs]*,planted_a[!l]*,planted_all_*,planted_se*,planted_sh*'
[ $sanitized = yes ] || others=$others,planted_allocates
bench 'all but those that hang' --timeout=60 --solutions="$others"

number='[-+0-9.e]+'
verdict right_planted_rmsnorm PASSED 'null'
essentials right_planted_rmsnorm '"monotonic" "persistent" 2 false '
verdict wrong_numbers INCORRECT_NUMERICAL \
    "output: [0-9]+ of 576 elements wrong, the first at \[[0-9]+, [0-9]+\]: expected $number, got $number"
essentials wrong_numbers '"monotonic" "persistent" 0 false '
verdict zeros INCORRECT_NUMERICAL \
    "output: 5[0-9]+ of 576 elements wrong, the first at \[0, [0-9]+\]: expected $number, got 0"
verdict all_nan INCORRECT_NUMERICAL \
    "output: 576 of 576 elements wrong, the first at \[0, 0\]: expected $number, got -?nan"
unwritten='output: 576 of 576 elements wrong: not written by the end of the call, they are .*'
verdict writes_nothing INCORRECT_NUMERICAL "$unwritten"
verdict first_call_only INCORRECT_NUMERICAL "in a timed call: $unwritten"
verdict last_element INCORRECT_NUMERICAL \
    "output: 1 of 576 elements wrong, the first at \[8, 63\]: expected $number, got $number"
verdict writes_behind RUNTIME_ERROR 'wrote behind tensor output, near byte 2304'
verdict writes_before RUNTIME_ERROR 'wrote before tensor output, near byte -4'
verdict segfaults RUNTIME_ERROR \
    'killed by signal 11 \(Segmentation fault\) during a checked call'
logged segfaults 'last words'
verdict aborts RUNTIME_ERROR 'killed by signal 6 \(Aborted\) during a checked call'
logged aborts 'unflushed last words'
verdict fails RUNTIME_ERROR 'the entry returned 42; it said: no workspace for 9 rows'
logged fails 'no workspace for 9 rows'
verdict exits_in_constructor RUNTIME_ERROR 'the process ended with exit status 0 during loading'
verdict exits_in_entry RUNTIME_ERROR \
    'the process ended with exit status 0 during a checked call'
verdict exits_at_once RUNTIME_ERROR \
    'the process ended with exit status 127 during a checked call'
verdict compile_error COMPILE_ERROR ".*compile_error\.c:[0-9:]+ error: .undeclared_name. undeclared.*"
verdict undefined_symbol COMPILE_ERROR \
    '.*undefined reference to .planted_function_that_nobody_defines.*'
verdict missing_entry COMPILE_ERROR '.*undefined reference to .run.*'
verdict wrong_signature COMPILE_ERROR '.*error: conflicting types for .run.*'
logged wrong_signature 'wrong_signature.c:4'
logged wrong_signature 'contract.h:'
verdict wrong_dtype COMPILE_ERROR '.*error: conflicting types for .run.*'
verdict gigabyte PASSED 'null'
verdict closes_descriptors RUNTIME_ERROR \
    'the process closed its connection to the judge, .* during a checked call'
verdict closes_and_hangs RUNTIME_ERROR \
    'the process closed its connection to the judge, .* during a checked call'
verdict leaves_child PASSED 'null'
verdict returns_twice PASSED 'null'
verdict kills_group RUNTIME_ERROR 'killed by signal 9 \(Killed\) during a checked call'
if [ $sanitized = yes ]; then
    skipped 'statuses/allocates' 'no limit beside a sanitizer, which reserves more than any'
else
    verdict allocates RUNTIME_ERROR \
        'the entry returned 12; it said: out of memory after [0-9]+ blocks of 256 MiB'
    blocks=$(sed -n 's/.*out of memory after \([0-9]*\) blocks.*/\1/p' \
        $traces/planted_rmsnorm/planted_allocates/small.log)
    kib=$(sed -n 's/^MemTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo)
    if [ $((blocks * 262144)) -lt "$kib" ]; then
        pass 'statuses/allocates: less than the machine has'
    else
        failed 'statuses/allocates: less than the machine has' "$blocks blocks of 256 MiB"
    fi
fi
verdict shrinks_memory INCORRECT_NUMERICAL "$unwritten"
verdict moves_outputs RUNTIME_ERROR 'output output does not fit the delivery'
verdict bad_reply RUNTIME_ERROR '.* sent what is no answer, during a checked call'
verdict empty_reply RUNTIME_ERROR '.* sent what is no answer, during a checked call'
verdict answers_ahead RUNTIME_ERROR '.* sent what is no answer, during a checked call'
verdict bad_times RUNTIME_ERROR 'the worker reported impossible times: [0-9]+ samples in .* ms'
verdict bad_marks RUNTIME_ERROR 'the worker reported impossible times: [0-9]+ samples in .* ms'
verdict long_times RUNTIME_ERROR 'the worker reported impossible times: [0-9]+ samples in .* ms'

# Nothing to compare is not a pass: FlashInfer-Trace has no word for it, so `evaluation` is null.
void=$traces/planted_void/planted_right_planted_void/no-rows.json
expect 'statuses/void: evaluation' '  "evaluation": null,' "$(grep '^  "evaluation"' "$void")"
expect 'statuses/void: status' '    "status": "VOID",' "$(grep '^    "status"' "$void")"

expect 'statuses/device' '    "device_uuid": "cpu-0",' \
    "$(grep '^    "device_uuid"' $traces/planted_rmsnorm/planted_right_planted_rmsnorm/small.json)"

# What a reference lacks stops nothing: no verdict, the reason, and the build goes on.
no_verdict() { # name, trace, extended regular expression for the reason
    reason=$(sed -n 's/^    "reason": "*\([^"].*[^",]\)"*,$/\1/p' "$2")
    expect "statuses/$1: status" '    "status": "VOID",' "$(grep '^    "status"' "$2")"
    if printf '%s\n' "$reason" | grep -Eqx -- "$3"; then
        pass "statuses/$1: reason"
    else
        failed "statuses/$1: reason" "expected a reason that is [$3], got [$reason]"
    fi
}
# The line that repeats a failure has its inputs' seed.
seed=$(sed -n 's/^ *"seed": \([0-9]*\),*$/\1/p' $traces/planted_rmsnorm/planted_last_element/small.json)
if grep -q "planted_last_element.so --seed=$seed" build/report/summary.txt build/report/report.md; then
    pass 'statuses/a failure can be repeated'
else
    failed 'statuses/a failure can be repeated' "no --seed=$seed in the reports"
fi
no_verdict 'a workload of terabytes' \
    $traces/planted_huge/planted_right_planted_huge/terabytes.json \
    'no verdict: the expected outputs of 2 trials take .* GB, more than half of the memory; .*'
if grep -q 'no verdict: the expected outputs of 2 trials' build/report/summary.txt; then
    pass 'statuses/a workload of terabytes: the summary says why'
else
    failed 'statuses/a workload of terabytes: the summary says why' "$(cat build/report/summary.txt)"
fi

# A gigabyte of output: the start of it, and how much is not there; the judge does not hold the rest.
log=$traces/planted_rmsnorm/planted_gigabyte/small.log
expect 'statuses/gigabyte: end of the log' \
    "[tracemill: $((1073741824 - 4194304)) more bytes were dropped]" "$(tail -n 1 "$log")"
expect 'statuses/gigabyte: bytes of the log' $((4194304 + 49)) "$(wc -c <"$log")"
harness=build/harness/planted_rmsnorm/small
if [ $sanitized = yes ]; then
    skipped 'statuses/gigabyte: memory of the judge' 'a sanitizer reserves more than any limit'
else
    # Address space, so that it is inherited by no measure but size: a third of the output.
    # shellcheck disable=SC3045 # every sh that we know has it
    got=$(ulimit -v 350000 && OMP_NUM_THREADS=1 $harness build/solutions/planted_gigabyte.so 2>&1 |
        head -c 28)
    expect 'statuses/gigabyte: memory of the judge' 'PASSED planted_gigabyte [bat' "$got"
fi

left_behind 'all but those that hang'

# By hand: the verdict on the terminal, in isolation and in the process that a debugger sees.
by_hand() { # name, exit status, extended regular expression that a line must fit, argument...
    name=$1 status=$2 pattern=$3
    shift 3
    output=$({ "$@"; } 2>&1)
    got=$?
    if [ $got -ne "$status" ]; then
        failed "statuses/$name" "expected exit status $status, got $got: $output"
    elif ! printf '%s\n' "$output" | grep -Eqx -- "$pattern"; then
        failed "statuses/$name" "expected a line that is [$pattern], got [$output]"
    else
        pass "statuses/$name"
    fi
}
solution=build/solutions/planted
cell='\[batch_size=9\]'
by_hand 'by hand: right' 0 "PASSED planted_right_planted_rmsnorm $cell: .* [nu]s, .*x the reference, .*% of the limit" \
    $harness --solution ${solution}_right_planted_rmsnorm.so
by_hand 'by hand: wrong' 1 "INCORRECT_NUMERICAL planted_zeros $cell: output: .*" \
    $harness ${solution}_zeros.so
by_hand 'in process: right' 0 \
    "PASSED planted_right_planted_rmsnorm $cell: right, and not timed \(in process\)" \
    $harness ${solution}_right_planted_rmsnorm.so --in-process
by_hand 'in process: wrong' 1 "INCORRECT_NUMERICAL planted_zeros $cell: output: .*" \
    $harness ${solution}_zeros.so --in-process
by_hand 'in process: wrong later' 1 \
    "INCORRECT_NUMERICAL planted_first_call_only $cell: in a timed call: .*" \
    $harness ${solution}_first_call_only.so --in-process
by_hand 'in process: its own words' 1 'no workspace for 9 rows' \
    $harness ${solution}_fails.so --in-process
by_hand 'in process: compile error' 1 'COMPILE_ERROR planted_missing_entry .*' \
    $harness ${solution}_missing_entry.so --in-process
by_hand 'in process: crash' 139 'RUNTIME_ERROR planted_segfaults .*: this process ended during a checked call: .*' \
    $harness ${solution}_segfaults.so --in-process
by_hand 'in process: no result' 2 'tracemill: error: --in-process: expected no --trace beside it, .*' \
    $harness ${solution}_right_planted_rmsnorm.so --in-process --trace=never.json
expect 'statuses/in process: no trace' '' "$(find . -name never.json)"

# The process that was started is the one that calls the solution.
if ! gdb -batch -ex run --args true >gdb.log 2>&1 || ! grep -q 'exited normally' gdb.log; then
    skipped 'statuses/in process: gdb' 'gdb is not installed, or may not trace here'
else
    by_hand 'in process: gdb' 0 'Breakpoint 1, 0x.* in tm_call \(\) from .*planted_zeros\.so' \
        gdb -batch -ex 'set breakpoint pending on' -ex 'break tm_call' -ex run -ex 'delete' \
        -ex continue --args $harness ${solution}_zeros.so --in-process
fi
if [ $sanitized = yes ]; then
    skipped 'statuses/in process: valgrind' 'not beside a sanitizer'
elif ! valgrind -q true >valgrind.log 2>&1; then
    skipped 'statuses/in process: valgrind' 'valgrind is not installed, or does not run here'
else
    output=$(OMP_NUM_THREADS=1 valgrind -q --trace-children=yes --error-exitcode=9 \
        $harness ${solution}_right_planted_rmsnorm.so --in-process 2>&1)
    got=$?
    case $output in
    *'unhandled instruction bytes'*)
        skipped 'statuses/in process: valgrind' 'it lacks instructions of this machine'
        ;;
    *) expect 'statuses/in process: valgrind' 0 "$got" ;;
    esac
fi
left_behind 'by hand'

# The reference of a workload is replaced by hand: by what does not compile, ends, crashes, hangs.
reference=build/solutions/reference_rmsnorm_planted_rmsnorm.so
cp $reference kept.so
instead() { # name, shared object, extended regular expression for the reason
    name="the reference $1"
    cp "$2" $reference
    rm -f by_hand.json
    by_hand "$name: exit status" 0 "VOID planted_right_planted_rmsnorm $cell: .*" \
        $harness ${solution}_right_planted_rmsnorm.so --trace=./by_hand.json
    no_verdict "$name" by_hand.json "no verdict: the reference reference_rmsnorm_planted_rmsnorm$3"
    cp kept.so $reference
}
instead 'does not compile' ${solution}_compile_error.so ' did not compile: see build/.*\.log'
if grep -q 'undeclared_name' by_hand.log; then
    pass 'statuses/the reference does not compile: log'
else
    failed 'statuses/the reference does not compile: log' "$(cat by_hand.log)"
fi
instead fails ${solution}_fails.so \
    ': the entry returned 42; it said: no workspace for 9 rows'
instead crashes ${solution}_segfaults.so ': killed by signal 11 .*; it said: last words'
instead 'claims times' ${solution}_bad_times.so ': the worker reported impossible times: .*'

bench 'those that hang' --timeout=1 --solutions='planted_hangs,planted_stops_itself,planted_right*'
verdict right_planted_rmsnorm PASSED 'null'
verdict hangs TIMEOUT 'no answer to a checked call within the 1 s of the cell'
verdict stops_itself TIMEOUT 'no answer to a checked call within the 1 s of the cell'
instead hangs ${solution}_hangs.so \
    ': it needed more than the 1 s of --timeout during a checked call; raise it'
left_behind 'those that hang'

finish
