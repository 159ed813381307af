/* show_command: `tm-report show CELL [FOLDER]`. */
#ifndef TM_REPORTS_SHOW_COMMAND_H
#define TM_REPORTS_SHOW_COMMAND_H

#include "lib/arena.h"
#include "lib/diag.h"

/* Runs it with the arguments behind "show"; returns the exit status (command.h). No cell, or
 * several, is wrong usage. */
int tm_show_command_run(tm_arena *arena, tm_diag *diag, int count, char **arguments);

#endif
