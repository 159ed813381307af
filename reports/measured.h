/* measured: the figures of one PASSED cell, for programs that follow benchmarks.
 *
 * One rule for all formats of numbers: a cell without a latency has none, and no other figure in
 * its place. Deliberately does not know any format. */
#ifndef TM_REPORTS_MEASURED_H
#define TM_REPORTS_MEASURED_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/arena.h"
#include "reports/model.h"

/* 0 stands for a figure that is not known. */
typedef struct {
    double latency_ns;
    double low_ns, high_ns; /* confidence interval of the median, of all samples */
    double reference_ns;
    double over_reference; /* latency of the reference to that of the cell */
    double over_baseline;  /* likewise of the one solution by the author "baseline" */
    double percent_of_limit;
} tm_measured;

/* False, and all 0, of a cell that did not pass or has no latency. `baseline` is the definition's
 * (ranking.h), or NULL. */
bool tm_measured_get(const tm_model_solution *baseline, const tm_model_solution *solution,
                     size_t index, tm_measured *measured);
typedef void tm_measured_visit(void *context, const tm_model_definition *definition,
                               const tm_model_solution *solution, size_t index,
                               const tm_measured *measured);
/* Visits every cell that has a latency, in the plan's order. */
void tm_measured_each(const tm_model *model, tm_measured_visit *visit, void *context);
/* The name by which a service follows the cell: "norm_h4096/norm_rows[batch_size=7/98773f58-...]",
 * JUnit's classname and name. In the arena. */
const char *tm_measured_name(tm_arena *arena, const tm_model_definition *definition,
                             const tm_model_solution *solution, size_t index);

#endif
