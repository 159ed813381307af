/* draw: random decisions of a recipe, the same on every machine.
 *
 * Everything depends on the seed, on what is drawn (a word such as "kv_indices") and on an index,
 * and on nothing else. Philox4x32-10 under the seed, as in lib/random.h. Floating-point results use
 * additions, multiplications and square roots alone; this file is compiled without contractions.
 * Deliberately does not know recipes or tensors. */
#ifndef TM_DRAW_H
#define TM_DRAW_H

#include <stdint.h>

#include "lib/arena.h"

/* One independent stream of a seed. */
typedef struct {
    uint64_t seed;
    uint32_t stream;
} tm_draw;

tm_draw tm_draw_start(int64_t seed, const char *what);
uint32_t tm_draw_word(tm_draw draw, uint64_t index);
/* Uniform in [0, 1). */
double tm_draw_uniform(tm_draw draw, uint64_t index);
/* Uniform in [0, n), n >= 1. */
int64_t tm_draw_below(tm_draw draw, uint64_t index, int64_t n);
/* N(0, 1), in the precision of float. */
double tm_draw_normal(tm_draw draw, uint64_t index);
/* Where a random permutation of 0 ... n-1 takes `index`, in constant memory. */
int64_t tm_draw_permuted(tm_draw draw, int64_t n, int64_t index);
/* Splits `total` >= 0 into `count` >= 1 random parts that follow a log-normal distribution of this
 * sigma (0: as equal as can be). Each part is at least `least`, or where the total does not reach,
 * some are `least` or less. */
void tm_draw_split(tm_draw draw, double sigma, int64_t total, int64_t least, int64_t count,
                   int64_t *parts, tm_arena *arena);

/* The correctly rounded square root of x >= 0. */
double tm_draw_root(double x);
/* e^x, and sine and cosine of x in radians (|x| < 1e9), with an error below 1e-12 (1e-9 for the
 * largest x); libm's last bits differ between machines. */
double tm_draw_exp(double x);
void tm_draw_sine_cosine(double x, double *sine, double *cosine);

#endif
