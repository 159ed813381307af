/* unpack: the sources of a packed solution as files, with a solution.json that lists them.
 *
 * Everything appears at once: it is written into a new folder beside the wanted one, which gets the
 * name when it is complete. Nothing that is there is overwritten. */
#ifndef TM_UNPACK_H
#define TM_UNPACK_H

#include "lib/arena.h"
#include "lib/diag.h"
#include "lib/solution.h"

/* `folder` must not exist, or be empty. 0; after appending an error 2, or 3 when it cannot be
 * written. */
int tm_unpack(const tm_solution *solution, const char *folder, tm_arena *arena, tm_diag *diag);

#endif
