/* selection: what the user wants of a dataset: filters of the command line and of the
 * configuration, of which both apply. Deliberately does not know the plan. */
#ifndef TM_SELECTION_H
#define TM_SELECTION_H

#include <stdbool.h>

#include "gen/options.h"
#include "lib/arena.h"
#include "lib/definition.h"
#include "lib/solution.h"

bool tm_selection_definition(const tm_options *options, const tm_definition *definition);
/* By its name alone; that of a variant, or of all variants of one solution. */
bool tm_selection_name(const tm_options *options, const char *name);
/* Whether anything of a solution that is called `name` for a definition is selected: by that name,
 * or one of its variants. */
bool tm_selection_solution(const tm_options *options, const tm_solution *solution, const char *name,
                           tm_arena *arena);

#endif
