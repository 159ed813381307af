/* stats: order statistics of samples, and the latency that a trace reports.
 *
 * Formulas: docs/MEASUREMENT.md. Deliberately does not know where samples come from. */
#ifndef TM_STATS_H
#define TM_STATS_H

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

#endif
