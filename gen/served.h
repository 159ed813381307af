/* served: whether this build can run a solution. Deliberately does not know plans. */
#ifndef TM_SERVED_H
#define TM_SERVED_H

#include "gen/options.h"
#include "lib/arena.h"
#include "lib/solution.h"

/* All NULL when it can. */
typedef struct {
    const char *needs; /* what has to be there first, as a status: "NEEDS_PYTHON"; or NULL: never */
    const char *reason; /* in the arena or static */
} tm_served;

tm_served tm_served_judge(const tm_options *options, const tm_solution *solution, tm_arena *arena);

#endif
