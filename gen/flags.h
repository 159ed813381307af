/* flags: what the compiler of a unit is told beside its contract: the solution's own flags, then
 * macros of constants, of a variant and of baked axes. Deliberately does not know Ninja. */
#ifndef TM_FLAGS_H
#define TM_FLAGS_H

#include <stddef.h>

#include "gen/plan.h"
#include "lib/arena.h"

/* In the arena, unquoted. */
const char *const *tm_flags_of(const tm_unit *unit, tm_arena *arena, size_t *count);

#endif
