#include "reports/report_json.h"

#include <stdio.h>

#include "lib/json.h"
#include "reports/doubt.h"
#include "reports/figure.h"
#include "reports/group.h"
#include "reports/ranking.h"
#include "reports/ranking_json.h"
#include "reports/score.h"
#include "reports/tuning.h"

static void set_strings(tm_json *object, const char *key, const char *const *strings) {
    tm_json *list = tm_json_array();
    for (; strings != NULL && *strings != NULL; strings++)
        tm_json_push_string(list, *strings);
    tm_json_set(object, key, list);
}

static void set_counts(tm_json *object, const tm_score *score) {
    tm_json_set_int(object, "cells", (int64_t)score->cells);
    tm_json_set_int(object, "passed", (int64_t)score->by_status[TM_STATUS_PASSED]);
    tm_json_set_int(object, "failed", (int64_t)tm_score_failed(score));
    tm_json_set_int(object, "void", (int64_t)score->by_status[TM_STATUS_VOID]);
    tm_json_set_int(object, "not_run", (int64_t)score->not_run);
    tm_json_set_int(object, "broken_traces", (int64_t)score->broken);
    tm_json_set_int(object, "waiting", (int64_t)score->waiting);
    tm_json *statuses = tm_json_object();
    for (int status = 0; status < TM_STATUS_COUNT; status++)
        tm_json_set_int(statuses, tm_status_name((tm_status)status),
                        (int64_t)score->by_status[status]);
    tm_json_set(object, "by_status", statuses);
}

static tm_json *solution_json(const tm_model_solution *solution) {
    const tm_score *score = &solution->score;
    tm_json *object = tm_json_object();
    tm_json_set_string(object, "name", solution->name);
    tm_json_set_string(object, "author", solution->author);
    tm_json_set_string(object, "language", solution->language);
    tm_json_set_string(object, "binding", solution->binding);
    tm_json_set_string(object, "needs", solution->needs);
    tm_json_set_positive(object, "compile_ms", solution->compile_ms);
    tm_json_set_string(object, "base", solution->base);
    if (solution->variant != NULL)
        tm_json_set_node(object, "variant", solution->variant);
    else
        tm_json_set_null(object, "variant");
    set_counts(object, score);
    tm_json_set_bool(object, "complete", tm_score_complete(score));
    tm_json_set_positive(object, "min_latency_ms", score->min_latency_ms);
    tm_json_set_positive(object, "max_latency_ms", score->max_latency_ms);
    tm_json_set_positive(object, "geomean_latency_ms", tm_score_latency_ms(score));
    tm_json_set_int(object, "compared_cells", (int64_t)score->compared);
    tm_json_set_positive(object, "min_speedup", score->min_speedup);
    tm_json_set_positive(object, "max_speedup", score->max_speedup);
    tm_json_set_positive(object, "geomean_speedup", tm_score_speedup(score));
    tm_json_set_positive(object, "mean_speedup", tm_score_mean_speedup(score));
    tm_json_set_int(object, "limited_cells", (int64_t)score->limited);
    tm_json_set_positive(object, "max_percent_of_limit", score->max_percent);
    tm_json_set_positive(object, "geomean_percent_of_limit", tm_score_mean_percent(score));
    return object;
}

static tm_json *definition_json(const tm_model_definition *definition) {
    tm_json *object = tm_json_object();
    tm_json_set_string(object, "name", definition->name);
    tm_json_set_string(object, "op_type", definition->op_type);
    tm_json_set_string(object, "reference", definition->reference);
    set_counts(object, &definition->score);
    tm_json_set_string(object, "best", definition->best != NULL ? definition->best->name : NULL);
    const tm_model_best_trace *one = &definition->best_flashinfer;
    if (one->solution != NULL) {
        tm_json *best = tm_json_object();
        tm_json_set_string(best, "solution", one->solution->name);
        tm_json_set_string(best, "uuid", definition->workloads[one->workload].uuid);
        tm_json_set_number(best, "speedup_factor", one->trace->speedup_factor);
        tm_json_set(object, "best_flashinfer", best);
    } else {
        tm_json_set_null(object, "best_flashinfer");
    }
    tm_json *solutions = tm_json_array();
    for (size_t i = 0; i < definition->solution_count; i++)
        tm_json_push(solutions, solution_json(&definition->solutions[i]));
    tm_json_set(object, "solutions", solutions);
    return object;
}

static void set_results(tm_json *object, const tm_model_cell *cell) {
    const tm_trace *trace = &cell->trace;
    if (cell->state == TM_MODEL_RAN && trace->has_performance) {
        tm_json_set_number(object, "latency_ms", trace->latency_ms);
        tm_json_set_positive(object, "reference_latency_ms", trace->reference_latency_ms);
        tm_json_set_positive(object, "speedup_factor", trace->speedup_factor);
    } else {
        tm_json_set_null(object, "latency_ms");
        tm_json_set_null(object, "reference_latency_ms");
        tm_json_set_null(object, "speedup_factor");
    }
    tm_json_set_positive(object, "percent_of_limit", tm_score_percent(cell));
    if (cell->state == TM_MODEL_RAN && trace->has_correctness) {
        tm_json_set_number(object, "max_absolute_error", trace->max_absolute_error);
        tm_json_set_number(object, "max_relative_error", trace->max_relative_error);
    } else {
        tm_json_set_null(object, "max_absolute_error");
        tm_json_set_null(object, "max_relative_error");
    }
}

static tm_json *cell_json(const tm_model_definition *definition, const tm_model_solution *solution,
                          size_t index) {
    const tm_model_cell *cell = &solution->cells[index];
    const tm_model_workload *workload = &definition->workloads[index];
    tm_json *object = tm_json_object();
    tm_json_set_string(object, "definition", definition->name);
    tm_json_set_string(object, "solution", solution->name);
    tm_json_set_string(object, "author", solution->author);
    tm_json_set_string(object, "uuid", workload->uuid);
    if (workload->axes_node != NULL)
        tm_json_set_node(object, "axes", workload->axes_node);
    else
        tm_json_set_null(object, "axes");
    tm_json_set_string(object, "status", tm_figure_status_key(cell));
    tm_json_set_string(object, "reason", cell->reason);
    set_results(object, cell);
    tm_json *flags = tm_json_array();
    for (int i = 0; i < TM_DOUBT_COUNT; i++)
        if (tm_doubt_is_cast(cell, (tm_doubt)i))
            tm_json_push_string(flags, tm_doubt_name((tm_doubt)i));
    tm_json_set(object, "flags", flags);
    tm_json_set_positive(object, "judging_ms", tm_doubt_ms(cell, "judging_ms"));
    tm_json_set_positive(object, "protocol_ms", tm_doubt_ms(cell, "protocol_ms"));
    tm_json_set_string(object, "trace", cell->trace_path);
    tm_json_set_string(object, "log", cell->log_path);
    tm_json_set_string(object, "command", cell->command);
    return object;
}

static tm_json *cells_json(const tm_model *model) {
    tm_json *cells = tm_json_array();
    for (size_t i = 0; i < model->definition_count; i++) {
        const tm_model_definition *definition = &model->definitions[i];
        for (size_t j = 0; j < definition->solution_count; j++)
            for (size_t k = 0; k < definition->workload_count; k++)
                tm_json_push_printed(cells, cell_json(definition, &definition->solutions[j], k), 2);
    }
    return cells;
}

static tm_json *weak_json(const tm_model *model) {
    tm_json *list = tm_json_array();
    for (size_t i = 0; i < model->definition_count; i++)
        for (size_t j = 0; j < model->definitions[i].workload_count; j++) {
            const tm_node *outputs = model->definitions[i].workloads[j].weak;
            if (outputs == NULL)
                continue;
            tm_json *object = tm_json_object();
            tm_json_set_string(object, "definition", model->definitions[i].name);
            tm_json_set_string(object, "uuid", model->definitions[i].workloads[j].uuid);
            tm_json_set_node(object, "outputs", outputs);
            tm_json_push(list, object);
        }
    return list;
}

static tm_json *tuning_json(const tm_tuning *tuning) {
    tm_json *object = tm_json_object();
    tm_json_set_string(object, "definition", tuning->definition->name);
    tm_json_set_string(object, "base", tuning->variants[0]->base);
    tm_json_set_string(object, "best", tuning->best != NULL ? tuning->best->name : NULL);
    tm_json *workloads = tm_json_array();
    for (size_t i = 0; i < tuning->definition->workload_count; i++) {
        int fastest = tm_tuning_fastest(tuning, i);
        tm_json *workload = tm_json_object();
        tm_json_set_string(workload, "uuid", tuning->definition->workloads[i].uuid);
        tm_json_set_string(workload, "fastest",
                           fastest >= 0 ? tuning->variants[fastest]->name : NULL);
        if (fastest >= 0)
            tm_json_set_number(workload, "latency_ms",
                               tuning->variants[fastest]->cells[i].trace.latency_ms);
        else
            tm_json_set_null(workload, "latency_ms");
        tm_json_push(workloads, workload);
    }
    tm_json_set(object, "workloads", workloads);
    return object;
}

static tm_json *family_json(const tm_tuning_family *family) {
    tm_json *object = tm_json_object();
    tm_json_set_string(object, "family", family->name);
    tm_json_set_string(object, "author", family->author);
    if (family->best != NULL)
        tm_json_set_node(object, "best", family->best->example->variant);
    else
        tm_json_set_null(object, "best");
    tm_json *rows = tm_json_array();
    for (size_t i = 0; i < family->row_count; i++) {
        const tm_tuning_row *row = &family->rows[i];
        tm_json *one = tm_json_object();
        tm_json_set_node(one, "variant", row->example->variant);
        tm_json_set_int(one, "definitions", (int64_t)row->definitions);
        tm_json_set_int(one, "best_of", (int64_t)row->best_of);
        tm_json_set_bool(one, "complete", tm_score_complete(&row->score));
        tm_json_set_positive(one, "geomean_speedup", tm_score_speedup(&row->score));
        tm_json_set_positive(one, "geomean_latency_ms", tm_score_latency_ms(&row->score));
        tm_json_push(rows, one);
    }
    tm_json_set(object, "variants", rows);
    tm_json *definitions = tm_json_array();
    for (size_t i = 0; i < family->tuning_count; i++)
        tm_json_push(definitions, tuning_json(&family->tunings[i]));
    tm_json_set(object, "definitions", definitions);
    return object;
}

static tm_json *variants_json(tm_arena *arena, const tm_model *model) {
    size_t count;
    const tm_tuning_family *families = tm_tuning_find(arena, model, &count);
    tm_json *list = tm_json_array();
    for (size_t i = 0; i < count; i++)
        tm_json_push(list, family_json(&families[i]));
    return list;
}

static void set_doubts(tm_json *totals, const tm_model *model) {
    tm_json *flags = tm_json_object();
    for (int i = 0; i < TM_DOUBT_COUNT; i++)
        tm_json_set_int(flags, tm_doubt_name((tm_doubt)i), (int64_t)model->score.doubts[i]);
    tm_json_set(totals, "flags", flags);
    tm_json_set_positive(totals, "judging_ms", model->score.judging_ms);
    tm_json_set_positive(totals, "protocol_ms", model->score.protocol_ms);
}

static tm_json *not_planned_json(const tm_model *model) {
    tm_json *list = tm_json_array();
    for (size_t i = 0; i < model->not_planned_count; i++) {
        tm_json *object = tm_json_object();
        tm_json_set_string(object, "kind", model->not_planned[i].kind);
        tm_json_set_string(object, "name", model->not_planned[i].name);
        tm_json_set_string(object, "definition", model->not_planned[i].definition);
        tm_json_set_string(object, "reason", model->not_planned[i].reason);
        tm_json_push(list, object);
    }
    return list;
}

char *tm_report_json_format(tm_arena *arena, const tm_model *model) {
    tm_json *root = tm_json_object();
    tm_json_set_int(root, "version", 1);
    tm_json_set_string(root, "backend", model->backend);
    set_strings(root, "arch", model->arch);
    set_strings(root, "hardware", model->hardware);
    tm_json_set_string(root, "newest_trace", model->newest[0] != '\0' ? model->newest : NULL);
    tm_json *totals = tm_json_object();
    set_counts(totals, &model->score);
    tm_json_set_int(totals, "dataset_errors", model->dataset_errors);
    tm_json *needs = tm_json_object();
    size_t count;
    const tm_group_need *groups = tm_group_needs(arena, model, &count);
    for (size_t i = 0; i < count; i++)
        tm_json_set_int(needs, groups[i].name, (int64_t)groups[i].cells);
    tm_json_set(totals, "by_need", needs);
    set_doubts(totals, model);
    tm_json_set(root, "totals", totals);
    tm_json *definitions = tm_json_array();
    for (size_t i = 0; i < model->definition_count; i++)
        tm_json_push(definitions, definition_json(&model->definitions[i]));
    tm_json_set(root, "definitions", definitions);
    tm_json_set(root, "variants", variants_json(arena, model));
    tm_json_set(root, "cells", cells_json(model));
    tm_ranking ranking = tm_ranking_make(arena, model);
    tm_json_set(root, "authors", tm_ranking_json_authors(&ranking));
    tm_json_set_int(root, "definitions_without_baseline", (int64_t)ranking.no_baseline);
    tm_json_set_int(root, "definitions_with_several_baselines", (int64_t)ranking.many_baselines);
    tm_json_set(root, "weak", weak_json(model));
    tm_json_set(root, "not_planned", not_planned_json(model));
    set_strings(root, "dataset_diagnostics", model->dataset_diagnostics);
    char *text = tm_json_print(root, true);
    tm_json_free(root);
    return text;
}
