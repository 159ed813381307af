/* judge: runs one cell and knows its verdict. Trusted: it never touches a device and never loads a
 * solution. */
#ifndef TM_JUDGE_H
#define TM_JUDGE_H

#include "harness/cell.h"
#include "harness/evaluator.h"
#include "harness/floor.h"
#include "harness/stats.h"
#include "lib/text.h"
#include "lib/trace.h"

#define TM_JUDGE_MAX_TRIALS 64
#define TM_OUTCOME_MAX_FLAGS 8

/* Samples of one trial of the solution. */
typedef struct {
    tm_stats device_ns;
    double wall_median_ns;
    double marks_median_ns; /* between the marks: the clock's cross-check */
    int64_t activities;     /* on the device in one call; 0: the clock cannot see them */
    int64_t foreign;        /* calls with work on the device from before they began */
    bool capped;
} tm_trial;

/* What came of a cell. */
typedef struct {
    tm_status status;
    char reason[1280]; /* "" when PASSED */
    tm_text log; /* what the solution printed, or the compiler; of a VOID cell the reference */
    uint64_t seed;
    tm_verdict verdict;
    bool is_printed;
    tm_trial trials[TM_JUDGE_MAX_TRIALS];
    size_t trial_count;
    double interval_low_ns, interval_high_ns; /* of the median, over all samples */
    double latency_ns;                        /* mean of the trials' medians */
    double reference_latency_ns;              /* 0: not measured */
    char clock[16], reference_clock[16];      /* what each worker reads; "" before it is open */
    const char *flags[TM_OUTCOME_MAX_FLAGS];  /* "IMPOSSIBLE", ... (docs/FORMATS.md) */
    size_t flag_count;
    bool has_floor; /* what the row takes at least is known */
    tm_floor floor;
} tm_outcome;

/* Judges a cell. False after appending an error: the harness or the environment failed and there is
 * no verdict. The outcome's log is freed by the caller. */
bool tm_judge_cell(const tm_cell *cell, tm_outcome *outcome, tm_arena *arena, tm_diag *diag);

/* Adds a flag, once; borrows it. */
void tm_outcome_flag(tm_outcome *outcome, const char *flag);
/* Holds a cell that passed against build/ceilings.json, if it is there. False when its latency is
 * below what the row takes at least: then it has become RUNTIME_ERROR, flagged IMPOSSIBLE. */
bool tm_outcome_is_possible(const tm_cell *cell, tm_outcome *outcome, tm_arena *arena);
/* Writes the trace and, when there is something in it, the log beside it. */
bool tm_outcome_write(const tm_cell *cell, const tm_evaluator *evaluator, tm_outcome *outcome,
                      tm_arena *arena, tm_diag *diag);
/* One line for a person: verdict, latency, speedup or reason. */
void tm_outcome_print(const tm_cell *cell, const tm_outcome *outcome);

#endif
