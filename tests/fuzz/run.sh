#!/bin/sh
# run.sh (--runs=N | --seconds=N) [TARGET...]: builds the fuzz targets with clang's libFuzzer, ASan
# and UBSan into build/fuzz of the current folder, and runs each on N inputs or for N seconds.
#
# Starts from tests/fuzz/corpus/<target>, which holds an input for each fault that was found; what
# a run discovers stays in build/fuzz/<target>/corpus, and a crash, leak or hang in
# build/fuzz/<target>/. Prints the executions of each target and in total.
# Exit status: 0, 1 after a finding, 2 usage, 3 no clang with libFuzzer.
set -eu
fuzz=$(cd "$(dirname "$0")" && pwd)
srcdir=$(cd "$fuzz/../.." && pwd)
usage() {
    echo "usage: $0 (--runs=N | --seconds=N) [json|jsonl|yaml|toml|safetensors]..." >&2
    exit 2
}

limit='' targets=''
for argument in "$@"; do
    case $argument in
    --runs=*[!0-9]* | --seconds=*[!0-9]* | *=) usage ;;
    --runs=*) limit=-runs=${argument#*=} ;;
    --seconds=*) limit=-max_total_time=${argument#*=} ;;
    json | jsonl | yaml | toml | safetensors) targets="$targets $argument" ;;
    *) usage ;;
    esac
done
[ -n "$limit" ] || usage
[ -n "$targets" ] || targets='json jsonl yaml toml safetensors'

clang=${CLANG-clang}
mkdir -p build/fuzz
echo 'int LLVMFuzzerTestOneInput(const char *d, unsigned long n) { return d == 0 && n; }' |
    "$clang" -fsanitize=fuzzer,address -x c - -o build/fuzz/probe 2>/dev/null || {
    echo "$0: no clang with libFuzzer; ./configure --install-deps=dev installs it" >&2
    exit 3
}

{
    cat <<END
builddir = build/fuzz
flags = -g -O2 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
coverage = -fsanitize=fuzzer-no-link
rule cc
  command = $clang -std=c11 -D_GNU_SOURCE -I$srcdir -Wall -Wextra -Wshadow \$flags $
      \$coverage -MMD -MF \$out.d -c \$in -o \$out
  depfile = \$out.d
  deps = gcc
  description = CC \$out
rule link
  command = $clang \$flags -fsanitize=fuzzer \$in -o \$out -lcjson -lyaml -lm
  description = LINK \$out
END
    objects=''
    for source in "$srcdir"/lib/*.c; do
        object=build/fuzz/$(basename "$source" .c).o
        objects="$objects $object"
        echo "build $object: cc $source"
        case $object in # their branches say nothing about the input, and cost half of the time
        */arena.o | */diag.o | */text.o) echo "  coverage =" ;;
        esac
    done
    for target in json jsonl yaml toml safetensors; do
        echo "build build/fuzz/fuzz_$target.o: cc $fuzz/fuzz_$target.c"
        echo "build build/fuzz/fuzz_$target: link build/fuzz/fuzz_$target.o$objects"
    done
} >build/fuzz/build.ninja
programs=''
for target in $targets; do
    programs="$programs build/fuzz/fuzz_$target"
done
# shellcheck disable=SC2086 # words
ninja --quiet -f build/fuzz/build.ninja $programs

# A leak, a hang of five seconds or two gigabytes are findings too.
status=0 total=0
for target in $targets; do
    own=build/fuzz/$target
    mkdir -p "$own/corpus"
    code=0
    "build/fuzz/fuzz_$target" "$limit" -max_len=2048 -timeout=5 -rss_limit_mb=2048 \
        -dict="$fuzz/$target.dict" -print_final_stats=1 -artifact_prefix="$own/" \
        "$own/corpus" "$fuzz/corpus/$target" >"$own/log" 2>&1 || code=$?
    count=$(sed -n 's/^stat::number_of_executed_units: *//p' "$own/log" | tail -n 1)
    count=${count:-0}
    total=$((total + count))
    if [ "$code" -eq 0 ] && [ "$count" -gt 0 ]; then
        printf '%-12s %10s executions, no finding\n' "$target" "$count"
    else
        status=1
        printf '%-12s %10s executions, then exit status %s; see %s/log\n' \
            "$target" "$count" "$code" "$own"
        grep -e '^SUMMARY' -e 'broken promise' -e '^Test unit written' "$own/log" || :
    fi
done
printf '%-12s %10s executions\n' total "$total"
exit $status
