/* flag: what a solution may add to the command of a compiler or a linker.
 *
 * The compiler writes one file, and starts what belongs to it. Flags by which it would write over
 * others of the build, or start another program, are refused. That keeps solutions apart from each
 * other and from their judge's files; it is no fence, since what is compiled is run as well. */
#ifndef TM_FLAG_H
#define TM_FLAG_H

#include <stdbool.h>

#include "lib/node.h"

#define TM_MAX_FLAGS 256

/* The list of flags `key` of `object`, read already; false after an error for each that is refused
 * and for one too many. */
bool tm_flag_check_list(tm_node_reader *reader, const tm_node *object, const char *where,
                        const char *key);

#endif
