/* pack_files: the files that one solution consists of: those that its description lists, and those
 * that they include from beside them, wherever that is.
 *
 * A shared header lies above the solution's folder ("../rmsnorm_vec.h"), and a path in a package
 * never does: then the package begins at the folder that holds them all. No source is changed.
 * Deliberately does not know JSON. */
#ifndef TM_PACK_FILES_H
#define TM_PACK_FILES_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/arena.h"
#include "lib/diag.h"
#include "lib/solution.h"

typedef struct {
    const char *path;         /* within the package */
    const tm_source *content; /* valid UTF-8 */
} tm_pack_file;

typedef struct {
    const tm_pack_file *files; /* those of the description first, in its order */
    size_t count;
    const char *entry; /* path of the file with the entry point */
} tm_pack_files;

/* Reads them. False after appending an error for each that is missing, is no UTF-8 or is empty
 * (flashinfer-bench refuses an empty source). */
bool tm_pack_files_read(tm_pack_files *files, const tm_solution *solution, tm_arena *arena,
                        tm_diag *diag);

/* Whether the path ends as one of a source or header does: nothing else is looked for. */
bool tm_pack_files_is_source(const char *path);

#endif
