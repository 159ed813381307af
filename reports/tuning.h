/* tuning: the variants of one solution side by side, and which of them is best where.
 *
 * A tuning is of one definition; a family is all tunings of one table of variants. *Best* is as in
 * score.h: every cell PASSED (VOID ones aside), highest geometric mean speedup. Deliberately does
 * not know any output format. */
#ifndef TM_REPORTS_TUNING_H
#define TM_REPORTS_TUNING_H

#include <stddef.h>

#include "lib/arena.h"
#include "reports/model.h"

/* The variants of one solution for one definition. */
typedef struct {
    const tm_model_definition *definition;
    const tm_model_solution *const *variants; /* at least one, in the order of the plan */
    size_t variant_count;
    const tm_model_solution *best;  /* or NULL */
    const tm_model_solution *shown; /* the best, else the one with most cells PASSED */
} tm_tuning;

/* One row of a table of variants, over all definitions. */
typedef struct {
    const tm_model_solution *example; /* its macros, and its suffix */
    tm_score score;
    size_t definitions, best_of; /* in how many of them it is the best */
} tm_tuning_row;

typedef struct {
    const char *name, *author; /* the name as its author wrote it, "{definition}" and all */
    const tm_tuning *tunings;  /* at least one */
    size_t tuning_count;
    const tm_tuning_row *rows;
    size_t row_count;
    const tm_tuning_row *best; /* or NULL */
} tm_tuning_family;

/* All families, in the order of the plan; in the arena. */
const tm_tuning_family *tm_tuning_find(tm_arena *arena, const tm_model *model, size_t *count);

/* The tuning that a variant is of, or NULL: it is no variant. */
const tm_tuning *tm_tuning_of(const tm_tuning_family *families, size_t count,
                              const tm_model_solution *solution);
/* The index of the variant that is fastest on a workload, of those that PASSED; -1: none. */
int tm_tuning_fastest(const tm_tuning *tuning, size_t workload);
/* "TILE_M=64 STAGES=2" of a variant. In the arena. */
const char *tm_tuning_values(tm_arena *arena, const tm_model_solution *variant);

#endif
