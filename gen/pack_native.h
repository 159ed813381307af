/* pack_native: a native solution for one definition of the datasets, as flashinfer-bench can build
 * it.
 *
 * Deliberately does not know where the text goes. */
#ifndef TM_PACK_NATIVE_H
#define TM_PACK_NATIVE_H

#include <stdbool.h>

#include "gen/options.h"
#include "gen/pack_files.h"
#include "gen/scan.h"

typedef struct {
    const tm_scan *scan;
    const tm_source *tracemill_h;
    tm_arena *arena;
    tm_diag *diag;
} tm_pack_native;

/* Reads tracemill.h of the source tree. False after appending an error. `scan` is borrowed. */
bool tm_pack_native_open(tm_pack_native *native, const tm_options *options, const tm_scan *scan,
                         tm_arena *arena, tm_diag *diag);

/* Why a solution cannot be wrapped, whatever the definition; NULL when it can. In the arena. */
const char *tm_pack_native_refuse(const tm_solution *solution, tm_arena *arena);

/* The name of a solution for a definition, of one of its variants unless that is NULL. In the
 * arena. */
const char *tm_pack_native_name(const tm_solution *solution, const tm_definition *definition,
                                const tm_variant *variant, tm_arena *arena);

/* The JSON text of a solution that is not refused, with its `files`, for a definition that it
 * covers, and one of its variants when it has some. `name` NULL: its own. Caller frees; NULL after
 * appending an error. */
char *tm_pack_native_print(const tm_pack_native *native, const tm_solution *solution,
                           const tm_pack_files *files, const tm_definition *definition,
                           const tm_variant *variant, const char *name);

#endif
