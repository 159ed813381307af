/* junit: the cells as a JUnit XML file, for CI systems.
 *
 * One suite per definition, one case per cell; `time` is the latency in seconds. INCORRECT_* are
 * failures; RUNTIME_ERROR, COMPILE_ERROR, TIMEOUT and broken traces are errors; VOID, not run and
 * not planned are skipped. Well-formed whatever the names and logs hold. */
#ifndef TM_REPORTS_JUNIT_H
#define TM_REPORTS_JUNIT_H

#include "lib/arena.h"
#include "lib/text.h"
#include "reports/model.h"

/* The text, in the arena. */
const char *tm_junit_format(tm_arena *arena, const tm_model *model);

/* Appends `raw` as XML text or attribute value: markup escaped, characters that XML 1.0 forbids
 * dropped, bytes that are no UTF-8 replaced by U+FFFD. */
void tm_junit_add_escaped(tm_text *text, const char *raw);

#endif
