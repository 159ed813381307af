/* overwrites: whether what a solution says it changes are inputs of a definition that it is for.
 *
 * Deliberately does not know the plan. */
#ifndef TM_OVERWRITES_H
#define TM_OVERWRITES_H

#include "lib/arena.h"
#include "lib/definition.h"
#include "lib/diag.h"
#include "lib/solution.h"

/* The first name of `tracemill.overwrites` that is no input tensor of the definition, or NULL. */
const char *tm_overwrites_wrong(const tm_solution *solution, const tm_definition *definition);
/* Appends the error about that name. */
void tm_overwrites_refuse(const tm_solution *solution, const tm_definition *definition,
                          const char *wrong, tm_arena *arena, tm_diag *diag);

#endif
