/* controls: answers that are plainly wrong, given to the evaluator as if a solution had made them.
 * A workload on which one of them passes shows little, and its report says so.
 *
 * Runs in the judge, on expected outputs in host memory. Deliberately does not know inputs (an
 * output that repeats one is not tried), workers or the solution. */
#ifndef TM_CONTROLS_H
#define TM_CONTROLS_H

#include "harness/table.h"
#include "lib/config.h"
#include "lib/json.h"

/* Of a larger output only the first rows are tried, about this many elements: half a million
 * comparisons of a float each, some milliseconds. */
#define TM_CONTROLS_MAX_ELEMS ((int64_t)1 << 18)

/* One object for each output that a wrong answer gets by with, all other outputs being right:
 * {"output": name, "passes": [...], "scale": S}. `passes` are of "zeros", "mean" (each element the
 * mean of the expected ones), "dropped tail" (the last eighth zero) and "x 1.1"; the middle two are
 * for outputs of two elements and more, mean and x 1.1 for floating dtypes. S is the largest of 8,
 * 4, 2, ... 2^-20, 0 for which the expected values times 1 + S still pass; absent for integers. An
 * empty array: nothing passes. Caller frees. */
tm_json *tm_controls_weak(const tm_table *table, const tm_config *config, void *const *expected);

#endif
