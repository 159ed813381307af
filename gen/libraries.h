/* libraries: what a linker read from the system, so that a changed library is noticed.
 *
 * Knows the file that ld, gold, lld and mold write for --dependency-file. Deliberately does not
 * know what a library loads by itself when it runs. */
#ifndef TM_LIBRARIES_H
#define TM_LIBRARIES_H

#include "lib/arena.h"
#include "lib/text.h"

/* Appends the files that `depfile` lists to the prerequisites in `depends`, each by the name that
 * the linker found and by the file behind it; left out are those that begin with `own` and those
 * that are gone again. Shared libraries leave nothing in the bytes of what was linked, so what
 * tells one from another (path, bytes, time in ns) is appended to `identity`, a line each. */
void tm_libraries_add(tm_text *depends, tm_text *identity, tm_arena *arena, const char *depfile,
                      const char *own);
/* Appends the folders in which a library that was not found could appear: each -L among `flags`,
 * and where this machine has its C library. */
void tm_libraries_add_folders(tm_text *depends, tm_arena *arena, char *const *flags, int count);

#endif
