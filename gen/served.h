/* served: whether this build can run a solution. Deliberately does not know plans. */
#ifndef TM_SERVED_H
#define TM_SERVED_H

#include "gen/options.h"
#include "lib/arena.h"
#include "lib/solution.h"

/* NULL when it can, else why not; in the arena or static. */
const char *tm_served_reason(const tm_options *options, const tm_solution *solution,
                             tm_arena *arena);

#endif
