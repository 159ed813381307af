/* stopped: whether it was the machine that ended a compile, which says nothing about the source.
 *
 * Knows how compilers, assemblers and linkers write. A source is strangers' text, and much of it
 * comes back in a log: as a quoted line, an #error, a path. What may be the source's own words is
 * not believed. */
#ifndef TM_STOPPED_H
#define TM_STOPPED_H

#include <stdbool.h>

/* `status` as of a shell; `log` is what the one command that failed has written. */
bool tm_stopped_by_machine(int status, const char *log);

#endif
