#!/bin/sh
# cheats.sh [cuda]: the rogues' gallery (tests/cheats): every row of the threat model as planted
# solutions, each with the verdict that it must get, and honest ones that must pass without a flag.
# tests/cheats/expected.txt is the table. It runs on the CPU; where there are a GPU and nvcc, or with
# the argument `cuda`, the rows for CUDA run too.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

LC_ALL=C
export LC_ALL
gallery=$srcdir/tests/cheats

# Status, reason, flags and so on of a trace, as one line: "STATUS|reason; flags: ...; latency: ...;
# weak: ..."
outcome() { # trace
    awk '
    /^    "status": / && !status { status = value($0) }
    /^    "reason": / { reason = value($0) }
    /^    "flags": \[/ { flags = list($0); if ($0 !~ /\]/) into = "flags" }
    /^    "weak": \[/ { weak = list($0); if ($0 !~ /\]/) into = "weak" }
    /"latency_ms": / && !latency { latency = value($0) }
    into && /^    \]/ { into = "" }
    into == "flags" && /^      / { flags = join(flags, list($0)) }
    into == "weak" && /^      / { weak = join(weak, list($0)) }
    function join(left, right) { sub(/ $/, "", left); return left (left && right ? " " : "") right }
    function value(line) { sub(/^[^:]*: "?/, "", line); sub(/"?,?$/, "", line); return line }
    function list(line) { sub(/^ *"(flags|weak)": /, "", line); gsub(/[][{}",]/, "", line);
                          gsub(/  */, " ", line); sub(/^ /, "", line); return line }
    END {
        if (reason == "null") reason = ""
        printf "%s|%s", status, reason
        if (flags ~ /[A-Z]/) printf "; flags: %s", flags
        if (latency + 0 >= 0.5) printf "; latency: 0.5 ms or more"
        if (weak ~ /[a-z]/) printf "; weak: %s", weak
        printf "\n"
    }' "$1"
}

check() { # row, solution, status, contained
    trace=$(find build/traces -path "*/$2/*.json")
    if ! [ -f "$trace" ]; then
        failed "cheats/$2" 'no trace'
        return
    fi
    got=$(outcome "$trace")
    printf '    %-32s %-26s %-20s %.110s\n' "$1" "$2" "${got%%|*}" "${got#*|}" >>table.txt
    wrong=''
    [ "${got%%|*}" = "$3" ] || wrong="expected $3"
    case ${got#*|} in
    *"$4"*) ;;
    *) wrong="expected $3 with [$4]" ;;
    esac
    # Noise of the machine (UNSTABLE) is nobody's fault.
    if [ "$1" = honest ]; then
        case ${got#*|} in
        '' | '; flags: UNSTABLE' | '; latency: 0.5 ms or more' | \
            '; flags: UNSTABLE; latency: 0.5 ms or more') ;;
        *) wrong="expected no reason and no flag" ;;
        esac
    fi
    if [ -z "$wrong" ]; then
        pass "cheats/$2"
    else
        failed "cheats/$2" "$wrong, got $got"
    fi
}

bench() { # arch, log, configure option...
    arch=$1 log=$2
    shift 2
    "$srcdir/configure" "--arch=$arch" --dataset="$gallery" --dataset="$gallery/honest" \
        --warmup-runs=2 --iterations=8 --num-trials=2 "$@" >configure.log 2>&1 ||
        failed "cheats/$log" "configure: $(cat configure.log)"
    if ! ninja bench >"$log.log" 2>&1; then
        failed "cheats/$log: ninja bench" "$(tail -n 20 "$log.log")"
    fi
}

# Every row of the table for a backend, in a folder of its own.
run() { # backend, arch, seconds after which one hangs
    mkdir -p "$scratch/$1"
    [ "$1" = cuda ] || start_build "$scratch/$1"
    cd "$scratch/$1" || exit 2
    : >table.txt
    bench "$2" rogues --timeout=60 --authors=cheats,honest
    workloads=10 # of which three have solutions for a CPU only
    [ "$1" = cpu ] || workloads=7
    expect "cheats/$1: the summary counts weak workloads" \
        "WEAK  1 of $workloads workloads would let a plainly wrong answer pass; see report.md" \
        "$(grep '^WEAK' build/report/summary.txt)"
    expect "cheats/$1: the report lists them" \
        '- cheat_tiny: small (batch_size=9); output: zeros, mean, dropped tail, x 1.1' \
        "$(sed -n '/^## Weak/,/^## Not/s/^\(- .*\) (up to x [0-9]*)$/\1/p' build/report/report.md)"
    bench "$2" hanging --timeout="$3" --authors=hangs
    while IFS='|' read -r row solution backend status contained; do
        # shellcheck disable=SC2086 # blanks around a column are no part of it
        case $backend in
        *"$1"*)
            if [ $sanitized = yes ] && [ $solution = cpu_memory_eater ]; then
                skipped 'cheats/cpu_memory_eater' 'no limit beside a sanitizer'
                continue
            fi
            contained=${contained# }
            check "${row%"${row##*[! ]}"}" $solution $status "${contained%"${contained##*[! ]}"}"
            ;;
        esac
    done <<EOF
$(grep -v '^#' "$gallery/expected.txt" | grep .)
EOF
    cat table.txt
    # A solution without a row, or a row without a solution, is a hole.
    expect "cheats/$1: every solution has a row" '' "$(for folder in "$gallery"/kernels/*/ \
        "$gallery"/honest/kernels/*/; do
        name=${folder%/}
        name=${name##*/}
        case $name in
        "$1"_* | honest_"$1"_*) grep -q "| $name  *|" "$gallery/expected.txt" || echo "$name" ;;
        esac
    done)"
}

sanitized=no
if grep -q '^cflags = .*-fsanitize' build.ninja; then
    sanitized=yes ASAN_OPTIONS=handle_segv=0:allocator_may_return_null=1
    export ASAN_OPTIONS
fi
here=$PWD
[ "${1-}" = cuda ] || run cpu cpu 1
cd "$here" || exit 2
nvcc=''
for candidate in "$(sed -n 's/^nvcc = //p' build.ninja)" nvcc /usr/local/cuda/bin/nvcc; do
    case $candidate in '' | false) continue ;; esac
    if command -v "$candidate" >/dev/null 2>&1; then nvcc=$candidate; fi
done
if ! nvidia-smi -L >/dev/null 2>&1; then
    skipped cheats/cuda 'no GPU here'
elif [ -z "$nvcc" ]; then
    skipped cheats/cuda 'a GPU, but no nvcc'
else
    run cuda native 10
fi
finish
