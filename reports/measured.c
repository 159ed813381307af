#include "reports/measured.h"

#include <math.h>

#include "reports/figure.h"
#include "reports/ranking.h"
#include "reports/score.h"

/* A positive number, to a thousandth: factors of 1e6 would leave digits that nobody measured. */
static double in_thousandths(double value) {
    return isfinite(value) && value > 0.0 ? nearbyint(value * 1e3) / 1e3 : 0.0;
}

static double detail_ns(const tm_model_cell *cell, const char *key) {
    const tm_node *node = tm_node_get(cell->trace.details_node, key);
    return node != NULL && node->type == TM_NODE_NUMBER ? in_thousandths(node->number) : 0.0;
}

bool tm_measured_get(const tm_model_solution *baseline, const tm_model_solution *solution,
                     size_t index, tm_measured *measured) {
    const tm_model_cell *cell = &solution->cells[index];
    const tm_trace *trace = &cell->trace;
    *measured = (tm_measured){0};
    if (!tm_ranking_is_timed(cell))
        return false;
    measured->latency_ns = in_thousandths(trace->latency_ms * 1e6);
    measured->low_ns = detail_ns(cell, "median_low_ns");
    measured->high_ns = detail_ns(cell, "median_high_ns");
    measured->reference_ns = in_thousandths(trace->reference_latency_ms * 1e6);
    if (isfinite(trace->speedup_factor) && trace->speedup_factor > 0.0)
        measured->over_reference = trace->speedup_factor;
    if (baseline != NULL)
        measured->over_baseline = tm_ranking_ratio(baseline, solution, index);
    measured->percent_of_limit = tm_score_percent(cell);
    return measured->latency_ns > 0.0;
}

void tm_measured_each(const tm_model *model, tm_measured_visit *visit, void *context) {
    tm_measured measured;
    for (size_t i = 0; i < model->definition_count; i++) {
        const tm_model_definition *definition = &model->definitions[i];
        const tm_model_solution *baseline = tm_ranking_baseline(definition);
        for (size_t j = 0; j < definition->solution_count; j++)
            for (size_t k = 0; k < definition->workload_count; k++)
                if (tm_measured_get(baseline, &definition->solutions[j], k, &measured))
                    visit(context, definition, &definition->solutions[j], k, &measured);
    }
}

const char *tm_measured_name(tm_arena *arena, const tm_model_definition *definition,
                             const tm_model_solution *solution, size_t index) {
    return tm_arena_format(arena, "%s/%s", definition->name,
                           tm_figure_cell(arena, solution, &definition->workloads[index]));
}
