/* summary: what a user sees first, as text no wider than what it is written to.
 *
 * What ran and where; a line per solution, or per definition when that would be more than 60; each
 * kind of failure once with the line that repeats it; what is missing and why. Paths and commands
 * are never cut, so that they can be copied: they may be wider. */
#ifndef TM_REPORTS_SUMMARY_H
#define TM_REPORTS_SUMMARY_H

#include "lib/arena.h"
#include "reports/model.h"
#include "reports/terminal.h"

/* The text, in the arena. `report_path`, unless NULL, ends it; `build` is where the commands are to
 * be run. */
const char *tm_summary_format(tm_arena *arena, const tm_model *model, const char *build,
                              const char *report_path, const tm_terminal *terminal);

#endif
