/* constants: the numbers that a definition's code is compiled with and its axes do not give, such
 * as eps. They stand in the definition, or in its row of the table of the family's reference.
 *
 * Deliberately does not know contracts or how a constant becomes C. */
#ifndef TM_CONSTANTS_H
#define TM_CONSTANTS_H

#include <stddef.h>

#include "lib/arena.h"
#include "lib/definition.h"
#include "lib/solution.h"

/* Sorted by name, each name once. */
typedef struct {
    const tm_constant *items;
    size_t count;
} tm_constant_list;

/* Those of a definition: its own win over its row in the table of `reference`, which may be NULL.
 * In the arena. */
tm_constant_list tm_constants_of(tm_arena *arena, const tm_definition *definition,
                                 const tm_solution *reference);
/* The name of one that the table of `reference` speaks of and `have` lacks, or NULL. */
const char *tm_constants_missing(const tm_constant_list *have, const tm_solution *reference);
/* `own` and what only the solution's row for the definition has: the definition's own values are
 * the judge's, and win. In the arena; `own` itself when there is no such row. */
tm_constant_list tm_constants_extend(tm_arena *arena, tm_constant_list own,
                                     const tm_solution *solution, const tm_definition *definition);

#endif
