/* history_data: the history as the one JSON object from which history.html draws itself.
 *
 * Columns over the runs, 0 for "none". The page's history_data.js reads it and is the only other
 * place that knows the layout; programs read --json instead. */
#ifndef TM_REPORTS_HISTORY_DATA_H
#define TM_REPORTS_HISTORY_DATA_H

#include "lib/text.h"
#include "reports/history_change.h"

/* Appends the object. */
void tm_history_data_add(tm_arena *arena, tm_text *text, const tm_history_changes *changes);

#endif
