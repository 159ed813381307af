#!/bin/sh
# samples.sh: what a trace says of a sampler's test: flagged when it tells little, and made with
# smaller batches on a device that has no room for large ones. That device is ours: the CPU's
# backend, with so many bytes and no more.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

start_build "$scratch/build"
cd "$scratch/build" || exit 1
gallery=$srcdir/tests/cheats
bench() { # configure option...
    {
        "$srcdir/configure" --arch=cpu --dataset="$gallery" --dataset="$gallery/honest" \
            --definitions=cheat_sampling --solutions=honest_cpu_sampler --runner=isolated \
            --iterations=1 --num-trials=1 --warmup-runs=0 "$@" && ninja bench
    } >bench.log 2>&1 || {
        cat bench.log
        failed samples 'it cannot be built'
        finish
    }
}
trace=$(pwd)/build/traces/honest/sampling/cheat_sampling/honest_cpu_sampler/small.json
field() { # of the trace, as it stands there
    sed -n "s/^ *\"$1\": \(.*[^,]\),*\$/\1/p" "$trace"
}
flagged() { # where the flag stands: in `tracemill`, for reports, and in `extra`, for others
    tr -d ' \n' <"$trace" | grep -o '"flags":\[[^]]*\]' | grep -c '"WEAK_SAMPLES"'
}

# Four samples of a row tell nothing: anything in the mask may come.
printf 'op_type_config: {sampling: {extra: {sampling_samples: 4}}}\n' >few.yaml
bench --config=few.yaml
expect samples/few '"PASSED" 1 4 4 2' \
    "$(field status) $(field tvd_limit) $(field samples_per_row) $(field sampling_repeats) $(flagged)"
expect 'samples/few: summary' \
    'WEAK_SAMPLES  1 cell; too few samples to tell a sampler that is wrong half of the time' \
    "$(grep '^WEAK_SAMPLES' build/report/summary.txt)"
bench
# A row is 817 bytes with its outputs and one more; so many fill the MiB that a call has on a CPU.
expect samples/many '"PASSED" 0.2 1283 0' \
    "$(field status) $(field tvd_limit) $(field sampling_repeats) $(flagged)"
expect 'samples/many: summary' '' "$(grep '^WEAK_SAMPLES' build/report/summary.txt)"

# One whose batch is compiled in is never called with a larger one.
cp -R "$gallery/." baked
baked=baked/honest/kernels/honest_cpu_sampler
sed -i 's/"binding"/"compile_time_axes": ["batch_size"], "binding"/' $baked/solution.json
sed -i '1a #define axes_batch(axes) ((axes)->batch_size == TM_BATCH_SIZE ? TM_BATCH_SIZE : (abort(), 0))' \
    $baked/honest_cpu_sampler.c
sed 's/axes->batch_size/axes_batch(axes)/' "$gallery/kernels/sampler.h" >baked/kernels/sampler.h
gallery=$PWD/baked
bench
expect samples/baked '"PASSED" 1' "$(field status) $(field sampling_repeats)"
gallery=$srcdir/tests/cheats
bench

cat >small.c <<'END'
#define tm_the_backend tm_cpu_backend
#include "harness/backend_cpu.c"
#undef tm_the_backend
enum { BLOCKS = 64 };
static struct {
    void *memory;
    size_t bytes;
} blocks[BLOCKS];
static void *alloc_some(tm_backend *backend, size_t bytes, char *error) {
    const char *most = getenv("TM_TEST_DEVICE_BYTES");
    size_t used = bytes, at = 0;
    for (int i = 0; i < BLOCKS; i++)
        used += blocks[i].bytes;
    if (most && used > strtoull(most, NULL, 10)) {
        snprintf(error, TM_BACKEND_ERROR_BYTES, "%zu bytes are too many", bytes);
        return NULL;
    }
    while (blocks[at].memory)
        at++;
    blocks[at].memory = cpu_alloc(backend, bytes, error);
    blocks[at].bytes = bytes;
    return blocks[at].memory;
}
static void free_some(tm_backend *backend, void *memory) {
    for (int i = 0; i < BLOCKS; i++)
        if (blocks[i].memory == memory)
            blocks[i].memory = NULL, blocks[i].bytes = 0;
    cpu_free(backend, memory);
}
tm_backend_ops tm_the_backend_of_test;
extern const tm_backend_ops tm_the_backend __attribute__((alias("tm_the_backend_of_test")));
__attribute__((constructor)) static void shrink(void) {
    tm_the_backend_of_test = tm_cpu_backend;
    tm_the_backend_of_test.alloc = alloc_some;
    tm_the_backend_of_test.free = free_some;
}
END
objects=$(ninja -t query build/bin/tm-worker | sed -n 's/^    \(.*\.o\)$/\1/p' |
    grep -v -e backend_cpu.o -e worker.o -e runner.o)
sanitizers=$(sed -n 's/^cflags = .*\(-fsanitize=[^ ]*\).*/\1/p' build.ninja)
# shellcheck disable=SC2086 # paths and options are words
"${CC:-cc}" -D_GNU_SOURCE -I"$srcdir" -fopenmp $sanitizers small.c build/obj/harness/worker.o \
    build/obj/harness/runner.o $objects build/lib/libtracemill.a \
    -o small_worker -lcjson -lm -ldl || failed samples 'its worker cannot be built'
mv small_worker build/bin/tm-worker

# R times the row are 840 R + 2048 bytes with copies and guards, and its counts 780.
on() { # bytes of the device
    rm -f "$trace"
    TM_TEST_DEVICE_BYTES=$1 build/harness/cheat_sampling/small build/solutions/honest_cpu_sampler.so \
        "--trace=$trace" >judge.log 2>&1
    echo "$(field status) $(field sampling_repeats)"
}
expect 'samples/a device with room' '"PASSED" 1283' "$(on 1100000)"
expect 'samples/with room for a quarter' '"PASSED" 320' "$(on 271700)"
expect 'samples/but not for its counts' '"PASSED" 160' "$(on 271600)"
expect 'samples/for the row as it is' '"PASSED" 1' "$(on 3700)"
expect 'samples/for less' '"VOID" ' "$(on 2800)"
finish
