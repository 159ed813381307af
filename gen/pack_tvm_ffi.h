/* pack_tvm_ffi: what a native solution needs to run where tvm-ffi is the only binding: a source
 * that exports __tvm_ffi_<entry>, checks its arguments as the definition has them, and calls
 * TM_ENTRY; and the contract.h and tracemill.h that the solution is written against.
 *
 * Deliberately does not know how it is compiled, but that all of the package's folder is searched
 * for headers and that the tvm-ffi and DLPack headers are. */
#ifndef TM_PACK_TVM_FFI_H
#define TM_PACK_TVM_FFI_H

#include <stdbool.h>

#include "gen/constants.h"
#include "gen/pack_files.h"
#include "gen/plan.h"

/* The file with the exported entry point. */
#define TM_PACK_WRAPPER "tm_tvm_ffi.cpp"

/* Adds the three files to those of a solution with the C binding; the entry point is then in the
 * first of them. `constants` are those that the definition is judged with and the solution knows;
 * the macros of `variant`, which may be NULL, stand in contract.h. False after appending an error:
 * the solution has a file of such a name, or an axis of the definition is in no tensor's shape. */
bool tm_pack_tvm_ffi_add(tm_pack_files *files, const tm_solution *solution,
                         const tm_definition *definition, tm_constant_list constants,
                         const tm_variant *variant, const tm_source *tracemill_h, tm_arena *arena,
                         tm_diag *diag);

#endif
