/* recording: the samples in tests/data/noise, of an unchanged matrix that was run several times. */
#ifndef TM_TESTS_UNIT_RECORDING_H
#define TM_TESTS_UNIT_RECORDING_H

#include <stddef.h>

#include "lib/arena.h"
#include "reports/timing.h"

typedef struct {
    const char *cell;
    int run;
    double wait; /* percent of the time in which other programs wanted the CPU */
    tm_timing timing;
} recorded;

typedef struct {
    recorded *rows;
    size_t count;
    int runs; /* numbered from 1 */
} recording;

/* A trial of samples in any order, in the arena. */
tm_timing_trial recording_trial(tm_arena *arena, const double *ns, size_t count);
/* The file, in the arena; a test fails when it is no recording. */
recording recording_read(tm_arena *arena, const char *path);
/* A cell in a run, or NULL. Borrows. */
const recorded *recording_find(const recording *all, int run, const char *cell);

#endif
