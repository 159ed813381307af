#include "reports/diff_text.h"

#include <stdlib.h>
#include <string.h>

#include "lib/text.h"
#include "reports/figure.h"
#include "reports/gate_figure.h"
#include "reports/table.h"

/* Why so many cells are AMBIGUOUS is said once, and not under each of them. */
#define MANY 4
/* Of about 40 lines: head and counts take eight. */
#define MAX_SOLUTIONS 8
#define MAX_CELL_LINES 22

typedef struct {
    tm_arena *arena;
    tm_text *text;
    const tm_terminal *terminal;
    const tm_diff *diff;
    const char *const *reasons; /* that have been told */
    bool all;
} page;

static const char *ratio_text(tm_arena *arena, double ratio) {
    if (!(ratio > 0.0))
        return "-";
    return tm_arena_format(arena, ratio < 10.0 ? "%.3f" : "%.1f", ratio);
}

/* Whether it is more than what the gate takes to be relevant. */
static tm_style ratio_style(const page *out, double ratio) {
    double relevant = 1.0 + out->diff->gate->options.threshold;
    return ratio > relevant                         ? TM_STYLE_BAD
           : ratio > 0.0 && ratio * relevant <= 1.0 ? TM_STYLE_GOOD
                                                    : TM_STYLE_PLAIN;
}

static void add_side(page *out, const char *name, const char *path, size_t traces,
                     const char *newest, const char *hardware) {
    const char *line = tm_arena_format(
        out->arena, "%s  %s: %s%s%s%s%s", name, path, tm_figure_count(out->arena, traces, "trace"),
        newest[0] ? ", until " : "", newest, hardware[0] ? ", " : "", hardware);
    tm_text_format(out->text, "%s\n", tm_figure_line(out->arena, line));
}

static void add_head(page *out, const char *after) {
    const tm_gate *gate = out->diff->gate;
    const tm_model *model = gate->model;
    const char *hardware = "";
    for (size_t i = 0; i < gate->baseline->count && hardware[0] == '\0'; i++)
        hardware = gate->baseline->cells[i].trace.hardware;
    add_side(out, "A", gate->baseline->path, gate->baseline->count, gate->baseline->newest,
             hardware);
    size_t missing = model->score.not_run + model->score.broken;
    add_side(out, "B", after, model->score.cells - missing, model->newest,
             model->hardware[0] != NULL ? model->hardware[0] : "");
}

static void add_counts(page *out) {
    const tm_diff *diff = out->diff;
    const char *comma = "";
    tm_text_add(out->text, "\n");
    for (int i = 0; i < TM_GATE_COUNT; i++) {
        if (diff->by_verdict[i] == 0)
            continue;
        const char *count = tm_arena_format(out->arena, "%zu %s", diff->by_verdict[i],
                                            tm_gate_name((tm_gate_verdict)i));
        tm_text_format(out->text, "%s%s", comma,
                       tm_terminal_paint(out->arena, out->terminal,
                                         tm_gate_figure_style((tm_gate_verdict)i), count));
        comma = ", ";
    }
    if (diff->compared == 0) {
        tm_text_add(out->text, "\nno cell has a latency in both\n");
        return;
    }
    const char *mean = ratio_text(out->arena, diff->ratio);
    tm_text_format(
        out->text, "\nlatency B / A: %s, the geometric mean over %s\n",
        tm_terminal_paint(out->arena, out->terminal, ratio_style(out, diff->ratio), mean),
        tm_figure_count(out->arena, diff->compared, "cell"));
}

static int compare_texts(const void *left, const void *right) {
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* The reasons that many AMBIGUOUS cells have, NULL-terminated. */
static const char *const *add_reasons(page *out) {
    const tm_diff *diff = out->diff;
    const char **reasons = tm_arena_array(out->arena, diff->count + 1, sizeof(*reasons));
    size_t count = 0, kept = 0;
    for (size_t i = 0; i < diff->count; i++)
        if (diff->cells[i].verdict == TM_GATE_AMBIGUOUS && diff->cells[i].cell->why[0] != '\0')
            reasons[count++] = diff->cells[i].cell->why;
    if (count > 0)
        qsort(reasons, count, sizeof(*reasons), compare_texts);
    for (size_t begin = 0, end; begin < count; begin = end) {
        const char *reason = reasons[begin];
        for (end = begin; end < count && strcmp(reasons[end], reason) == 0; end++)
            continue;
        if (end - begin < MANY)
            continue;
        tm_text_format(out->text, "AMBIGUOUS: %s: %s\n", tm_figure_line(out->arena, reason),
                       tm_figure_count(out->arena, end - begin, "cell"));
        reasons[kept++] = reason;
    }
    reasons[kept] = NULL;
    return reasons;
}

static void add_more(page *out, size_t count, const char *noun) {
    if (count > 0)
        tm_text_format(
            out->text, "and %s: --all\n",
            tm_figure_count(out->arena, count, tm_arena_format(out->arena, "more %s", noun)));
}

static void add_solutions(page *out) {
    static const tm_table_column columns[] = {{.title = "B / A", .to_the_right = true},
                                              {.title = "cells", .to_the_right = true, .drop = 1},
                                              {.title = "definition", .least = 12},
                                              {.title = "solution", .least = 12}};
    const tm_diff *diff = out->diff;
    size_t shown = out->all || diff->solution_count <= MAX_SOLUTIONS + 1 ? diff->solution_count
                                                                         : MAX_SOLUTIONS;
    if (shown == 0)
        return;
    tm_table *table = tm_table_create(out->arena, columns, 4, shown);
    for (size_t i = 0; i < shown; i++) {
        const tm_diff_solution *solution = &diff->solutions[i];
        const char *const row[] = {ratio_text(out->arena, solution->ratio),
                                   tm_arena_format(out->arena, "%zu", solution->cells),
                                   tm_figure_line(out->arena, solution->definition),
                                   tm_figure_solution(out->arena, solution->solution,
                                                      solution->definition,
                                                      tm_terminal_name_width(out->terminal, 40))};
        tm_table_add(table, row);
        tm_table_style(table, 0, ratio_style(out, solution->ratio));
    }
    tm_text_add(out->text, "\n");
    tm_table_print(table, out->terminal, out->text);
    add_more(out, diff->solution_count - shown, "solution");
}

static const char *note_of(page *out, const tm_diff_cell *cell) {
    if (cell->verdict == TM_GATE_GONE || cell->verdict == TM_GATE_SAME)
        return "";
    for (size_t i = 0; cell->verdict == TM_GATE_AMBIGUOUS && out->reasons[i] != NULL; i++)
        if (strcmp(out->reasons[i], cell->cell->why) == 0)
            return "";
    return tm_figure_line(out->arena, cell->cell->why);
}

static void add_cell(page *out, tm_table *table, const tm_diff_cell *cell, const char *note) {
    const tm_gate_cell *gate = cell->cell;
    const char *const row[] = {
        tm_gate_name(cell->verdict),
        tm_figure_cut(out->arena, tm_gate_figure_before(out->arena, gate),
                      TM_GATE_FIGURE_STATUS_WIDTH),
        tm_figure_cut(out->arena,
                      cell->verdict == TM_GATE_GONE ? "-" : tm_gate_figure_now(out->arena, gate),
                      TM_GATE_FIGURE_STATUS_WIDTH),
        ratio_text(out->arena, cell->ratio),
        tm_gate_figure_interval(out->arena, gate),
        tm_figure_line(out->arena, gate->definition),
        tm_figure_solution(out->arena, gate->solution, gate->definition,
                           tm_terminal_name_width(out->terminal, 40)),
        tm_figure_uuid(out->arena, gate->uuid),
        tm_figure_line(out->arena, gate->axes),
    };
    tm_table_add(table, row);
    tm_table_style(table, 0, tm_gate_figure_style(cell->verdict));
    if (note[0] != '\0')
        tm_table_add_note(table, note);
}

static void add_cells(page *out) {
    static const tm_table_column columns[] = {
        {.title = "verdict"},
        {.title = "A", .to_the_right = true, .least = 9, .drop = 2},
        {.title = "B", .to_the_right = true, .least = 9, .drop = 1},
        {.title = "B / A", .to_the_right = true},
        {.title = "interval", .to_the_right = true, .drop = 4},
        {.title = "definition", .least = 20, .drop = 5},
        {.title = "solution", .least = 16},
        {.title = "uuid"},
        {.title = "axes", .least = 8, .drop = 3}};
    const tm_diff *diff = out->diff;
    size_t lines = 0, shown = 0;
    tm_table *table = tm_table_create(out->arena, columns, 9, 2 * diff->count);
    for (; shown < diff->count && (out->all || lines < MAX_CELL_LINES); shown++) {
        const char *note = note_of(out, &diff->cells[shown]);
        add_cell(out, table, &diff->cells[shown], note);
        lines += note[0] != '\0' ? 2 : 1;
    }
    if (shown == 0)
        return;
    tm_text_add(out->text, "\n");
    tm_table_print(table, out->terminal, out->text);
    add_more(out, diff->count - shown, "cell");
}

const char *tm_diff_text_format(tm_arena *arena, const tm_diff *diff, const char *after, bool all,
                                const tm_terminal *terminal) {
    tm_text text = {0};
    page out = {arena, &text, terminal, diff, NULL, all};
    add_head(&out, after);
    add_counts(&out);
    out.reasons = add_reasons(&out);
    add_solutions(&out);
    add_cells(&out);
    const char *result = tm_arena_copy(arena, tm_text_get(&text), text.length);
    tm_text_free(&text);
    return result;
}
