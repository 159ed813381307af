/* overhead: what one timed sample costs beside the call, step by step, as harness/runner.c does it:
 * two inputs perturbed, an output poisoned, the cache flushed, marks, a call of one small kernel,
 * the waits, the clock's reading. Prints medians over so many samples, in us: of the steps in a
 * sample, and of each step alone, with the device idle before and waited for behind it.
 *
 *   overhead [INPUT_ELEMS]     bfloat16, of the first input and the output; 16384
 *
 * Exit status: 0, 3 no device. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "harness/backend.h"
#include "harness/random_form.h"
#include "lib/dtype.h"

#define SAMPLES 300
#define WARMUP 20
#define WEIGHT_ELEMS 4096
#define CALL_BYTES 1024

enum { PERTURB, POISON, FLUSH, MARK_0, CALL, MARK_1, SYNC, ELAPSED, STEPS };
static const char *const names[STEPS] = {"perturb two inputs",
                                         "poison an output",
                                         "flush",
                                         "mark 0",
                                         "call",
                                         "mark 1",
                                         "sync",
                                         "elapsed"};
static const tm_backend_ops *const ops = &tm_the_backend;

typedef struct {
    tm_backend *backend;
    tm_random_form forms[2];
    void *tensors[3];
    size_t bytes[3];
    char error[TM_BACKEND_ERROR_BYTES];
} bench;

static double now_us(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return 1e6 * (double)now.tv_sec + 1e-3 * (double)now.tv_nsec;
}

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values) {
    qsort(values, SAMPLES, sizeof *values, compare);
    return values[SAMPLES / 2];
}

static bool do_step(bench *b, int step, uint32_t number) {
    tm_reading reading;
    switch (step) {
    case PERTURB:
        for (uint32_t i = 0; i < 2; i++)
            if (!ops->fill_random(b->backend, b->tensors[i], &b->forms[i], number, i,
                                  number % TM_RANDOM_PERTURB_STRIDE, TM_RANDOM_PERTURB_STRIDE,
                                  b->error))
                return false;
        return true;
    case POISON:
        return ops->fill_pattern(b->backend, b->tensors[2], 0xfffefffeu, b->bytes[2], b->error);
    case FLUSH:
        return ops->flush_cache(b->backend, b->tensors, b->bytes, 3, b->error);
    case MARK_0:
        return ops->mark(b->backend, 0, b->error);
    case CALL:
        return ops->fill_pattern(b->backend, b->tensors[2], 1, CALL_BYTES, b->error);
    case MARK_1:
        return ops->mark(b->backend, 1, b->error);
    case SYNC:
        return ops->sync(b->backend, b->error);
    default:
        return ops->elapsed(b->backend, &reading, b->error);
    }
}

static bool open_bench(bench *b, int64_t elems) {
    const int64_t counts[3] = {elems, WEIGHT_ELEMS, elems};
    bool full;
    double begin = now_us();
    b->backend = ops->open(0, &full, b->error);
    if (!b->backend)
        return false;
    printf("device opened in %.1f ms; the clock is %s\n", (now_us() - begin) / 1e3,
           ops->clock(b->backend));
    for (int i = 0; i < 3; i++) {
        b->bytes[i] = (size_t)counts[i] * 2;
        b->tensors[i] = ops->alloc(b->backend, b->bytes[i], b->error);
        if (!b->tensors[i])
            return false;
        if (i < 2)
            b->forms[i] = tm_random_form_plain(TM_DTYPE_BFLOAT16, counts[i]);
    }
    return true;
}

/* The steps of a sample, each from the end of the one before. */
static bool time_samples(bench *b, double times[STEPS + 1][SAMPLES], double *first_us) {
    for (uint32_t i = 0; i < WARMUP + SAMPLES; i++) {
        double begin = now_us(), at = begin;
        for (int step = 0; step < STEPS; step++) {
            if (!do_step(b, step, i))
                return false;
            double now = now_us();
            if (i >= WARMUP)
                times[step][i - WARMUP] = now - at;
            at = now;
        }
        if (i >= WARMUP)
            times[STEPS][i - WARMUP] = at - begin;
        if (i == 0)
            *first_us = at - begin;
    }
    return true;
}

/* One step, and the wait for it. The clock's reading wants a whole sample before it. */
static bool time_alone(bench *b, int step, double *times) {
    for (uint32_t i = 0; i < SAMPLES; i++) {
        for (int before = FLUSH; step >= MARK_1 && before < step; before++)
            if (!do_step(b, before, i))
                return false;
        if (!ops->sync(b->backend, b->error))
            return false;
        double begin = now_us();
        if (!do_step(b, step, i) || (step != SYNC && !ops->sync(b->backend, b->error)))
            return false;
        times[i] = now_us() - begin;
        if (step == ELAPSED)
            continue;
        /* Records of the clock do not heap up. */
        for (int behind = FLUSH; behind < STEPS; behind++)
            if (!do_step(b, behind, i))
                return false;
    }
    return true;
}

int main(int argc, char **argv) {
    static double times[STEPS + 1][SAMPLES], alone[STEPS][SAMPLES];
    bench b = {0};
    double first_us = 0;
    bool good = open_bench(&b, argc > 1 ? atoll(argv[1]) : 16384);
    good = good && time_samples(&b, times, &first_us);
    for (int step = 0; step < STEPS && good; step++)
        good = time_alone(&b, step, alone[step]);
    if (!good) {
        fprintf(stderr, "overhead: %s\n", b.error);
        return 3;
    }
    printf("%-20s %10s %10s\n", "step", "in sample", "alone");
    for (int step = 0; step < STEPS; step++)
        printf("%-20s %10.2f %10.2f\n", names[step], median(times[step]), median(alone[step]));
    printf("%-20s %10.2f\n%-20s %10.2f\n", "a sample", median(times[STEPS]), "the first sample",
           first_us);
    ops->close(b.backend);
    return 0;
}
