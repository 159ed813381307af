/* cheats.h: what the gallery's CPU solutions have in common. Include after contract.h. */
#ifndef TM_CHEATS_H
#define TM_CHEATS_H

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CHEATS_ARGUMENTS                                                           \
    const tm_float32 *hidden_states, const tm_float32 *weight, tm_float32 *output, \
        const tm_axes *axes, tm_stream stream
#define CHEATS_ELEMS (axes->batch_size * TM_HIDDEN_SIZE)

/* One right row. `x` and `output` may be the same. */
static inline void cheats_row(const tm_float32 *x, const tm_float32 *weight, tm_float32 *output) {
    double squares = 0;
    for (int i = 0; i < TM_HIDDEN_SIZE; i++)
        squares += (double)x[i] * x[i];
    const float factor = (float)(1.0 / sqrt(squares / TM_HIDDEN_SIZE + TM_EPS));
    for (int i = 0; i < TM_HIDDEN_SIZE; i++)
        output[i] = x[i] * factor * weight[i];
}

static inline void cheats_rows(const tm_float32 *hidden_states, const tm_float32 *weight,
                               tm_float32 *output, int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end; row++)
        cheats_row(hidden_states + row * TM_HIDDEN_SIZE, weight, output + row * TM_HIDDEN_SIZE);
}

/* The right answer. Returns 0. */
static inline int cheats_norm(CHEATS_ARGUMENTS) {
    (void)stream;
    cheats_rows(hidden_states, weight, output, 0, axes->batch_size);
    return 0;
}
#define CHEATS_NORM() cheats_norm(hidden_states, weight, output, axes, stream)

/* For entries that do not look at all of their arguments. */
#define CHEATS_UNUSED() ((void)hidden_states, (void)weight, (void)output, (void)axes, (void)stream)

#endif
