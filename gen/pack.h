/* pack: a solution as one JSON text with its sources in it, as a dataset's solutions/ has them.
 *
 * Deliberately does not know where its files came from. */
#ifndef TM_PACK_H
#define TM_PACK_H

#include "gen/pack_files.h"
#include "lib/definition.h"
#include "lib/solution.h"

/* As it is described, under another name when `name` is not NULL; as one of a family for one
 * definition when `definition` is not NULL. Caller frees. */
char *tm_pack_print(const tm_solution *solution, const tm_pack_files *files, const char *definition,
                    const char *name);

/* With what tm_pack_tvm_ffi_add added, for one definition: language cpp for c, binding tvm-ffi, and
 * of `tracemill` what is about compiling and calling. `name` is the whole name. Caller frees. */
char *tm_pack_print_tvm_ffi(const tm_solution *solution, const tm_definition *definition,
                            const tm_pack_files *files, const char *name);

#endif
