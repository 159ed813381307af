/* timing: how long the calls of one cell took in one run, trial by trial.
 *
 * From the samples beside a trace, or where there are none that belong to it, from what the trace
 * says of its trials, or from its latency alone. Deliberately does not know which of two runs it
 * is, or what is compared. */
#ifndef TM_REPORTS_TIMING_H
#define TM_REPORTS_TIMING_H

#include <stddef.h>

#include "lib/arena.h"
#include "lib/trace.h"

typedef enum {
    TM_TIMING_NONE,    /* no latency: not PASSED */
    TM_TIMING_LATENCY, /* one trial, of which only the median is known */
    TM_TIMING_TRIALS,  /* the trials' medians and standard deviations */
    TM_TIMING_SAMPLES  /* every sample */
} tm_timing_source;

/* "samples", "trials", "latency", "none". Static. */
const char *tm_timing_source_name(tm_timing_source source);

typedef struct {
    double *ns;   /* sorted; NULL without samples */
    size_t count; /* samples, also where they are not known one by one; 0: not known */
    double median_ns, standard_deviation_ns;
} tm_timing_trial;

typedef struct {
    tm_timing_source source;
    const tm_timing_trial *trials;
    size_t trial_count;
} tm_timing;

/* The timing of a PASSED trace, in the arena. `samples_path` may be NULL, or of a file that is not
 * there. Samples whose medians do not give the trace's latency are of another run and not used. */
tm_timing tm_timing_read(tm_arena *arena, const tm_trace *trace, const char *samples_path);
/* Mean over trials of the trial's median, as `latency_ms` is; 0 for TM_TIMING_NONE. */
double tm_timing_latency_ns(const tm_timing *timing);
/* Sum of squares of the logarithms of the trials' medians, around their own mean. */
double tm_timing_scatter(const tm_timing *timing);
/* Every duration times `factor`. In the arena. */
tm_timing tm_timing_scale(tm_arena *arena, const tm_timing *timing, double factor);

#endif
