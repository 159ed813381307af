/* action_benchmark: the PASSED cells for the action benchmark-action/github-action-benchmark.
 *
 * Its tool `customSmallerIsBetter` takes a list of objects with name, unit, value, range and extra.
 * The value is the latency in ns, the range half the interval, and extra what a chart's tooltip
 * shows. A cell without a latency is not there: the action would compare whatever stood for it. */
#ifndef TM_REPORTS_ACTION_BENCHMARK_H
#define TM_REPORTS_ACTION_BENCHMARK_H

#include "lib/arena.h"
#include "reports/model.h"

/* The text; caller frees. Names are made in the arena. */
char *tm_action_benchmark_format(tm_arena *arena, const tm_model *model);

#endif
