/* plan_json: plan.json, which tm-gen wrote (docs/FORMATS.md), as a model without cells.
 *
 * Knows what was planned, what waits and what was left out, and how long the objects took to
 * compile; deliberately does not know traces. */
#ifndef TM_REPORTS_PLAN_JSON_H
#define TM_REPORTS_PLAN_JSON_H

#include <stdbool.h>

#include "lib/node.h"
#include "reports/model.h"

/* Fills the model's backend, arch, dataset errors, definitions and gaps, all in the reader's arena;
 * `definitions` are those of the model, for whoever adds cells. `build` is the folder where ninja
 * ran. False after errors. */
bool tm_plan_json_read(const tm_node_reader *reader, const tm_node *plan, const char *build,
                       tm_model *model, tm_model_definition **definitions);
/* A file beside the object that a solution has for a workload, relative to `build`: the same path
 * with another ending. */
const char *tm_plan_json_object(tm_arena *arena, const tm_model_solution *solution, size_t workload,
                                const char *end);
/* By kind, reason, definition, name. */
void tm_plan_json_sort(tm_not_planned *entries, size_t count);

#endif
