/* history_json: the history for programs (docs/FORMATS.md: history). */
#ifndef TM_REPORTS_HISTORY_JSON_H
#define TM_REPORTS_HISTORY_JSON_H

#include "reports/history_change.h"

/* The whole document; caller frees. */
char *tm_history_json_format(const tm_history_changes *changes);

#endif
