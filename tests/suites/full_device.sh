#!/bin/sh
# full_device.sh: a device without memory for the worker itself, as a GPU that another program has
# filled: the cell is VOID and says so; the build goes on. The worker is ours with another open.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

start_build "$scratch/build"
cd "$scratch/build" || exit 1
{
    "$srcdir/configure" --arch=cpu --dataset="$tests/data/tiny" --definitions=tiny_h32 \
        --solutions=plain --iterations=1 --num-trials=1 --warmup-runs=0 && ninja bench
} >build.log 2>&1 || {
    cat build.log
    failed full_device 'it cannot be built'
    finish
}
cat >full.c <<'END'
#define tm_the_backend tm_cpu_backend
#include "harness/backend_cpu.c"
#undef tm_the_backend
static tm_backend *open_full(int index, bool *full, char *error) {
    *full = true;
    snprintf(error, TM_BACKEND_ERROR_BYTES, "device %d is full", index);
    return NULL;
}
tm_backend_ops tm_the_backend_of_test;
extern const tm_backend_ops tm_the_backend __attribute__((alias("tm_the_backend_of_test")));
__attribute__((constructor)) static void fill(void) {
    tm_the_backend_of_test = tm_cpu_backend;
    tm_the_backend_of_test.open = open_full;
}
END
objects=$(ninja -t query build/bin/tm-worker | sed -n 's/^    \(.*\.o\)$/\1/p' |
    grep -v -e backend_cpu.o -e worker.o -e runner.o)
# shellcheck disable=SC2086 # paths are words
"${CC:-cc}" -D_GNU_SOURCE -I"$srcdir" -fopenmp full.c build/obj/harness/worker.o \
    build/obj/harness/runner.o $objects build/lib/libtracemill.a \
    -o full_worker -lcjson -lm -ldl || failed full_device 'its worker cannot be built'
trace=build/traces/tiny/rmsnorm/tiny_h32/plain/one.json
cp build/bin/tm-worker worker
take() { # a worker; the one before may be running
    cp "$1" taken
    mv taken build/bin/tm-worker
}
bench() { # the cells that ran
    ninja bench >bench.log 2>&1 || {
        tail -n 5 bench.log
        failed full_device 'ninja bench failed'
    }
    grep -c '] CELL' bench.log
}
take full_worker
expect 'full_device/the build goes on' 1 "$(bench)"
expect full_device/reason \
    'no verdict: the device has no memory left for the harness itself; does another program use it? (device 0 is full)' \
    "$(sed -n 's/.*"reason": *"\(.*\)".*/\1/p' $trace)"
expect 'full_device/the cell runs again by itself' 1 "$(bench)"
take worker
expect 'full_device/until there is memory' '1 "PASSED"' \
    "$(bench) $(sed -n 's/^    "status": \(.*\),$/\1/p' $trace)"
expect 'full_device/and no more then' 0 "$(bench)"
take full_worker
build/harness/tiny_h32/one --trace=$trace >judge.log 2>&1
expect full_device/status 0 $?
grep -q '"VOID"' $trace || failed full_device/reason "it is not VOID: $(cat judge.log)"
finish
