/* history: the latencies of many runs, as a series per definition, solution, workload and device.
 *
 * What was measured on another device, or by another clock, is another series and never joined. A
 * trace that a later run only carries along is one measurement and counts once. Deliberately does
 * not know what a change is, or any output format. */
#ifndef TM_REPORTS_HISTORY_H
#define TM_REPORTS_HISTORY_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/arena.h"
#include "lib/diag.h"
#include "lib/trace.h"
#include "reports/timing.h"

typedef struct {
    const char *given;  /* the folder as it was named */
    const char *path;   /* where in it the traces were */
    const char *commit; /* what was built, "" when nothing tells */
    const char *time;   /* of the newest trace, "" when none tells */
    size_t traces;      /* that belong to what was asked for */
    size_t repeated;    /* of them, those that an earlier run has too */
    size_t broken;      /* files and rows that should be traces and are not */
} tm_history_run;

/* What one run tells of a series. */
typedef struct {
    size_t run;
    tm_status status;
    const char *reason; /* "" when PASSED */
    const char *time;
    double latency_ms; /* 0: none */
    double spread;     /* of trials, standard deviation over latency; 0: not known */
    bool is_crowded;   /* other programs took the CPU: any latency may come of that */
    tm_timing timing;
    const char *code;         /* hash of the solution, or "" */
    const char *harness;      /* of the harness, or "" */
    const tm_trace_lib *libs; /* of the environment; shared by the points of a run */
    size_t lib_count;
} tm_history_point;

typedef struct {
    const char *definition, *solution, *author, *uuid, *axes; /* "" where no trace tells */
    const char *device;                                       /* and its clock, if it has several */
    bool is_cpu;
    const tm_history_point *points; /* in the order of runs, one of a run at most */
    size_t count;
} tm_history_series;

typedef struct {
    const tm_history_run *runs; /* by time; of the same time as they were given */
    size_t run_count;
    const tm_history_series *series; /* by definition, solution, device, workload */
    size_t series_count;
    size_t unreadable; /* folders that were given and have no traces; an error tells of each */
    bool has_broken;   /* not all files and rows were traces; errors tell of it */
    bool is_refused;   /* the operating system let not all be read; errors tell of it */
} tm_history;

/* Reads the traces of all folders; `definitions` and `solutions` are globs or NULL. In the arena.
 * Appends what is wrong with a folder and goes on with the others. */
tm_history *tm_history_read(tm_arena *arena, tm_diag *diag, const char *const *folders,
                            size_t count, const char *definitions, const char *solutions);

/* Whether two series are rows of one solution on one device; such stand together. */
bool tm_history_is_same_solution(const tm_history_series *left, const tm_history_series *right);
/* The commit when it is known, else the folder; "run 3" for neither. Borrows, or in the arena. */
const char *tm_history_run_name(tm_arena *arena, const tm_history *history, size_t run);

#endif
