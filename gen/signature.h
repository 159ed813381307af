/* signature: whether the function of a tvm-ffi solution takes what its definition has.
 *
 * The function says what it takes when it is called with nothing: "Mismatched number of arguments
 * when calling: `run(0: DLTensor*, 1: float) -> void`. Expected 2 but got 0". Deliberately does not
 * know how it is called. */
#ifndef TM_SIGNATURE_H
#define TM_SIGNATURE_H

#include <stdbool.h>

#include "lib/arena.h"

/* `definition` as tm_definition_signature() has it; `message` is the function's. NULL when both
 * agree, or when the message does not tell. Else three lines: what is wrong and what to do, the
 * definition's signature, the function's. */
const char *tm_signature_mismatch(tm_arena *arena, const char *name, const char *definition,
                                  bool destination_passing, const char *message);

/* What a definition wants: "run(x: float32[n,width], eps: float32, y: float32[n,width]) -> void".
 */
const char *tm_signature_wanted(tm_arena *arena, const char *name, const char *definition,
                                bool destination_passing);

#endif
