/* change_point: where the latency of unchanged work has changed for good, in a series of runs.
 *
 * Penalised least squares on logarithms with a bounded loss (Fearnhead and Rigaill 2019, JASA 114;
 * docs/MEASUREMENT.md, "Many runs"): a run far from all others costs less than a change, so that
 * one run is never a change; two at the end are, and three anywhere. The penalty is the square of
 * the quantile of a test of one position, so that it holds the correction for all positions of all
 * series. Deliberately does not know what the runs or cells are. */
#ifndef TM_REPORTS_CHANGE_POINT_H
#define TM_REPORTS_CHANGE_POINT_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/arena.h"
#include "reports/timing.h"

/* Chance of any false change in all series together. */
#define TM_CHANGE_POINT_LEVEL 0.05

typedef struct {
    double log;      /* natural logarithm of the latency */
    double variance; /* of it from run to run of the same code, as far as that is known; above 0 */
} tm_change_point_value;

/* The values of timings of one cell, each of a run of its own and with a latency, in the arena.
 * `noise` and `noise_ns`: by how much runs differ, as tm_gate_noise tells; what trials of a run
 * differ by comes on top. */
tm_change_point_value *tm_change_point_values(tm_arena *arena, const tm_timing *timings,
                                              size_t count, double noise, double noise_ns);

/* A stretch of values between two changes. */
typedef struct {
    size_t begin, end; /* of the values; end excluded */
    size_t outliers;   /* values among them that were left out */
    double level;      /* weighted mean of the logarithms */
    double deviation;  /* its standard error */
} tm_change_point_level;

typedef struct {
    tm_change_point_level *levels; /* in order; the first begins at 0; changes lie between them */
    size_t count;
    double freedom;     /* degrees of freedom of the variance; INFINITY where it was known */
    double scale;       /* by how much the known variances were multiplied */
    bool last_differs;  /* the last value is off its level by more than chance */
    double last_apart;  /* its logarithm less the level's of the values before it; 0: only one */
    double last_margin; /* half the width of the 95 % interval of that */
    double smallest;    /* change of the logarithm in the middle that would just be found */
} tm_change_points;

/* The levels of `count` >= 1 values, in the arena. `chance`: of a false change at one position, the
 * level divided by all positions of all series. Changes of less than `threshold` (0.02, say) are
 * none. */
tm_change_points tm_change_point_find(tm_arena *arena, const tm_change_point_value *values,
                                      size_t count, double chance, double threshold);

/* Half the width of the 95 % interval of the change into `levels[index]`, index >= 1. */
double tm_change_point_margin(const tm_change_points *points, size_t index);

#endif
