/* csv: the cells as one table, for spreadsheets and data frames.
 *
 * RFC 4180 in UTF-8: a header, then a line per cell, failed and waiting ones too; an empty field is
 * a figure that does not exist. A text that a spreadsheet would take for a formula gets a ' before
 * it: names and reasons are strangers'. Columns are only ever added behind the last. */
#ifndef TM_REPORTS_CSV_H
#define TM_REPORTS_CSV_H

#include "lib/arena.h"
#include "reports/model.h"

/* The text; caller frees. What a field needs in between is in the arena. */
char *tm_csv_format(tm_arena *arena, const tm_model *model);

#endif
