/* write_command: `tm-report write`, all files of a report: options, exit status. */
#ifndef TM_REPORTS_WRITE_COMMAND_H
#define TM_REPORTS_WRITE_COMMAND_H

#include "lib/arena.h"
#include "lib/diag.h"

/* Runs it with the arguments behind "write". Returns the exit status: 2 also when a file among the
 * traces is no trace of its cell (the reports are written and say so). */
int tm_write_command_run(tm_arena *arena, tm_diag *diag, int count, char **arguments);

#endif
