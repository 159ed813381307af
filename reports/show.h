/* show: all that is known of one cell. */
#ifndef TM_REPORTS_SHOW_H
#define TM_REPORTS_SHOW_H

#include "lib/arena.h"
#include "reports/choice.h"
#include "reports/terminal.h"
#include "reports/timing.h"

/* Where what a cell names is found. */
typedef struct {
    const char *build;  /* the folder that its paths are relative to */
    const char *srcdir; /* the source tree as seen from there */
} tm_show_origin;

/* What is known of the calls of a cell that ran. In the arena. */
tm_timing tm_show_timing(tm_arena *arena, const tm_model_cell *cell, const tm_show_origin *origin);
/* The text, in the arena. Commands and paths are never cut, so that they can be copied. */
const char *tm_show_format(tm_arena *arena, const tm_choice *cell, const tm_show_origin *origin,
                           const tm_terminal *terminal);

#endif
