/* planted.h: the honest part of every planted solution. Include after contract.h. */
#ifndef TM_PLANTED_H
#define TM_PLANTED_H

#include <dlfcn.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#define PLANTED_ARGUMENTS                                                          \
    const tm_float32 *hidden_states, const tm_float32 *weight, tm_float32 *output, \
        const tm_axes *axes, tm_stream stream

static inline int64_t planted_elems(const tm_axes *axes) {
    return axes->batch_size * TM_HIDDEN_SIZE;
}

/* The right answer. Returns 0. */
static inline int planted_rmsnorm(PLANTED_ARGUMENTS) {
    (void)stream;
    for (int64_t row = 0; row < axes->batch_size; row++) {
        const tm_float32 *x = hidden_states + row * TM_HIDDEN_SIZE;
        double squares = 0;
        for (int64_t i = 0; i < TM_HIDDEN_SIZE; i++)
            squares += (double)x[i] * x[i];
        float factor = (float)(1.0 / sqrt(squares / TM_HIDDEN_SIZE + TM_EPS));
        for (int64_t i = 0; i < TM_HIDDEN_SIZE; i++)
            output[row * TM_HIDDEN_SIZE + i] = x[i] * factor * weight[i];
    }
    return 0;
}

/* A function of libc looked up when it is called: imported, the judge would refuse the object
 * before anything of it runs (lib/symbols.h), and its next line of defence would not be tested.
 */
static inline int planted_libc(const char *name, int first, int second) {
    int (*function)(int, int);
    *(void **)&function = dlsym(RTLD_DEFAULT, name);
    return function ? function(first, second) : -1;
}

#endif
