/* depfile: the make syntax in which a compiler, and tm-gen, tell ninja what an output was made
 * from.
 *
 * Deliberately does not know whether the files exist. */
#ifndef TM_DEPFILE_H
#define TM_DEPFILE_H

#include "lib/arena.h"
#include "lib/text.h"

/* Appends one prerequisite, on a line of its own. */
void tm_depfile_add(tm_text *out, const char *path);
/* The next prerequisite after `*at`, which starts behind the target's colon; NULL at the end.
 * Borrows from the arena. */
const char *tm_depfile_next(tm_arena *arena, const char **at);

#endif
