/* ceilings_cpu: a copy and a reading loop over all cores, and OpenBLAS's sgemm where there is one,
 * else a loop of multiplications and additions.
 *
 * Other programs take their share, and only ever make a run slower: the figures are those of the
 * fastest of many short runs, of a millisecond or so, that the scheduler may leave alone; of
 * several rounds with a pause between them, until one is no faster than those before. What nothing
 * exceeds is put at MARGIN times that, and only where the harness can evict lines one by one; of
 * operations no such figure is given: a machine may have units that sgemm does not use. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "harness/ceilings.h"

#define ROUNDS 4 /* at most */
#define PAUSE_S 0.1
#define FASTER 1.02
#define RUNS 3 /* over all the memory, in a round */
#define PRODUCT_RUNS 40
#define MOST_SECONDS 0.1 /* for those */
#define MARGIN 4
/* Twice the last cache, within these; a virtual machine may be told its host's. */
#define LEAST_BYTES ((size_t)64 << 20)
#define MOST_BYTES ((size_t)128 << 20)
#define PRODUCT 320                   /* rows, columns and depth: 66 MFLOP, some 1 ms on a core */
#define BLOCK_BYTES ((size_t)1 << 18) /* what a thread copies at a time */
#define PIECE_BYTES ((size_t)4 << 20) /* one run */

static double now_s(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

static void copy(char *to, const char *from, size_t bytes) {
#pragma omp parallel for schedule(static)
    for (size_t at = 0; at < bytes; at += BLOCK_BYTES)
        memcpy(to + at, from + at, BLOCK_BYTES);
}

static uint64_t read_all(const char *from, size_t bytes) {
    const uint64_t *words = (const uint64_t *)(const void *)from;
    uint64_t sum = 0;
#pragma omp parallel for simd schedule(static) reduction(+ : sum)
    for (size_t i = 0; i < bytes / sizeof *words; i++)
        sum += words[i];
    return sum;
}

static double larger(double a, double b) {
    return a > b ? a : b;
}

/* Piece by piece, each long out of the caches when its turn comes again. */
static void measure_memory(tm_ceilings *ceilings, char *to, char *from, size_t bytes) {
    double copied = ceilings->copy_bytes_per_s, read = ceilings->read_bytes_per_s;
    volatile uint64_t sink;
    copy(to, from, bytes);
    for (int run = 0; run < RUNS; run++) {
        for (size_t at = 0; at < bytes; at += PIECE_BYTES) {
            double begin = now_s();
            copy(to + at, from + at, PIECE_BYTES);
            copied = larger(copied, 2 * (double)PIECE_BYTES / (now_s() - begin));
        }
        for (size_t at = 0; at < bytes; at += PIECE_BYTES) {
            double begin = now_s();
            sink = read_all(from + at, PIECE_BYTES);
            read = larger(read, (double)PIECE_BYTES / (now_s() - begin));
        }
    }
    (void)sink;
    ceilings->copy_bytes_per_s = copied;
    ceilings->read_bytes_per_s = read;
#if defined(__x86_64__)
    ceilings->most_bytes_per_s = MARGIN * larger(copied, read);
#endif
}

/* The peak of independent multiply-adds, operations per second: 16 vectors of 16 floats on each
 * core, enough to hide their latency. */
static double loop_rate(void) {
    enum { STEPS = 20000, LANES = 256 };
    double fastest = 0;
    for (int run = 0; run < PRODUCT_RUNS; run++) {
        double operations = 0, begin = now_s();
        volatile float sink = 0;
#pragma omp parallel reduction(+ : operations)
        {
            float sums[LANES], factor = 0.999f + (float)sink;
            for (int i = 0; i < LANES; i++)
                sums[i] = (float)i;
            for (int step = 0; step < STEPS; step++)
                for (int i = 0; i < LANES; i++)
                    sums[i] = sums[i] * factor + 0.5f;
            float total = 0;
            for (int i = 0; i < LANES; i++)
                total += sums[i];
#pragma omp critical
            sink = total;
            operations += 2.0 * STEPS * LANES;
        }
        fastest = larger(fastest, operations / (now_s() - begin));
    }
    return fastest;
}

/* Of CBLAS: the values of its enumerations are part of its ABI. */
enum { ROW_MAJOR = 101, NO_TRANSPOSE = 111, TRANSPOSE = 112 };
typedef void sgemm_function(int order, int transpose_a, int transpose_b, int m, int n, int k,
                            float alpha, const float *a, int lda, const float *b, int ldb,
                            float beta, float *c, int ldc);

/* Products on all cores at once, each core's own: threads that share one wait for each other, which
 * takes long beside other programs. The sum of what each core did in its fastest. */
static double sgemm_rate(const float *a, const float *b) {
    void *library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
    sgemm_function *sgemm = library ? (sgemm_function *)dlsym(library, "cblas_sgemm") : NULL;
    void (*set_threads)(int) =
        library ? (void (*)(int))dlsym(library, "openblas_set_num_threads") : NULL;
    if (!sgemm || !set_threads)
        return 0;
    double rate = 0;
    set_threads(1);
#pragma omp parallel reduction(+ : rate)
    {
        float *c = calloc((size_t)PRODUCT * PRODUCT, sizeof *c);
        double fastest = 0, start = now_s();
        for (int run = 0; c && run <= PRODUCT_RUNS && (run < 2 || now_s() < start + MOST_SECONDS);
             run++) { /* the first warms up */
            double begin = now_s();
            sgemm(ROW_MAJOR, NO_TRANSPOSE, TRANSPOSE, PRODUCT, PRODUCT, PRODUCT, 1, a, PRODUCT, b,
                  PRODUCT, 0, c, PRODUCT);
            fastest = larger(fastest, 2.0 * PRODUCT * PRODUCT * PRODUCT / (now_s() - begin));
        }
        free(c);
        rate += fastest;
    }
    return rate; /* the library stays loaded */
}

/* True when it was faster than what is known already. */
static bool measure_round(tm_ceilings *ceilings, char *to, char *from, size_t bytes) {
    const tm_ceilings before = *ceilings;
    float *numbers = (float *)(void *)from;
    double *rate = &ceilings->operations_per_s[TM_DTYPE_FLOAT32];
    measure_memory(ceilings, to, from, bytes);
    double product = sgemm_rate(numbers, numbers + PRODUCT * PRODUCT);
    *rate = larger(*rate, product > 0 ? product : loop_rate());
    return ceilings->copy_bytes_per_s > FASTER * before.copy_bytes_per_s ||
           ceilings->read_bytes_per_s > FASTER * before.read_bytes_per_s ||
           *rate > FASTER * before.operations_per_s[TM_DTYPE_FLOAT32];
}

bool tm_ceilings_measure(int index, tm_ceilings *ceilings, char *error) {
    (void)index;
    long cache = sysconf(_SC_LEVEL3_CACHE_SIZE);
    size_t bytes = cache > 0 ? 2 * (size_t)cache : LEAST_BYTES;
    bytes = bytes < LEAST_BYTES ? LEAST_BYTES : bytes > MOST_BYTES ? MOST_BYTES : bytes;
    bytes = bytes / PIECE_BYTES * PIECE_BYTES;
    char *from = aligned_alloc(PIECE_BYTES, bytes), *to = aligned_alloc(PIECE_BYTES, bytes);
    bool good = from && to;
    if (good) {
        float *numbers = (float *)(void *)from;
#pragma omp parallel for schedule(static)
        for (size_t i = 0; i < bytes / sizeof *numbers; i++)
            numbers[i] = (float)((i * 2654435761u >> 8) & 0xffff) / 65536 - 0.5f;
        ceilings->cache_bytes = cache > 0 ? cache : 0;
        for (int round = 0; round < ROUNDS && measure_round(ceilings, to, from, bytes); round++)
            nanosleep(&(struct timespec){.tv_nsec = (long)(PAUSE_S * 1e9)}, NULL);
    } else
        snprintf(error, TM_CEILINGS_ERROR_BYTES, "%zu bytes of host memory cannot be had",
                 2 * bytes);
    free(from);
    free(to);
    return good;
}
