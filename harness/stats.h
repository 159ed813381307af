/* stats: order statistics of samples, and the latency that a trace reports.
 *
 * Formulas: docs/MEASUREMENT.md. Deliberately does not know where samples come from. */
#ifndef TM_STATS_H
#define TM_STATS_H

#include <stdbool.h>
#include <stddef.h>

typedef struct {
    size_t count;
    double min, p10, median, p90, mean, standard_deviation; /* unit of the samples */
} tm_stats;

/* Statistics of `count` >= 1 samples; sorts them. */
tm_stats tm_stats_of(double *samples, size_t count);

/* A distribution-free confidence interval of the median: the order statistics whose ranks enclose
 * the median with probability >= 95 % (binomial, normal approximation of the ranks; the extremes
 * for fewer than 6 samples). `sorted` ascending, count >= 1. */
void tm_stats_median_interval(const double *sorted, size_t count, double *low, double *high);

/* When trials are unstable; docs/MEASUREMENT.md derives the numbers. Shares of the latency. */
#define TM_STATS_SPREAD 0.10 /* p90 - p10 of one trial's samples */
#define TM_STATS_DRIFT 0.03  /* largest - smallest of the trials' medians */

/* A latency below this is judged as if it were this long: jitter of the clock and of a launch does
 * not shrink with the kernel. */
#define TM_STATS_LEAST_MONOTONIC_NS 1e3
#define TM_STATS_LEAST_CUPTI_NS 10e3
#define TM_STATS_LEAST_EVENTS_NS 40e3

/* True when the latency of these trials is not to be relied on: half of the trials or more spread
 * too widely, or their medians lie too far apart, or one of these figures is not a number.
 * `least_ns` > 0 is the constant of the clock, in the unit of the samples. No trials: false. */
bool tm_stats_unstable(const tm_stats *trials, size_t count, double least_ns);

#endif
