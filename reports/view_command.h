/* view_command: `tm-report summary|best|rank [FOLDER]`: options, exit status.
 *
 * Each shows a folder with traces (folder.h) in the terminal, or as JSON (docs/FORMATS.md). */
#ifndef TM_REPORTS_VIEW_COMMAND_H
#define TM_REPORTS_VIEW_COMMAND_H

#include "lib/arena.h"
#include "lib/diag.h"

/* With the arguments behind the command's name. Exit status 2 also when something among the traces
 * is none: the others are shown. */
int tm_view_command_summary(tm_arena *arena, tm_diag *diag, int count, char **arguments);
int tm_view_command_best(tm_arena *arena, tm_diag *diag, int count, char **arguments);
int tm_view_command_rank(tm_arena *arena, tm_diag *diag, int count, char **arguments);

#endif
