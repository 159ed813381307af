#include "reports/show_json.h"

#include <math.h>

#include "lib/json.h"
#include "reports/code.h"
#include "reports/doubt.h"
#include "reports/figure.h"
#include "reports/measured.h"
#include "reports/ranking.h"

static void set_figure(tm_json *object, const char *key, double value) {
    if (isfinite(value) && value > 0.0)
        tm_json_set_number(object, key, value);
    else
        tm_json_set_null(object, key);
}

static void set_node(tm_json *object, const char *key, const tm_node *node) {
    if (node != NULL)
        tm_json_set_node(object, key, node);
    else
        tm_json_set_null(object, key);
}

static void add_figures(tm_json *root, const tm_choice *choice) {
    const tm_model_solution *baseline = tm_ranking_baseline(choice->definition);
    tm_measured measured;
    tm_measured_get(baseline, choice->solution, choice->workload, &measured);
    set_figure(root, "latency_ns", measured.latency_ns);
    set_figure(root, "latency_low_ns", measured.low_ns);
    set_figure(root, "latency_high_ns", measured.high_ns);
    set_figure(root, "reference_latency_ns", measured.reference_ns);
    set_figure(root, "speedup_over_reference", measured.over_reference);
    tm_json_set_string(root, "baseline", baseline != NULL ? baseline->name : NULL);
    set_figure(root, "speedup_over_baseline", measured.over_baseline);
    set_figure(root, "percent_of_limit", measured.percent_of_limit);
}

static void add_flags(tm_arena *arena, tm_json *root, const tm_model_cell *cell) {
    tm_json *flags = tm_json_array();
    for (int i = 0; i < TM_DOUBT_COUNT; i++) {
        if (!tm_doubt_is_cast(cell, (tm_doubt)i))
            continue;
        tm_json *flag = tm_json_object();
        tm_json_set_string(flag, "flag", tm_doubt_name((tm_doubt)i));
        tm_json_set_string(flag, "advice", tm_doubt_advice_of(arena, (tm_doubt)i, cell));
        tm_json_push(flags, flag);
    }
    tm_json_set(root, "flags", flags);
}

static void add_samples(tm_json *root, const tm_timing *timing) {
    tm_json_set_string(root, "timed_by", tm_timing_source_name(timing->source));
    if (timing->source != TM_TIMING_SAMPLES) {
        tm_json_set_null(root, "samples_ns");
        return;
    }
    tm_json *trials = tm_json_array();
    for (size_t i = 0; i < timing->trial_count; i++) {
        tm_json *trial = tm_json_array();
        for (size_t j = 0; j < timing->trials[i].count; j++)
            tm_json_push_number(trial, timing->trials[i].ns[j]);
        tm_json_push(trials, trial);
    }
    tm_json_set(root, "samples_ns", trials);
}

char *tm_show_json_format(tm_arena *arena, const tm_choice *choice, const tm_show_origin *origin) {
    const tm_model_cell *cell = choice->cell;
    const tm_model_solution *solution = choice->solution;
    const tm_model_workload *workload = &choice->definition->workloads[choice->workload];
    tm_json *root = tm_json_object();
    tm_json_set_int(root, "version", 1);
    tm_json_set_string(root, "definition", choice->definition->name);
    tm_json_set_string(root, "solution", solution->name);
    tm_json_set_string(root, "author", solution->author);
    tm_json_set_string(root, "uuid", workload->uuid);
    set_node(root, "axes", workload->axes_node);
    tm_json_set_string(root, "status", tm_figure_status_key(cell));
    tm_json_set_string(root, "reason", cell->reason);
    add_figures(root, choice);
    add_flags(arena, root, cell);
    tm_timing timing = {TM_TIMING_NONE, NULL, 0};
    if (cell->state == TM_MODEL_RAN)
        timing = tm_show_timing(arena, cell, origin);
    add_samples(root, &timing);
    const char *source = solution->source;
    if (source != NULL && tm_code_path(arena, source, origin->build, origin->srcdir) != NULL)
        source = tm_code_path(arena, source, origin->build, origin->srcdir);
    tm_json_set_string(root, "source", source);
    tm_json_set_string(root, "command", cell->command);
    tm_json_set_string(root, "log_path", cell->log_path);
    tm_json_set_string(root, "trace_path", cell->trace_path);
    set_node(root, "trace", cell->state == TM_MODEL_RAN ? cell->node : NULL);
    char *text = tm_json_print(root, true);
    tm_json_free(root);
    return text;
}
