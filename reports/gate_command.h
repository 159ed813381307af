/* gate_command: `tm-report gate`: options, files, exit status. */
#ifndef TM_REPORTS_GATE_COMMAND_H
#define TM_REPORTS_GATE_COMMAND_H

#include "lib/arena.h"
#include "lib/diag.h"

/* Runs it with the arguments behind "gate". Returns the exit status: 0 passed, 1 something is
 * slower or broken (the files are written all the same), 2 usage, no baseline or a broken trace, 3
 * the operating system refused. */
int tm_gate_command_run(tm_arena *arena, tm_diag *diag, int count, char **arguments);

#endif
