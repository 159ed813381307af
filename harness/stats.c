#include "harness/stats.h"

#include <math.h>
#include <stdlib.h>

static int compare(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Linear interpolation between order statistics, as numpy's default. */
static double quantile(const double *sorted, size_t count, double q) {
    double position = q * (double)(count - 1);
    size_t below = (size_t)position;
    size_t above = below + 1 < count ? below + 1 : below;
    return sorted[below] + (position - (double)below) * (sorted[above] - sorted[below]);
}

tm_stats tm_stats_of(double *samples, size_t count) {
    tm_stats stats = {.count = count};
    qsort(samples, count, sizeof *samples, compare);
    for (size_t i = 0; i < count; i++)
        stats.mean += samples[i] / (double)count;
    double squares = 0;
    for (size_t i = 0; i < count; i++)
        squares += (samples[i] - stats.mean) * (samples[i] - stats.mean);
    stats.standard_deviation = count > 1 ? sqrt(squares / (double)(count - 1)) : 0;
    stats.min = samples[0];
    stats.p10 = quantile(samples, count, 0.1);
    stats.median = quantile(samples, count, 0.5);
    stats.p90 = quantile(samples, count, 0.9);
    return stats;
}

void tm_stats_median_interval(const double *sorted, size_t count, double *low, double *high) {
    double half = 0.98 * sqrt((double)count); /* 1.96 standard deviations of a binomial(n, 1/2) */
    double first = floor(((double)count - 1) / 2 - half),
           last = ceil(((double)count - 1) / 2 + half);
    *low = sorted[first > 0 ? (size_t)first : 0];
    *high = sorted[last < (double)count ? (size_t)last : count - 1];
}

bool tm_stats_unstable(const tm_stats *trials, size_t count, double least_ns) {
    if (count == 0)
        return false;
    size_t restless = 0;
    double lowest = INFINITY, highest = -INFINITY;
    for (size_t i = 0; i < count; i++) {
        const tm_stats *trial = &trials[i];
        if (!isfinite(trial->median) || !isfinite(trial->p90 - trial->p10))
            return true;
        restless += trial->p90 - trial->p10 > TM_STATS_SPREAD * fmax(trial->median, least_ns);
        lowest = fmin(lowest, trial->median);
        highest = fmax(highest, trial->median);
    }
    return 2 * restless >= count || highest - lowest > TM_STATS_DRIFT * fmax(lowest, least_ns);
}
