/* history_change: what changed in the series of many runs, when, by how much, and what did not.
 *
 * change_point.h cuts each series. Rows of a solution that change together, give or take one run,
 * are one event; so are rows that stop passing, or pass again. Deliberately does not know any
 * output format. */
#ifndef TM_REPORTS_HISTORY_CHANGE_H
#define TM_REPORTS_HISTORY_CHANGE_H

#include "reports/change_point.h"
#include "reports/history.h"

/* Fewer runs than this cannot show a change: two before, two from it on. */
#define TM_HISTORY_FEWEST 4
/* A series whose noise hides a change of so much in its middle says nothing by being steady. */
#define TM_HISTORY_NOISY 0.10

typedef enum {
    TM_HISTORY_CHANGED, /* at least one change point */
    TM_HISTORY_LAST_DIFFERS,
    TM_HISTORY_STEADY,
    TM_HISTORY_NOISY_SERIES, /* no change found, and none of 10 % would have been */
    TM_HISTORY_SHORT,        /* fewer runs than TM_HISTORY_FEWEST */
    TM_HISTORY_NEVER_TIMED,
    TM_HISTORY_VERDICT_COUNT
} tm_history_verdict;

/* "CHANGED", "LAST_RUN_DIFFERS", "STEADY", "TOO_NOISY", "TOO_FEW_RUNS", "NEVER_TIMED". Static. */
const char *tm_history_verdict_name(tm_history_verdict verdict);

/* One series, cut. */
typedef struct {
    const tm_history_series *series;
    tm_history_verdict verdict;
    size_t *used; /* points with a latency that no other program spoiled: what was cut */
    size_t used_count;
    tm_change_points found; /* of `used`; no levels when there are none */
} tm_history_cut;

typedef enum {
    TM_HISTORY_SLOWER,
    TM_HISTORY_FASTER,
    TM_HISTORY_BROKE,    /* passed before, does not from `run` on */
    TM_HISTORY_FIXED,    /* the other way */
    TM_HISTORY_OTHERWISE /* does not pass in another way */
} tm_history_kind;

/* "SLOWER", ... Static. */
const char *tm_history_kind_name(tm_history_kind kind);

/* What one solution did on one device. */
typedef struct {
    tm_history_kind kind;
    const tm_history_series *series; /* its first row: names, device */
    const size_t *rows;              /* indexes of cuts */
    size_t row_count;
    size_t of_rows;             /* rows that were measured before and after */
    size_t before, run;         /* the last run that was as before, the first that is as now */
    bool is_last;               /* only the last run differs, which may be an outlier */
    double ratio, low, high;    /* geometric mean over the rows, and its interval */
    double before_ms, after_ms; /* geometric means */
    tm_status from, to;         /* of status events */
    const char *reason;         /* of the first row, "" */
    const char *also;           /* what else is not as before: "nvidia_driver 580 to 590"; or "" */
    int same_code;              /* 1: the solution's hash is the same, 0: not, -1: not known */
} tm_history_event;

typedef struct {
    double threshold; /* relative */
    double noise;     /* relative; 0: as tm_gate_noise has it */
} tm_history_options;

/* Solutions that changed together in one run: hardly by their own code. */
typedef struct {
    size_t run, solutions, of_solutions;
    tm_history_kind kind;
} tm_history_wave;

typedef struct {
    const tm_history *history;
    tm_history_options options;
    const tm_history_cut *cuts; /* one per series */
    size_t by_verdict[TM_HISTORY_VERDICT_COUNT];
    size_t crowded; /* points left out since other programs ran beside */
    double chance;  /* of a false change at one position */
    const tm_history_event
        *events; /* latency: the largest change first; then `is_last`; statuses */
    size_t event_count;
    const tm_history_wave *waves;
    size_t wave_count;
    size_t failing; /* series that do not pass in their last run, VOID aside */
} tm_history_changes;

tm_history_changes *tm_history_change_find(tm_arena *arena, const tm_history *history,
                                           tm_history_options options);

#endif
