/* show_json: all that is known of one cell, for programs (docs/FORMATS.md: One cell). */
#ifndef TM_REPORTS_SHOW_JSON_H
#define TM_REPORTS_SHOW_JSON_H

#include "lib/arena.h"
#include "reports/choice.h"
#include "reports/show.h"

/* Caller frees. */
char *tm_show_json_format(tm_arena *arena, const tm_choice *choice, const tm_show_origin *origin);

#endif
