#include "reports/rank.h"

#include <stdbool.h>
#include <string.h>

#include "lib/json.h"
#include "lib/text.h"
#include "reports/figure.h"
#include "reports/ranking.h"
#include "reports/ranking_json.h"
#include "reports/score.h"
#include "reports/table.h"

typedef struct {
    tm_ranking_score baseline, reference;
} both_scores;

static both_scores score_both(tm_arena *arena, const tm_model_definition *definition,
                              const tm_model_solution *solution) {
    const tm_model_solution *base = tm_ranking_baseline(definition);
    both_scores scores = {.reference = tm_ranking_solution(arena, definition, NULL, solution)};
    if (base != NULL)
        scores.baseline = tm_ranking_solution(arena, definition, base, solution);
    return scores;
}

/* ---- tables ---- */

/* A failed cell makes a mean 0, which is a score. */
static const char *mean_text(tm_arena *arena, const tm_ranking_score *score) {
    if (score->definitions == 0)
        return "-";
    return score->mean > 0.0 ? tm_figure_speedup(arena, score->mean) : "0";
}

static const char *share_text(tm_arena *arena, const tm_ranking_score *score, double share) {
    if (score->definitions == 0)
        return "-";
    return share > 0.0 ? tm_figure_percent(arena, share * 100.0) : "0%";
}

static const char *win_text(tm_arena *arena, const tm_ranking_score *score, double p) {
    return share_text(arena, score, tm_ranking_win_at(score, p));
}

static void add_author(tm_arena *arena, tm_table *table, const tm_ranking_author *author,
                       const tm_ranking_score *score) {
    const char *const cells[] = {
        tm_figure_line(arena, author->name),
        tm_arena_format(arena, "%zu", score->definitions),
        tm_arena_format(arena, "%zu", score->ratio_count),
        mean_text(arena, score),
        tm_figure_speedup(arena, score->geomean),
        share_text(arena, score, score->win_rate),
        share_text(arena, score, score->success_rate),
        win_text(arena, score, 0.5),
        win_text(arena, score, 1.0),
        win_text(arena, score, 1.5),
        win_text(arena, score, 2.0),
    };
    tm_table_add(table, cells);
}

static void add_authors(tm_arena *arena, tm_text *text, const tm_ranking *ranking,
                        bool over_baseline, const tm_terminal *terminal) {
    static const tm_table_column columns[] = {
        {.title = "author", .least = 8},
        {.title = "definitions", .to_the_right = true, .drop = 5},
        {.title = "workloads", .to_the_right = true, .drop = 6},
        {.title = "mean", .to_the_right = true},
        {.title = "geomean", .to_the_right = true},
        {.title = "wins", .to_the_right = true},
        {.title = "success", .to_the_right = true, .drop = 1},
        {.title = ">0.5x", .to_the_right = true, .drop = 4},
        {.title = ">1x", .to_the_right = true, .drop = 2},
        {.title = ">1.5x", .to_the_right = true, .drop = 3},
        {.title = ">2x", .to_the_right = true, .drop = 2},
    };
    tm_table *table =
        tm_table_create(arena, columns, sizeof(columns) / sizeof(*columns), ranking->author_count);
    size_t shown = 0;
    for (size_t i = 0; i < ranking->author_count; i++) {
        const tm_ranking_author *author = &ranking->authors[i];
        const tm_ranking_score *score = over_baseline ? &author->baseline : &author->reference;
        /* The baseline over itself tells nothing. */
        bool is_base = over_baseline && strcmp(author->name, tm_ranking_baseline_author) == 0;
        if (score->definitions == 0 || is_base)
            continue;
        add_author(arena, table, author, score);
        shown++;
    }
    tm_text_add(text, over_baseline ? "OVER BASELINE  the one solution of the author baseline\n"
                                    : "\nOVER THE REFERENCE\n");
    if (shown > 0)
        tm_table_print(table, terminal, text);
    else
        tm_text_add(text, "nothing to compare\n");
    if (over_baseline && ranking->no_baseline + ranking->many_baselines > 0)
        tm_text_format(
            text, "%s\n",
            tm_figure_wrap(
                arena,
                tm_arena_format(arena, "left out: %s without one, %s with several",
                                tm_figure_count(arena, ranking->no_baseline, "definition"),
                                tm_figure_count(arena, ranking->many_baselines, "definition")),
                terminal->width, 2));
}

static void add_solution(tm_arena *arena, tm_table *table, const tm_model_definition *definition,
                         const tm_model_solution *solution, size_t width) {
    const tm_score *score = &solution->score;
    const both_scores scores = score_both(arena, definition, solution);
    bool is_base = tm_ranking_baseline(definition) == solution;
    const char *const cells[] = {
        tm_arena_format(arena, "  %s",
                        tm_figure_solution(arena, solution->name, definition->name, width)),
        tm_figure_line(arena, solution->author),
        tm_arena_format(arena, "%zu/%zu", score->by_status[TM_STATUS_PASSED],
                        score->cells - score->by_status[TM_STATUS_VOID]),
        is_base ? "base" : mean_text(arena, &scores.baseline),
        is_base ? "-" : tm_figure_speedup(arena, scores.baseline.geomean),
        is_base ? "-" : share_text(arena, &scores.baseline, scores.baseline.win_rate),
        mean_text(arena, &scores.reference),
        tm_figure_speedup(arena, scores.reference.geomean),
        share_text(arena, &scores.reference, scores.reference.win_rate),
    };
    tm_table_add(table, cells);
}

static void add_solutions(tm_arena *arena, tm_text *text, const tm_model *model,
                          const tm_terminal *terminal) {
    static const tm_table_column columns[] = {
        {.title = "definition, solution", .least = 16},
        {.title = "author", .least = 8, .drop = 1},
        {.title = "passed", .to_the_right = true, .drop = 2},
        {.title = "baseline: mean", .to_the_right = true},
        {.title = "geomean", .to_the_right = true, .drop = 3},
        {.title = "wins", .to_the_right = true, .drop = 4},
        {.title = "reference: mean", .to_the_right = true},
        {.title = "geomean", .to_the_right = true, .drop = 5},
        {.title = "wins", .to_the_right = true, .drop = 6},
    };
    size_t rows = model->definition_count;
    for (size_t i = 0; i < model->definition_count; i++)
        rows += model->definitions[i].solution_count;
    tm_table *table = tm_table_create(arena, columns, sizeof(columns) / sizeof(*columns), rows);
    for (size_t i = 0; i < model->definition_count; i++) {
        const tm_model_definition *definition = &model->definitions[i];
        if (definition->score.cells == 0)
            continue;
        tm_table_add_heading(table, tm_figure_line(arena, definition->name));
        for (size_t j = 0; j < definition->solution_count; j++)
            if (definition->solutions[j].needs == NULL)
                add_solution(arena, table, definition, &definition->solutions[j],
                             tm_terminal_name_width(terminal, 40));
    }
    tm_text_add(text, "\nSOLUTIONS\n");
    tm_table_print(table, terminal, text);
}

const char *tm_rank_text(tm_arena *arena, const tm_model *model, const tm_terminal *terminal) {
    tm_ranking ranking = tm_ranking_make(arena, model);
    tm_text text = {0};
    add_authors(arena, &text, &ranking, true, terminal);
    add_authors(arena, &text, &ranking, false, terminal);
    add_solutions(arena, &text, model, terminal);
    static const char *const notes[] = {
        "mean: over definitions, of the best solution's mean speedup there; a failed cell makes it "
        "0",
        "geomean: over all workloads that did not fail",
        "wins: share of workloads faster than the base; success: of definitions without a failed "
        "cell",
        ">1.5x: share of workloads more than 1.5 times as fast as the base",
    };
    tm_figure_add_notes(arena, &text, notes, sizeof(notes) / sizeof(*notes), terminal->width);
    const char *result = tm_arena_copy(arena, tm_text_get(&text), text.length);
    tm_text_free(&text);
    return result;
}

/* ---- JSON ---- */

static tm_json *solution_json(tm_arena *arena, const tm_model_definition *definition,
                              const tm_model_solution *solution) {
    const both_scores scores = score_both(arena, definition, solution);
    size_t passed = solution->score.by_status[TM_STATUS_PASSED];
    tm_json *object = tm_json_object();
    tm_json_set_string(object, "definition", definition->name);
    tm_json_set_string(object, "solution", solution->name);
    tm_json_set_string(object, "author", solution->author);
    tm_json_set_int(object, "cells", (int64_t)(passed + tm_score_failed(&solution->score)));
    tm_json_set_int(object, "passed", (int64_t)passed);
    tm_json_set(object, "over_baseline", tm_ranking_json_score(&scores.baseline));
    tm_json_set(object, "over_reference", tm_ranking_json_score(&scores.reference));
    return object;
}

char *tm_rank_json(tm_arena *arena, const tm_model *model) {
    tm_ranking ranking = tm_ranking_make(arena, model);
    tm_json *root = tm_json_object(), *solutions = tm_json_array();
    tm_json_set_int(root, "version", 1);
    tm_json_set(root, "authors", tm_ranking_json_authors(&ranking));
    tm_json_set_int(root, "definitions_without_baseline", (int64_t)ranking.no_baseline);
    tm_json_set_int(root, "definitions_with_several_baselines", (int64_t)ranking.many_baselines);
    for (size_t i = 0; i < model->definition_count; i++) {
        const tm_model_definition *definition = &model->definitions[i];
        for (size_t j = 0; j < definition->solution_count; j++)
            if (definition->solutions[j].needs == NULL)
                tm_json_push(solutions,
                             solution_json(arena, definition, &definition->solutions[j]));
    }
    tm_json_set(root, "solutions", solutions);
    char *text = tm_json_print(root, true);
    tm_json_free(root);
    return text;
}
