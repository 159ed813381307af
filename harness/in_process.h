/* in_process: a solution's worker in the process that the user started, for debuggers, sanitizers
 * and profilers. Never used for results.
 *
 * The judge moves to a child of its own, and the process that was the judge becomes the worker by
 * exec: same process id, the same code that answers in a cell, terminal and all. A tool in front of
 * it sees the solution's calls without having to follow a fork. */
#ifndef TM_IN_PROCESS_H
#define TM_IN_PROCESS_H

#include "harness/child.h"

/* Returns in the new process, which goes on as the judge; `child` is then connected to the old one,
 * which is not its child. False with errno when nothing has happened. */
bool tm_in_process_start(tm_child *child, const char *worker);
/* Makes the worker end with an exit status. */
void tm_in_process_end(tm_child *child, int status);

#endif
