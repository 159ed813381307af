/* judge: runs one cell and knows its verdict. Trusted: it never touches a device and never loads a
 * solution. */
#ifndef TM_JUDGE_H
#define TM_JUDGE_H

#include "harness/answers.h"
#include "harness/cell.h"
#include "harness/evaluator.h"
#include "harness/floor.h"
#include "harness/gauge.h"
#include "harness/sidecar.h"
#include "harness/stats.h"
#include "lib/text.h"
#include "lib/trace.h"

/* Fewer samples are never taken of a trial, whatever the time cap. */
#define TM_JUDGE_FLOOR_SAMPLES 5
#define TM_OUTCOME_MAX_FLAGS 8

/* One trial of the solution. */
typedef struct {
    tm_samples samples; /* in the order of the calls */
    double *block;      /* that they are in, three times `capacity`; freed by tm_trial_free */
    size_t capacity;
    tm_stats device_ns;
    double wall_median_ns;
    double marks_median_ns; /* between the marks: the clock's cross-check */
    double protocol_ns;     /* the worker spent on flushes and calls */
    bool capped;
} tm_trial;

/* What came of a cell. Freed by tm_outcome_free. */
typedef struct {
    tm_status status;
    char reason[1280]; /* "" when PASSED */
    tm_text log; /* what the solution printed, or the compiler; of a VOID cell the reference */
    uint64_t seed;
    tm_verdict verdict;
    bool is_printed, is_persistent;
    bool is_transient; /* VOID for what will not last: the next build is to run the cell again */
    tm_trial trials[TM_ANSWERS_MAX_TRIALS];
    size_t trial_count;
    int64_t checked_timed_calls;
    double interval_low_ns, interval_high_ns; /* of the median, over all samples */
    double latency_ns;                        /* mean of the trials' medians */
    double reference_latency_ns;              /* 0: not measured */
    double protocol_ns;                  /* the workers spent on flushes and calls, of both sides */
    double judging_ns;                   /* the whole cell */
    double asking_ns[TM_REQUEST_QUIT];   /* of it: waited for the workers, by kind of request */
    double starting_ns, comparing_ns;    /* of it: until workers were there; in the evaluator */
    char clock[16], reference_clock[16]; /* what each worker reads; "" before it is open */
    const tm_node *weak; /* wrong answers that this row lets pass (controls.h); NULL: not known */
    tm_gauge_reading before, after; /* the solution's timed calls */
    int64_t retakes;                /* timed calls thrown away because the device was slow */
    const char *flags[TM_OUTCOME_MAX_FLAGS]; /* "CAPPED", "HOST_WORK", ... (docs/FORMATS.md) */
    size_t flag_count;
    bool has_floor; /* what the row takes at least is known */
    tm_floor floor;
} tm_outcome;

/* Judges a cell. False after appending an error: the harness or the environment failed and there is
 * no verdict. The caller frees the outcome (tm_outcome_free) in either case. */
bool tm_judge_cell(const tm_cell *cell, tm_outcome *outcome, tm_arena *arena, tm_diag *diag);

/* Holds a cell that passed against build/ceilings.json, if it is there. False when its latency is
 * below what the row takes at least: then it has become RUNTIME_ERROR, flagged IMPOSSIBLE. */
bool tm_outcome_is_possible(const tm_cell *cell, tm_inputs *inputs, tm_outcome *outcome,
                            tm_arena *arena);
/* Trials and timed calls per trial of a cell. */
int64_t tm_trial_count(const tm_cell *cell);
int64_t tm_trial_iterations(const tm_cell *cell);
void tm_trial_free(tm_trial *trial);

/* Adds a flag, once; borrows it. */
void tm_outcome_flag(tm_outcome *outcome, const char *flag);
void tm_outcome_free(tm_outcome *outcome);
/* Writes the trace and, when there is something in it, the log beside it. */
bool tm_outcome_write(const tm_cell *cell, const tm_evaluator *evaluator, tm_outcome *outcome,
                      tm_arena *arena, tm_diag *diag);
/* One line for a person: verdict, latency, speedup or reason. */
void tm_outcome_print(const tm_cell *cell, const tm_outcome *outcome);

#endif
