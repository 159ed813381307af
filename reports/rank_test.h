/* rank_test: whether the samples of one run tend to be larger than those of another.
 *
 * The test of Brunner and Munzel (2000): of all pairs, one sample from each run, the share in which
 * the second is larger, against one half. It asks for no distribution and not for equal spread, and
 * takes the samples for independent, which those of a trial are not: what trials and runs differ
 * by is for another test. Deliberately does not know how much is relevant. */
#ifndef TM_REPORTS_RANK_TEST_H
#define TM_REPORTS_RANK_TEST_H

#include "reports/timing.h"

typedef struct {
    double larger;  /* P(after > before) + P(equal) / 2 */
    double t;       /* infinite when no sample of one run is below any of the other */
    double freedom; /* degrees of freedom of t */
    double p;       /* two-sided; never below what the most extreme order has by chance */
} tm_rank_test;

/* Both timings have samples, at least two in each. */
tm_rank_test tm_rank_test_run(const tm_timing *before, const tm_timing *after);

#endif
