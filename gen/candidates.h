/* candidates: the solutions that a plan may get, each for one definition, and whose name is whose.
 *
 * Solutions, their bases (of variants) and definitions share the names of targets and files.
 * Deliberately does not know contracts or objects. */
#ifndef TM_CANDIDATES_H
#define TM_CANDIDATES_H

#include <stdbool.h>
#include <stddef.h>

#include "gen/scan.h"
#include "gen/served.h"

/* What variants of one solution for one definition have in common. */
typedef struct {
    const char *name;
    bool dropped; /* with all its variants */
} tm_base;

typedef struct {
    const tm_scanned_solution *scanned;
    size_t definition; /* index in the plan */
    const char *name;
    tm_base *base;             /* of a variant, or NULL */
    const tm_variant *variant; /* or NULL; with a base and without it: the base's own name */
    tm_served served;          /* with `needs`, or all NULL */
    bool is_reference, dropped;
} tm_candidate;

typedef struct {
    tm_candidate *items;
    size_t count, capacity;
} tm_candidates;

void tm_candidates_add(tm_candidates *list, tm_arena *arena, tm_candidate candidate);
/* Drops, with an error each, those whose name a definition, a reference or an earlier one has. */
void tm_candidates_settle(tm_candidates *list, const tm_scan *scan, tm_diag *diag);
/* References first; then by definition and name. */
void tm_candidates_sort(tm_candidates *list);

#endif
