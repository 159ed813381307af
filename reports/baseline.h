/* baseline: the traces of an earlier run, wherever they are kept.
 *
 * A folder with traces/ or build/ in it, such as a build folder, an artifact or a FlashInfer-Trace
 * dataset; or the traces' own: one JSON file per cell, with samples beside it, or JSON Lines.
 * Deliberately does not know what is planned now. */
#ifndef TM_REPORTS_BASELINE_H
#define TM_REPORTS_BASELINE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/arena.h"
#include "lib/diag.h"
#include "lib/trace.h"

typedef struct {
    const char *uuid;
    tm_trace trace;           /* no NULL strings */
    const tm_node *node;      /* the trace object as read */
    const char *path;         /* of the file that it is in */
    const char *samples_path; /* where samples may be, or NULL */
    const tm_trace *repeats;  /* the cell's other traces, by TM_BASELINE_SCORED */
    size_t repeat_count;
} tm_baseline_cell;

typedef struct {
    const char *path;        /* where the traces were found */
    const char *newest;      /* the latest timestamp, or "" */
    tm_baseline_cell *cells; /* sorted by definition, solution, uuid */
    size_t count;
    size_t repeated;         /* traces of cells that another trace stands for */
    size_t broken;           /* files or rows that should be traces and are not */
    const char *broken_why;  /* of the first: "FILE:LINE:COL: what is wrong"; NULL: none */
    size_t refused;          /* folders and files that cannot be read: traces may be missing */
    const char *refused_why; /* of the first: "PATH: why" */
} tm_baseline;

/* Which of several traces of one cell stands for it. */
typedef enum {
    TM_BASELINE_NEWEST, /* by timestamp, one of each kind of hardware: the newest first */
    TM_BASELINE_SCORED, /* as flashinfer-bench scores: one that failed, else the fastest */
    TM_BASELINE_EACH    /* none for another: all of them, those of one cell in a row */
} tm_baseline_rule;

typedef struct {
    const char *folder;
    const char *option; /* what messages call it: "--baseline" */
    tm_baseline_rule rule;
} tm_baseline_request;

/* The baseline in the arena. False after an error: nothing there, or no trace. What is broken is
 * counted only; of what is refused an error tells, also where traces were found. */
bool tm_baseline_read(tm_arena *arena, const tm_baseline_request *request, tm_diag *diag,
                      tm_baseline *baseline);
/* "skipped 2 files or rows that are no traces, the first at FILE:LINE:COL: why", of the members. */
const char *tm_baseline_skipped(tm_arena *arena, size_t broken, const char *broken_why);
/* Of the traces of the cell that `like` names (definition, solution, uuid) that of its hardware,
 * else the first; NULL: none. Borrows. */
const tm_baseline_cell *tm_baseline_find(const tm_baseline *baseline, const tm_baseline_cell *like);

#endif
