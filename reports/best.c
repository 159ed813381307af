#include "reports/best.h"

#include "lib/json.h"
#include "lib/text.h"
#include "reports/figure.h"
#include "reports/ranking.h"
#include "reports/score.h"
#include "reports/table.h"

/* Against the author "baseline"; all 0 where there is nothing to compare with. */
static tm_ranking_score over_baseline(tm_arena *arena, const tm_model_definition *definition,
                                      const tm_model_solution *solution) {
    const tm_model_solution *base = tm_ranking_baseline(definition);
    return base != NULL ? tm_ranking_solution(arena, definition, base, solution)
                        : (tm_ranking_score){0};
}

/* ---- the table ---- */

static void add_row(tm_arena *arena, tm_table *table, const tm_model_definition *definition,
                    size_t width) {
    const char *name = tm_figure_line(arena, definition->name);
    const char *cells[] = {name, "-", "-", "-", "-", "-", "-", "-"};
    const tm_model_solution *best = definition->best;
    const tm_model_best_trace *one = &definition->best_flashinfer;
    if (best != NULL) {
        const tm_score *score = &best->score;
        tm_ranking_score over = over_baseline(arena, definition, best);
        cells[1] = tm_figure_solution(arena, best->name, definition->name, width);
        cells[2] = tm_figure_line(arena, best->author);
        cells[3] = tm_figure_latency_range(arena, score->min_latency_ms, score->max_latency_ms);
        cells[4] = tm_figure_speedup(arena, tm_score_speedup(score));
        cells[5] = tm_figure_speedup(arena, over.geomean);
    }
    if (one->solution != NULL) {
        cells[6] = tm_figure_solution(arena, one->solution->name, definition->name, width);
        cells[7] = tm_figure_speedup(arena, one->trace->speedup_factor);
    }
    tm_table_add(table, cells);
}

const char *tm_best_text(tm_arena *arena, const tm_model *model, const tm_terminal *terminal) {
    static const tm_table_column columns[] = {
        {.title = "definition", .least = 24},
        {.title = "best solution", .least = 18},
        {.title = "author", .least = 8, .drop = 3},
        {.title = "latency", .to_the_right = true, .drop = 2},
        {.title = "speedup", .to_the_right = true},
        {.title = "over baseline", .to_the_right = true, .drop = 1},
        {.title = "one trace", .least = 14, .drop = 4},
        {.title = "its speedup", .to_the_right = true, .drop = 5},
    };
    tm_table *table = tm_table_create(arena, columns, sizeof(columns) / sizeof(*columns),
                                      model->definition_count);
    for (size_t i = 0; i < model->definition_count; i++)
        if (model->definitions[i].score.cells > 0)
            add_row(arena, table, &model->definitions[i], tm_terminal_name_width(terminal, 20));
    tm_text text = {0};
    tm_table_print(table, terminal, &text);
    static const char *const notes[] = {
        "best: every cell passed, highest speedup over the reference, the geometric mean over the "
        "workloads",
        "over baseline: the same over the one solution of the author baseline",
        "one trace, where the terminal is wide, and in --json: flashinfer-bench's best, the one "
        "with the highest speedup and both errors <= 0.01",
    };
    tm_figure_add_notes(arena, &text, notes, sizeof(notes) / sizeof(*notes), terminal->width);
    const char *result = tm_arena_copy(arena, tm_text_get(&text), text.length);
    tm_text_free(&text);
    return result;
}

/* ---- JSON ---- */

static tm_json *best_json(tm_arena *arena, const tm_model_definition *definition) {
    const tm_model_solution *best = definition->best;
    const tm_score *score = &best->score;
    tm_ranking_score over = over_baseline(arena, definition, best);
    tm_json *object = tm_json_object();
    tm_json_set_string(object, "solution", best->name);
    tm_json_set_string(object, "author", best->author);
    tm_json_set_int(object, "cells", (int64_t)score->cells);
    tm_json_set_positive(object, "min_latency_ms", score->min_latency_ms);
    tm_json_set_positive(object, "max_latency_ms", score->max_latency_ms);
    tm_json_set_positive(object, "geomean_latency_ms", tm_score_latency_ms(score));
    tm_json_set_positive(object, "geomean_speedup", tm_score_speedup(score));
    tm_json_set_positive(object, "mean_speedup", tm_score_mean_speedup(score));
    tm_json_set_positive(object, "geomean_over_baseline", over.geomean);
    tm_json_set_positive(object, "mean_over_baseline", over.mean);
    return object;
}

static tm_json *flashinfer_json(const tm_model_definition *definition) {
    const tm_model_best_trace *best = &definition->best_flashinfer;
    const tm_trace *trace = best->trace;
    const tm_model_solution *base = tm_ranking_baseline(definition);
    double base_ms = base != NULL ? tm_ranking_latency_ms(&base->cells[best->workload]) : 0.0;
    tm_json *object = tm_json_object();
    tm_json_set_string(object, "solution", best->solution->name);
    tm_json_set_string(object, "author", best->solution->author);
    tm_json_set_string(object, "uuid", definition->workloads[best->workload].uuid);
    tm_json_set_number(object, "latency_ms", trace->latency_ms);
    tm_json_set_number(object, "reference_latency_ms", trace->reference_latency_ms);
    tm_json_set_number(object, "speedup_factor", trace->speedup_factor);
    tm_json_set_positive(object, "over_baseline", base_ms / trace->latency_ms);
    tm_json_set_number(object, "max_absolute_error", trace->max_absolute_error);
    tm_json_set_number(object, "max_relative_error", trace->max_relative_error);
    return object;
}

char *tm_best_json(tm_arena *arena, const tm_model *model) {
    tm_json *root = tm_json_object(), *list = tm_json_array();
    tm_json_set_int(root, "version", 1);
    for (size_t i = 0; i < model->definition_count; i++) {
        const tm_model_definition *definition = &model->definitions[i];
        if (definition->score.cells == 0)
            continue;
        const tm_model_solution *base = tm_ranking_baseline(definition);
        tm_json *object = tm_json_object();
        tm_json_set_string(object, "name", definition->name);
        tm_json_set_string(object, "op_type", definition->op_type);
        tm_json_set_int(object, "workloads", (int64_t)definition->workload_count);
        tm_json_set_string(object, "baseline", base != NULL ? base->name : NULL);
        if (definition->best != NULL)
            tm_json_set(object, "best", best_json(arena, definition));
        else
            tm_json_set_null(object, "best");
        if (definition->best_flashinfer.solution != NULL)
            tm_json_set(object, "best_flashinfer", flashinfer_json(definition));
        else
            tm_json_set_null(object, "best_flashinfer");
        tm_json_push(list, object);
    }
    tm_json_set(root, "definitions", list);
    char *text = tm_json_print(root, true);
    tm_json_free(root);
    return text;
}
