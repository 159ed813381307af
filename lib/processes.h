/* processes: what strangers' code has started and left behind.
 *
 * Knows /proc. A process without a parent becomes a child of the nearest subreaper above it
 * (prctl), whatever group or session it has made for itself. */
#ifndef TM_PROCESSES_H
#define TM_PROCESSES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* Ends every child of this process, and what they leave to it in turn, but for the `count`
 * processes of `keep`. */
void tm_processes_end_orphans(const pid_t *keep, size_t count);

/* Whether a process is `ancestor`, or has come of it; also when it is gone already. */
bool tm_processes_descends(pid_t pid, pid_t ancestor);
/* Whether a process has started others that it has not waited for. */
bool tm_processes_has_children(pid_t pid);

#endif
