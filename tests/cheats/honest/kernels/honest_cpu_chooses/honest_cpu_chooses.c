/* Times two ways of its own in its first call, and keeps the faster. */
#include "contract.h"

#include "../../../kernels/cheats.h"

#include <time.h>

static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static void forwards(const float *x, const float *weight, float *output, int64_t rows) {
    cheats_rows(x, weight, output, 0, rows);
}

static void backwards(const float *x, const float *weight, float *output, int64_t rows) {
    for (int64_t row = rows; row-- > 0;)
        cheats_rows(x, weight, output, row, row + 1);
}

int TM_ENTRY(CHEATS_ARGUMENTS) {
    static int way = -1;
    if (way < 0) {
        const int64_t begin = now();
        forwards(hidden_states, weight, output, axes->batch_size);
        const int64_t middle = now();
        backwards(hidden_states, weight, output, axes->batch_size);
        way = now() - middle < middle - begin;
    }
    (void)stream;
    (way ? backwards : forwards)(hidden_states, weight, output, axes->batch_size);
    return 0;
}
