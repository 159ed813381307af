/* filters: whether what the user selected is there. Deliberately does not know the plan: a filter
 * that matches something is good, also when no cell is left of it. */
#ifndef TM_FILTERS_H
#define TM_FILTERS_H

#include "gen/options.h"
#include "gen/scan.h"

/* Whether a solution that names a family, or one definition, is for this definition. */
bool tm_filters_covers(const tm_solution *solution, const tm_definition *definition);

/* Appends a warning for each entry of --definitions, --solutions, --op-types, --authors and
 * --workloads that nothing in the datasets matches, with the nearest name. */
void tm_filters_check(const tm_scan *scan, const tm_options *options, tm_arena *arena,
                      tm_diag *diag);

#endif
