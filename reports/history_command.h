/* history_command: tm-report history, many runs in one view. */
#ifndef TM_REPORTS_HISTORY_COMMAND_H
#define TM_REPORTS_HISTORY_COMMAND_H

#include "lib/arena.h"
#include "lib/diag.h"

/* As tm_command has it. A folder that cannot be read ends in 2, with the others done. */
int tm_history_command_run(tm_arena *arena, tm_diag *diag, int count, char **arguments);

#endif
