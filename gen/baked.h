/* baked: the var axes that a solution has compiled in (`tracemill.compile_time_axes`): whether a
 * definition has them, and what their values in a row make of names and flags.
 *
 * Deliberately does not know the plan. */
#ifndef TM_BAKED_H
#define TM_BAKED_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/arena.h"
#include "lib/definition.h"
#include "lib/diag.h"
#include "lib/solution.h"
#include "lib/workload.h"

/* The index of the first that is no var axis of the definition, or whose macro is taken there by a
 * const axis, one of `constants` or another of them; baked_count when all are good. */
size_t tm_baked_wrong(const tm_solution *solution, const tm_definition *definition,
                      const tm_constant *constants, size_t constant_count);
/* Appends the error about that one. */
void tm_baked_refuse(const tm_solution *solution, const tm_definition *definition, size_t wrong,
                     tm_arena *arena, tm_diag *diag);

/* Whether both rows have the same values of them. */
bool tm_baked_same(const tm_solution *solution, const tm_definition *definition,
                   const tm_workload *a, const tm_workload *b);
/* "@batch_size=64", behind the path of a solution; no name makes a path with an "@" in it. In the
 * arena; "" when nothing is baked. */
const char *tm_baked_suffix(const tm_solution *solution, const tm_definition *definition,
                            const tm_workload *workload, tm_arena *arena);
/* "-DTM_BATCH_SIZE=64", as contract.h names a const axis; baked_count of them, in the arena. */
const char **tm_baked_flags(const tm_solution *solution, const tm_definition *definition,
                            const tm_workload *workload, tm_arena *arena);

#endif
