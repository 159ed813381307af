/* merge_command: `tm-report merge --out=DIR FOLDER...`. */
#ifndef TM_REPORTS_MERGE_COMMAND_H
#define TM_REPORTS_MERGE_COMMAND_H

#include "lib/arena.h"
#include "lib/diag.h"

/* Runs it with the arguments behind "merge"; returns the exit status (command.h). */
int tm_merge_command_run(tm_arena *arena, tm_diag *diag, int count, char **arguments);

#endif
