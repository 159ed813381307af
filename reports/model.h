/* model: what every report is made from: the planned matrix, its traces and its scores.
 *
 * Filled once by load.c or folder.c and read-only from then on; everything lives in the run's
 * arena. Of a plan it knows only what was planned: other files under build/traces do not exist for
 * it. Deliberately does not know any output format. */
#ifndef TM_REPORTS_MODEL_H
#define TM_REPORTS_MODEL_H

#include <stddef.h>
#include <stdint.h>

#include "lib/node.h"
#include "lib/trace.h"

/* Flags of a trace (doubt.h). */
typedef enum {
    TM_DOUBT_IMPOSSIBLE,
    TM_DOUBT_HOST_WORK,
    TM_DOUBT_OUTSIDE_EVENTS,
    TM_DOUBT_OTHER, /* of a harness that knows more than this report */
    TM_DOUBT_UNSTABLE,
    TM_DOUBT_CAPPED,
    TM_DOUBT_WEAK_SAMPLES,
    TM_DOUBT_SYNTHESIZED,
    TM_DOUBT_COUNT
} tm_doubt;

typedef enum {
    TM_MODEL_RAN,     /* `trace` holds its verdict */
    TM_MODEL_NOT_RUN, /* planned, no trace file */
    TM_MODEL_BROKEN,  /* a file that is no trace of this cell; `reason` says why */
    TM_MODEL_WAITING  /* not planned for want of something; `needs` names it */
} tm_model_state;

/* One solution on one workload. The paths are relative to the folder where ninja runs. */
typedef struct {
    tm_model_state state;
    const tm_node *node;    /* the trace object as read; TM_MODEL_RAN only */
    tm_trace trace;         /* no NULL strings; TM_MODEL_RAN only */
    const char *needs;      /* "NEEDS_PYTHON"; TM_MODEL_WAITING only */
    const char *reason;     /* one line, "" when PASSED */
    const char *trace_path; /* build/traces/.../<uuid>.json; NULL when WAITING, and of a cell
                             * without a trace or a plan */
    const char *log_path;   /* the log beside the trace, or NULL when there is none */
    const char *command;    /* the line that repeats the cell; NULL when WAITING, or not known */
    /* Of a folder that has several traces of the cell, the others: when one of them failed, so has
     * the cell; else `trace` is the fastest. */
    const tm_trace *repeats;
    size_t repeat_count;
} tm_model_cell;

typedef struct {
    const char *uuid;
    const char *axes;         /* "batch_size=7, k=2"; "" until a trace has told them */
    const tm_node *axes_node; /* or NULL */
    const tm_node *weak;      /* `tracemill.weak` of a trace that has it, or NULL */
} tm_model_workload;

/* Counts and sums over some cells; the sums of two sets add up. score.h makes and reads them. */
typedef struct {
    size_t cells; /* without those that wait */
    size_t by_status[TM_STATUS_COUNT];
    size_t not_run, broken, waiting;
    /* PASSED cells with a latency; minimum and maximum are 0 when there is none. */
    size_t timed;
    double min_latency_ms, max_latency_ms, log_latency_sum;
    /* PASSED cells whose reference was timed as well. */
    size_t compared;
    double min_speedup, max_speedup, log_speedup_sum, speedup_sum;
    /* PASSED cells of which the physical limit is known, and how near they come. */
    size_t limited;
    double max_percent, log_percent_sum;
    /* Cells with each flag, whatever their status; what judging took, and of it the protocol. */
    size_t doubts[TM_DOUBT_COUNT];
    size_t crowded; /* of the UNSTABLE ones: other programs used the CPU meanwhile */
    double judging_ms, protocol_ms;
} tm_score;

typedef struct {
    const char *name, *author, *language;
    const char *needs, *reason; /* of one that waits, else NULL */
    const char *binding;        /* or NULL, as of one that waits */
    const char *source;   /* file of the entry point, as ninja names it: "$srcdir/..."; or NULL */
    const char *compiled; /* the object's path without suffix; one may serve several; or NULL */
    double compile_ms;    /* what that took, the last time; 0: not known */
    const char *base, *family;  /* of a variant: its name without the macros; that of its table */
    const tm_node *variant;     /* macro -> value; NULL, as the two before, when it is none */
    const char *const *sources; /* as ninja names them, "$srcdir/..."; NULL: not known */
    const char *const *objects; /* suffix of each workload's object; NULL: one object for all */
    const tm_model_cell *cells; /* one per workload of the definition, in its order */
    tm_score score;
} tm_model_solution;

/* One trace of a definition. */
typedef struct {
    const tm_model_solution *solution; /* NULL: there is none */
    size_t workload;                   /* index */
    const tm_trace *trace;
} tm_model_best_trace;

typedef struct {
    const char *name, *op_type;
    const char *reference; /* or NULL: nothing of it is in the matrix */
    const tm_model_workload *workloads;
    size_t workload_count;
    const tm_model_solution *solutions;
    size_t solution_count;
    tm_score score;                      /* over all cells of all solutions */
    const tm_model_solution *best;       /* tm_score_best, or NULL */
    tm_model_best_trace best_flashinfer; /* tm_score_best_flashinfer */
} tm_model_definition;

/* Something the plan left out. */
typedef struct {
    const char
        *kind; /* "definition", "solution", "workload"; of a solution that waits: its needs */
    const char *name;
    const char *definition; /* or NULL */
    const char *reason;
    size_t cells; /* that it would have; of one that waits only */
} tm_not_planned;

typedef struct {
    const char *backend;
    const char *const *arch; /* NULL-terminated, as all lists of strings here */
    const tm_model_definition *definitions;
    size_t definition_count;
    const tm_not_planned *not_planned; /* sorted by kind, reason, definition, name */
    size_t not_planned_count;
    const tm_not_planned *waiting; /* sorted alike */
    size_t waiting_count;
    int64_t dataset_errors;
    const char *const *dataset_diagnostics;
    const char *const *hardware; /* each distinct environment.hardware, at most 8 */
    const char *newest;          /* the latest timestamp of a trace, or "" */
    tm_score score;              /* over all cells */
} tm_model;

#endif
