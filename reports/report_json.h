/* report_json: the whole model for programs, as one JSON object (docs/FORMATS.md).
 *
 * Figures keep full precision; what does not exist is null. */
#ifndef TM_REPORTS_REPORT_JSON_H
#define TM_REPORTS_REPORT_JSON_H

#include "reports/model.h"

/* The text; caller frees. */
char *tm_report_json_format(tm_arena *arena, const tm_model *model);

#endif
