/* doubt: what a trace says against its own figure, and what its cell cost.
 *
 * Reads the flags and the times under `tracemill` (docs/FORMATS.md); a trace
 * without them, such as one of flashinfer-bench's, casts no doubt. Deliberately does not know any
 * output format. */
#ifndef TM_REPORTS_DOUBT_H
#define TM_REPORTS_DOUBT_H

#include <stdbool.h>

#include "lib/arena.h"
#include "reports/model.h"

/* "IMPOSSIBLE", ..., as in a trace. Static. */
const char *tm_doubt_name(tm_doubt doubt);
/* What a person should know of the cells of a score with this flag, in a few words. */
const char *tm_doubt_advice(tm_arena *arena, tm_doubt doubt, const tm_score *score);
/* The same of one cell. */
const char *tm_doubt_advice_of(tm_arena *arena, tm_doubt doubt, const tm_model_cell *cell);
/* Whether other programs wanted the CPU for much of the time in which a cell was timed. */
bool tm_doubt_is_crowded(const tm_model_cell *cell);
/* The same of the `tracemill` object of a trace. */
bool tm_doubt_waited(const tm_node *tracemill);
/* Whether a person should look at each such cell; the others are noise and are only counted. */
bool tm_doubt_is_grave(tm_doubt doubt);
/* Whether a cell is flagged so. */
bool tm_doubt_is_cast(const tm_model_cell *cell, tm_doubt doubt);
/* The flags of a cell, "UNSTABLE, CAPPED"; "" without any. */
const char *tm_doubt_flags(tm_arena *arena, const tm_model_cell *cell);

/* A time in ms under `tracemill`; 0 when it is not there. */
double tm_doubt_ms(const tm_model_cell *cell, const char *key);
/* "41.2 s of 58.0 s of judging went to flushes and calls"; NULL when no trace tells. */
const char *tm_doubt_measuring(tm_arena *arena, const tm_score *score);

#endif
