/* bootstrap: an interval of the ratio of two latencies.
 *
 * Both runs are drawn anew many times: of k trials k - 1 with replacement (Rao and Wu 1988: with k
 * the variance would be too small by 1 / k), and on top a shift as large as runs of the same code
 * differ. What samples of a trial differ by is in its median, and to draw them as well would count
 * it twice (Davison and Hinkley 1997, 3.8); they are drawn where a run has one trial only.
 * Draws come from Philox with a fixed key: the same timings give the same interval. Deliberately
 * does not know what the interval decides. */
#ifndef TM_REPORTS_BOOTSTRAP_H
#define TM_REPORTS_BOOTSTRAP_H

#include <stdint.h>

#include "reports/timing.h"

#define TM_BOOTSTRAP_DRAWS 2000

typedef struct {
    double low, high; /* of after / before */
} tm_bootstrap;

/* The middle `share` (0.9, say) of the drawn ratios. `run_deviation` is the standard deviation of
 * the logarithm of the ratio of two runs of the same code. Both timings have a latency. */
tm_bootstrap tm_bootstrap_ratio(const tm_timing *before, const tm_timing *after,
                                double run_deviation, double share);

#endif
