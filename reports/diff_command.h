/* diff_command: `tm-report diff A B`. */
#ifndef TM_REPORTS_DIFF_COMMAND_H
#define TM_REPORTS_DIFF_COMMAND_H

#include "lib/arena.h"
#include "lib/diag.h"

/* Runs it with the arguments behind "diff"; returns the exit status (command.h), which a difference
 * does not change. */
int tm_diff_command_run(tm_arena *arena, tm_diag *diag, int count, char **arguments);

#endif
