/* code: where a solution's source stands, for who shows it beside a checked-out repository.
 *
 * Deliberately does not know languages: it looks for the macro that names a native entry point. */
#ifndef TM_REPORTS_CODE_H
#define TM_REPORTS_CODE_H

#include <stdbool.h>

#include "lib/arena.h"

typedef struct {
    const char *file; /* below the repository */
    int line;         /* of TM_ENTRY, else 1 */
} tm_code;

/* The path of what ninja names with a variable ("$srcdir/..."; a dataset has a link in
 * build/datasets), or NULL for another name. */
const char *tm_code_path(tm_arena *arena, const char *source, const char *build,
                         const char *srcdir);
/* False when `source` ("$srcdir/..." or "$dataset0/...", of the plan; may be NULL) is no file below
 * `repository`, such as one that was unpacked. `build` is the folder where ninja ran, `srcdir` the
 * source tree as seen from there. */
bool tm_code_find(tm_arena *arena, const char *source, const char *build, const char *srcdir,
                  const char *repository, tm_code *code);

#endif
