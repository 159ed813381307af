/* histogram: how the samples of a cell are distributed, as lines of text.
 *
 * Deliberately does not know where samples come from. */
#ifndef TM_REPORTS_HISTOGRAM_H
#define TM_REPORTS_HISTOGRAM_H

#include <stddef.h>

#include "lib/arena.h"
#include "lib/text.h"
#include "reports/timing.h"

/* A line for each of at most 12 intervals of equal length, `indent` columns from the left, at most
 * `width` columns wide in all: where it begins, a bar, its samples. What a few slow calls took lies
 * beyond the last and has a line of its own. Nothing unless the timing has samples. */
void tm_histogram_add(tm_arena *arena, tm_text *text, const tm_timing *timing, size_t indent,
                      size_t width);

#endif
