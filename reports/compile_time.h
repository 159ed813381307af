/* compile_time: what compiling the objects of a matrix took, by language and binding.
 *
 * Figures of the last compile of each object, with whatever else the machine did then. */
#ifndef TM_REPORTS_COMPILE_TIME_H
#define TM_REPORTS_COMPILE_TIME_H

#include "lib/text.h"
#include "reports/model.h"

/* A section of report.md; nothing when no time is known. */
void tm_compile_time_add(tm_arena *arena, tm_text *text, const tm_model *model);

#endif
