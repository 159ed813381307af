#include "reports/summary_table.h"

#include "reports/figure.h"
#include "reports/score.h"
#include "reports/table.h"

#define MAX_SOLUTION_ROWS 60

/* What the table is made for. */
typedef struct {
    tm_arena *arena;
    tm_text *text;
    const tm_terminal *terminal;
} place;

typedef struct {
    const tm_tuning_family *families;
    size_t count;
} variant_list;

static const char *passed_text(tm_arena *arena, const tm_score *score) {
    if (score->cells == 0)
        return "-";
    return tm_arena_format(arena, "%zu/%zu", score->by_status[TM_STATUS_PASSED],
                           score->cells - score->by_status[TM_STATUS_VOID]);
}

/* A failed cell takes the speedup away: a wrong answer is not a fast one. */
static const char *speedup_text(tm_arena *arena, const tm_score *score) {
    bool comparable = tm_score_failed(score) == 0 && score->broken == 0;
    return comparable ? tm_figure_speedup(arena, tm_score_speedup(score)) : "-";
}

/* What a name may take: more than in a file where the terminal is wider. */
static size_t name_width(const place *out, size_t in_file) {
    size_t width = out->terminal->width, file = tm_terminal_file.width;
    return width > file ? in_file + width - file : in_file;
}

/* Whether all that have a verdict have passed. */
static tm_style passed_style(const tm_score *score) {
    if (tm_score_failed(score) + score->broken > 0)
        return TM_STYLE_BAD;
    return tm_score_complete(score) ? TM_STYLE_GOOD : TM_STYLE_PLAIN;
}

static void add_solution_row(const place *out, tm_table *table,
                             const tm_model_definition *definition,
                             const tm_model_solution *solution) {
    tm_arena *arena = out->arena;
    const tm_score *score = &solution->score;
    const char *name =
        tm_figure_solution(arena, solution->name, definition->name, name_width(out, 39));
    const char *const cells[] = {
        tm_arena_format(arena, "%s %s", definition->best == solution ? "*" : " ", name),
        tm_figure_cut(arena, tm_figure_line(arena, solution->author), 12),
        passed_text(arena, score),
        solution->needs != NULL
            ? tm_arena_format(arena, "%zu %s", score->waiting, solution->needs)
            : tm_figure_latency_range(arena, score->min_latency_ms, score->max_latency_ms),
        speedup_text(arena, score),
        tm_figure_percent(arena, score->max_percent),
    };
    tm_table_add(table, cells);
    tm_table_style(table, 2, passed_style(score));
}

/* Of the variants of one solution a single one stands in the table. */
static bool is_shown(const variant_list *tunings, const tm_model_solution *solution) {
    const tm_tuning *tuning = tm_tuning_of(tunings->families, tunings->count, solution);
    return tuning == NULL || tuning->shown == solution;
}

static void add_solution_table(const place *out, const tm_model *model, const variant_list *tunings,
                               size_t rows) {
    static const tm_table_column columns[] = {{.title = "definition, solution", .least = 22},
                                              {.title = "author", .least = 6, .drop = 2},
                                              {.title = "passed", .to_the_right = true},
                                              {.title = "latency", .to_the_right = true},
                                              {.title = "speedup", .to_the_right = true},
                                              {.title = "limit", .to_the_right = true, .drop = 1}};
    tm_table *table = tm_table_create(out->arena, columns, sizeof(columns) / sizeof(*columns),
                                      rows + model->definition_count);
    for (size_t i = 0; i < model->definition_count; i++) {
        const tm_model_definition *definition = &model->definitions[i];
        if (definition->score.cells + definition->score.waiting == 0)
            continue;
        tm_table_add_heading(table, tm_figure_line(out->arena, definition->name));
        for (size_t j = 0; j < definition->solution_count; j++)
            if (is_shown(tunings, &definition->solutions[j]))
                add_solution_row(out, table, definition, &definition->solutions[j]);
    }
    tm_table_print(table, out->terminal, out->text);
}

static void add_definition_row(const place *out, tm_table *table,
                               const tm_model_definition *definition) {
    tm_arena *arena = out->arena;
    const tm_model_solution *best = definition->best;
    const char *name = tm_figure_line(arena, definition->name);
    const char *cells[] = {name, passed_text(arena, &definition->score), "-", "-", "-", "-"};
    if (best != NULL) {
        size_t width = 18 + name_width(out, 0) / 2;
        cells[2] = tm_figure_solution(arena, best->name, definition->name, width);
        cells[3] =
            tm_figure_latency_range(arena, best->score.min_latency_ms, best->score.max_latency_ms);
        cells[4] = speedup_text(arena, &best->score);
        cells[5] = tm_figure_percent(arena, best->score.max_percent);
    }
    tm_table_add(table, cells);
    tm_table_style(table, 1, passed_style(&definition->score));
}

static void add_definition_table(const place *out, const tm_model *model) {
    /* Definitions differ by sizes in the middle of their names: solutions give way first. */
    size_t least = out->terminal->width >= tm_terminal_file.width ? 34 : 28;
    const tm_table_column columns[] = {{.title = "definition", .least = least},
                                       {.title = "passed", .to_the_right = true},
                                       {.title = "best solution", .least = 13},
                                       {.title = "latency", .to_the_right = true, .drop = 1},
                                       {.title = "speedup", .to_the_right = true},
                                       {.title = "limit", .to_the_right = true, .drop = 2}};
    tm_table *table = tm_table_create(out->arena, columns, sizeof(columns) / sizeof(*columns),
                                      model->definition_count);
    for (size_t i = 0; i < model->definition_count; i++)
        if (model->definitions[i].score.cells > 0)
            add_definition_row(out, table, &model->definitions[i]);
    tm_table_print(table, out->terminal, out->text);
}

bool tm_summary_table_add(tm_arena *arena, tm_text *text, const tm_model *model,
                          const tm_tuning_family *families, size_t count,
                          const tm_terminal *terminal) {
    const place out = {arena, text, terminal};
    const variant_list tunings = {families, count};
    size_t rows = 0;
    for (size_t i = 0; i < model->definition_count; i++)
        for (size_t j = 0; j < model->definitions[i].solution_count; j++)
            rows += is_shown(&tunings, &model->definitions[i].solutions[j]);
    if (rows <= MAX_SOLUTION_ROWS)
        add_solution_table(&out, model, &tunings, rows);
    else
        add_definition_table(&out, model);
    return rows <= MAX_SOLUTION_ROWS;
}
