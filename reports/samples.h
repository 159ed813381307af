/* samples: the timed calls of a cell, read from the file beside its trace, small enough for a page.
 *
 * Each sample becomes a level from 0 to 63 between the least and a bound that a few slow calls
 * cannot stretch: what lies beyond is level 63. So a cell of 150 samples takes 150 bytes. Knows the
 * layout that the harness writes (docs/FORMATS.md: Trace) and reads no other. */
#ifndef TM_REPORTS_SAMPLES_H
#define TM_REPORTS_SAMPLES_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/arena.h"

typedef struct {
    double low_ns, high_ns, max_ns; /* level 0 begins at low, 62 ends at high */
    const char *levels; /* a character of A-Za-z0-9-_ per sample, a dot between trials */
    size_t count;       /* samples */
} tm_samples;

/* The device's samples of all trials. False when there is no such file, or nothing in it that is
 * understood: a page without samples is no error. */
bool tm_samples_read(tm_arena *arena, const char *path, tm_samples *samples);
/* The same from the text of a file. */
bool tm_samples_parse(tm_arena *arena, const char *text, tm_samples *samples);

#endif
