/* summary_table: the table of the summary, a line per solution, or per definition when those would
 * be too many. */
#ifndef TM_REPORTS_SUMMARY_TABLE_H
#define TM_REPORTS_SUMMARY_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/arena.h"
#include "lib/text.h"
#include "reports/model.h"
#include "reports/terminal.h"
#include "reports/tuning.h"

/* Appends it; true when it is of solutions. Of the variants of one solution (`families` of
 * tuning.h) a single one stands in it. */
bool tm_summary_table_add(tm_arena *arena, tm_text *text, const tm_model *model,
                          const tm_tuning_family *families, size_t count,
                          const tm_terminal *terminal);

#endif
