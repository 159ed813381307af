/* gate: what became slower, faster or broken since an earlier run, cell by cell.
 *
 * docs/MEASUREMENT.md ("Two runs") says how it is decided and how often it is wrong. A cell that
 * has changed must be slower by more than the threshold, its samples must tend to be larger (a rank
 * test), and its trials' medians must differ by more than those of runs of the same code; the
 * larger of the two p values, adjusted by Holm's rule over all cells, is at most 5 %. Deliberately
 * does not know any output format. */
#ifndef TM_REPORTS_GATE_H
#define TM_REPORTS_GATE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/arena.h"
#include "reports/baseline.h"
#include "reports/bootstrap.h"
#include "reports/model.h"
#include "reports/timing.h"

typedef enum {
    TM_GATE_REGRESSED, /* passed before, does not now */
    TM_GATE_SLOWER,
    TM_GATE_AMBIGUOUS, /* may be SAME, FASTER or SLOWER: too noisy, or not comparable */
    TM_GATE_FASTER,
    TM_GATE_FIXED,   /* did not pass before, does now */
    TM_GATE_FAILING, /* neither before nor now */
    TM_GATE_NEW,     /* only now */
    TM_GATE_GONE,    /* only before */
    TM_GATE_SAME,
    TM_GATE_COUNT
} tm_gate_verdict;

/* "SLOWER", ... Static. */
const char *tm_gate_name(tm_gate_verdict verdict);
/* Whether a cell with this verdict makes the gate fail. */
bool tm_gate_fails(tm_gate_verdict verdict);

typedef struct {
    double threshold; /* relevant from 1 + threshold on, or below 1 / (1 + threshold) */
    double noise;     /* runs of the same code: standard deviation, relative; 0: of the backend */
    double scale;     /* multiplies the latencies of now; 1, but for tests of the gate */
    bool by_identity; /* SAME where solution, harness and device have not changed */
    bool by_trace;    /* SAME where both sides are one measurement, carried along */
} tm_gate_options;

#define TM_GATE_THRESHOLD 0.02
#define TM_GATE_LEVEL 0.05          /* chance of any wrong SLOWER or FASTER in the whole matrix */
#define TM_GATE_INTERVAL_SHARE 0.90 /* two one-sided tests at 5 % */

/* What two timings amount to. */
typedef struct {
    double ratio; /* of now to before */
    tm_bootstrap interval;
    double larger;     /* rank_test.h; 0 without samples */
    double p;          /* larger of the two tests' */
    double p_adjusted; /* over the matrix; gate_settle sets it */
} tm_gate_comparison;

typedef struct {
    tm_gate_verdict verdict;
    const char *definition, *solution, *author, *uuid, *axes;
    const char *code;               /* model.h: `source`; NULL when GONE */
    const tm_model_cell *cell;      /* NULL when GONE */
    const tm_baseline_cell *before; /* NULL when NEW */
    const char *why;                /* "" or a few words */
    double before_ms, after_ms;     /* 0: none */
    tm_timing_source source;        /* of the poorer side */
    bool is_compared;               /* `comparison` holds */
    tm_gate_comparison comparison;
} tm_gate_cell;

typedef struct {
    tm_gate_options options; /* with the noise that was used */
    double noise_ns;         /* the same, absolute: what does not shrink with the kernel */
    const tm_baseline *baseline;
    const tm_model *model;
    tm_gate_cell *cells; /* by verdict, then the largest change first, then by name */
    size_t count, by_verdict[TM_GATE_COUNT];
    size_t identical; /* of the SAME ones: by identity */
    size_t compared;  /* by statistics */
    size_t without_samples;
} tm_gate;

/* Every cell of the model and of the baseline. `build` is the folder where ninja ran. */
tm_gate *tm_gate_run(tm_arena *arena, const tm_model *model, const char *build,
                     const tm_baseline *baseline, tm_gate_options options);

/* Of one cell; `noise_ns` and `noise` as in tm_gate. Both timings have a latency. */
tm_gate_comparison tm_gate_compare(const tm_timing *before, const tm_timing *after, double noise,
                                   double noise_ns);
/* Sets the adjusted p values of some comparisons. */
void tm_gate_adjust(tm_arena *arena, tm_gate_comparison *const *comparisons, size_t count);
/* The verdict, once p is adjusted. `is_crowded`: other programs took the CPU in one of the runs, so
 * that latencies may differ by any factor. */
tm_gate_verdict tm_gate_decide(const tm_gate_comparison *comparison, double threshold,
                               bool is_crowded);
/* By how much runs of the same code differ on "cpu" or "cuda". */
void tm_gate_noise(const char *backend, double *noise, double *noise_ns);
/* Whether any cell makes it fail. */
bool tm_gate_has_failed(const tm_gate *gate);

#endif
