/* crew: independent tasks over the cores that this process may use.
 *
 * Who does which task is left to chance, so a task writes only what is its own; what has an order
 * is put in order afterwards. Deliberately does not know queues or futures. */
#ifndef TM_CREW_H
#define TM_CREW_H

#include <stddef.h>

/* More would wait for the disk. */
#define TM_CREW_MOST 8

/* `member`, 0 to TM_CREW_MOST - 1, does one task at a time: memory may belong to it. */
typedef void tm_crew_task(void *context, size_t index, int member);

/* Does the tasks 0 to count - 1, begun in this order, and returns when all are done. Where threads
 * cannot be had the caller does them alone. */
void tm_crew_run(size_t count, tm_crew_task *task, void *context);

#endif
