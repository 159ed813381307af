/* bencher: the PASSED cells in the Bencher Metric Format, for bencher.dev.
 *
 * A benchmark per cell, by the name that JUnit has too, and measures by their slugs: `latency` is
 * Bencher's own, in nanoseconds; `speedup`, `speedup-over-baseline` and `percent-of-limit` are
 * ours. A cell without a latency is not there: any number in its place would be followed. */
#ifndef TM_REPORTS_BENCHER_H
#define TM_REPORTS_BENCHER_H

#include "lib/arena.h"
#include "reports/model.h"

/* The text; caller frees. Names are made in the arena. */
char *tm_bencher_format(tm_arena *arena, const tm_model *model);

#endif
