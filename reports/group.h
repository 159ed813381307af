/* group: cells and plan gaps that belong together, so that a broken kernel is said once.
 *
 * A group of cells has one definition, solution and outcome. Groups stand in the order of the plan;
 * everything lives in the arena. Deliberately does not know any output format. */
#ifndef TM_REPORTS_GROUP_H
#define TM_REPORTS_GROUP_H

#include <stddef.h>

#include "lib/arena.h"
#include "reports/model.h"

typedef struct {
    const tm_model_cell *cell;
    const tm_model_workload *workload;
} tm_group_cell;

typedef struct {
    const tm_model_definition *definition;
    const tm_model_solution *solution; /* NULL: any */
    const tm_group_cell *cells;        /* at least one */
    size_t count;
} tm_group;

/* Cells that ran and failed, one group per status, and broken traces. */
const tm_group *tm_group_failures(tm_arena *arena, const tm_model *model, size_t *count);
const tm_group *tm_group_not_run(tm_arena *arena, const tm_model *model, size_t *count);
/* Workloads with a VOID cell, one group per definition: its `solution` is NULL and each workload
 * stands once, with its first VOID cell. */
const tm_group *tm_group_void(tm_arena *arena, const tm_model *model, size_t *count);
/* Cells with a flag, whatever their status, one group per solution. */
const tm_group *tm_group_doubted(tm_arena *arena, const tm_model *model, tm_doubt doubt,
                                 size_t *count);

/* What was not planned for one reason; borrows from the model. */
typedef struct {
    const char *kind, *reason;
    const tm_not_planned *entries;
    size_t count;
} tm_group_reason;

const tm_group_reason *tm_group_not_planned(tm_arena *arena, const tm_model *model, size_t *count);

/* What waits for one thing, such as NEEDS_PYTHON. */
typedef struct {
    const char *name;
    size_t solutions, cells;
    const tm_group_reason *reasons; /* their kind is the name */
    size_t reason_count;
} tm_group_need;

const tm_group_need *tm_group_needs(tm_arena *arena, const tm_model *model, size_t *count);

#endif
