/* diff_json: what differs between two folders of traces, for programs (docs/FORMATS.md: Diff). */
#ifndef TM_REPORTS_DIFF_JSON_H
#define TM_REPORTS_DIFF_JSON_H

#include "reports/diff.h"

/* Caller frees. */
char *tm_diff_json_format(const tm_diff *diff, const char *after);

#endif
