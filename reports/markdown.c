#include "reports/markdown.h"

#include <string.h>

#include "lib/text.h"
#include "reports/compile_time.h"
#include "reports/doubt.h"
#include "reports/figure.h"
#include "reports/group.h"
#include "reports/score.h"
#include "reports/tuning.h"

/* Letters, digits and bytes of longer characters: an underscore between two of them is harmless. */
static bool is_word(char byte) {
    return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= 'a' && byte <= 'z') || ((unsigned char)byte & 0x80) != 0;
}

/* Text that may stand in a table cell: one line, nothing of it markup. */
static void add_escaped(tm_arena *arena, tm_text *text, const char *raw) {
    const char *line = tm_figure_line(arena, raw);
    for (const char *byte = line; *byte != '\0'; byte++) {
        bool inside_word = byte > line && is_word(byte[-1]) && is_word(byte[1]);
        if (*byte == '&')
            tm_text_add(text, "&amp;");
        else if (*byte == '<')
            tm_text_add(text, "&lt;");
        else if (*byte == '>')
            tm_text_add(text, "&gt;");
        else if (strchr("\\`*[]|~#$!", *byte) != NULL || (*byte == '_' && !inside_word))
            tm_text_format(text, "\\%c", *byte);
        else
            tm_text_add_bytes(text, byte, 1);
    }
}

static const char *escape(tm_arena *arena, const char *raw) {
    tm_text text = {0};
    add_escaped(arena, &text, raw);
    const char *result = tm_arena_copy(arena, tm_text_get(&text), text.length);
    tm_text_free(&text);
    return result;
}

const char *tm_markdown_escape(tm_arena *arena, const char *raw) {
    return escape(arena, raw);
}

static void add_strings(tm_arena *arena, tm_text *text, const char *title,
                        const char *const *strings) {
    if (strings == NULL || strings[0] == NULL)
        return;
    tm_text_format(text, "- %s: ", title);
    for (size_t i = 0; strings[i] != NULL; i++)
        tm_text_format(text, "%s%s", i > 0 ? ", " : "", escape(arena, strings[i]));
    tm_text_add(text, "\n");
}

static void add_overview(tm_arena *arena, tm_text *text, const tm_model *model) {
    const tm_score *score = &model->score;
    tm_text_add(text, "# tracemill report\n\n");
    tm_text_format(text, "- backend: %s\n", escape(arena, model->backend));
    add_strings(arena, text, "hardware", model->hardware);
    add_strings(arena, text, "arch", model->arch);
    if (model->newest[0] != '\0')
        tm_text_format(text, "- newest trace: %s\n", escape(arena, model->newest));
    tm_text_add(text, "\n| cells | passed | failed | void | not run | broken traces |\n"
                      "|--:|--:|--:|--:|--:|--:|\n");
    tm_text_format(text, "| %zu | %zu | %zu | %zu | %zu | %zu |\n", score->cells,
                   score->by_status[TM_STATUS_PASSED], tm_score_failed(score),
                   score->by_status[TM_STATUS_VOID], score->not_run, score->broken);
    size_t count;
    const tm_group_need *needs = tm_group_needs(arena, model, &count);
    for (size_t i = 0; i < count; i++)
        tm_text_format(text, "%s%s: %s of %s, not among the cells above.\n", i ? "" : "\n",
                       escape(arena, needs[i].name), tm_figure_count(arena, needs[i].cells, "cell"),
                       tm_figure_count(arena, needs[i].solutions, "solution"));
    const char *measuring = tm_doubt_measuring(arena, score);
    if (measuring != NULL)
        tm_text_format(text, "\nMeasuring: %s.\n", measuring);
}

/* ---- scores ---- */

static void add_score_row(tm_arena *arena, tm_text *text, const tm_model_definition *definition,
                          const tm_model_solution *solution) {
    const tm_score *score = &solution->score;
    if (solution->needs != NULL) {
        tm_text_format(text, "| %s | %s | %s | %s | - | - | - | - | - | - |\n",
                       escape(arena, definition->name), escape(arena, solution->name),
                       escape(arena, solution->author), escape(arena, solution->needs));
        return;
    }
    bool is_best = definition->best == solution;
    const char *mark = is_best ? "**" : "";
    tm_text_format(text, "| %s | %s%s%s | %s | ", escape(arena, definition->name), mark,
                   escape(arena, solution->name), mark, escape(arena, solution->author));
    tm_text_format(text, "%zu/%zu | %s | ", score->by_status[TM_STATUS_PASSED],
                   score->cells - score->by_status[TM_STATUS_VOID],
                   tm_figure_latency_range(arena, score->min_latency_ms, score->max_latency_ms));
    bool comparable = tm_score_failed(score) == 0 && score->broken == 0 && score->compared > 0;
    if (comparable)
        tm_text_format(text, "%s | %s | %s .. %s | ",
                       tm_figure_speedup(arena, tm_score_speedup(score)),
                       tm_figure_speedup(arena, tm_score_mean_speedup(score)),
                       tm_figure_speedup(arena, score->min_speedup),
                       tm_figure_speedup(arena, score->max_speedup));
    else
        tm_text_add(text, "- | - | - | ");
    tm_text_format(text, "%s | %s |\n", tm_figure_percent(arena, score->max_percent),
                   tm_figure_percent(arena, tm_score_mean_percent(score)));
}

static void add_scores(tm_arena *arena, tm_text *text, const tm_model *model) {
    if (model->score.cells + model->score.waiting == 0)
        return;
    tm_text_add(text,
                "\n## Scores\n\n"
                "Speedup is the reference's latency over the solution's; a solution with a "
                "failed cell has none. The limit is what the device's own speed "
                "allows for a row's bytes and operations. **Bold** is the best of its definition: "
                "every cell "
                "passed, highest geometric mean.\n\n"
                "| definition | solution | author | passed | latency | speedup (geometric "
                "mean) | arithmetic mean | range | of the limit, best row | geometric mean |\n"
                "|---|---|---|--:|--:|--:|--:|--:|--:|--:|\n");
    for (size_t i = 0; i < model->definition_count; i++)
        for (size_t j = 0; j < model->definitions[i].solution_count; j++)
            add_score_row(arena, text, &model->definitions[i], &model->definitions[i].solutions[j]);
}

/* ---- variants ---- */

/* A row for each variant, over all definitions. */
static void add_family_rows(tm_arena *arena, tm_text *text, const tm_tuning_family *family) {
    tm_text_add(text,
                "| variant | passed | speedup (geometric mean) | best of |\n|---|--:|--:|--:|\n");
    for (size_t i = 0; i < family->row_count; i++) {
        const tm_tuning_row *row = &family->rows[i];
        const char *mark = row == family->best ? "**" : "";
        bool comparable = tm_score_failed(&row->score) == 0 && row->score.broken == 0;
        tm_text_format(text, "| %s%s%s | %zu/%zu | %s | %zu of %s |\n", mark,
                       escape(arena, tm_tuning_values(arena, row->example)), mark,
                       row->score.by_status[TM_STATUS_PASSED],
                       row->score.cells - row->score.by_status[TM_STATUS_VOID],
                       comparable ? tm_figure_speedup(arena, tm_score_speedup(&row->score)) : "-",
                       row->best_of, tm_figure_count(arena, row->definitions, "definition"));
    }
}

/* A row for each workload: the fastest variant there, beside the best over the definition. */
static void add_tuning_rows(tm_arena *arena, tm_text *text, const tm_tuning *tuning) {
    for (size_t i = 0; i < tuning->definition->workload_count; i++) {
        int fastest = tm_tuning_fastest(tuning, i);
        tm_text_format(text, "| %s | %s | ", escape(arena, tuning->definition->name),
                       escape(arena, tm_figure_workload(arena, &tuning->definition->workloads[i])));
        if (fastest < 0) {
            tm_text_add(text, "- | - | - | - |\n");
            continue;
        }
        const tm_model_solution *variant = tuning->variants[fastest];
        const tm_trace *trace = &variant->cells[i].trace;
        tm_text_format(text, "%s | %s | %s | ", escape(arena, tm_tuning_values(arena, variant)),
                       tm_figure_latency(arena, trace->latency_ms),
                       tm_figure_speedup(arena, trace->speedup_factor));
        tm_text_format(text, "%s |\n",
                       tuning->best == NULL
                           ? "-"
                           : tm_figure_latency(arena, tuning->best->cells[i].trace.latency_ms));
    }
}

static void add_variants(tm_arena *arena, tm_text *text, const tm_model *model) {
    size_t count;
    const tm_tuning_family *families = tm_tuning_find(arena, model, &count);
    if (count > 0)
        tm_text_add(text,
                    "\n## Variants\n\n**Bold** passed every cell of every definition with the "
                    "highest geometric mean. Below, the fastest variant on each workload, "
                    "beside the one with the best geometric mean over its definition.\n");
    for (size_t i = 0; i < count; i++) {
        tm_text_format(text, "\n### %s\n\n", escape(arena, families[i].name));
        add_family_rows(arena, text, &families[i]);
        tm_text_add(text, "\n| definition | workload | fastest | latency | speedup | best of the "
                          "definition |\n|---|---|---|--:|--:|--:|\n");
        for (size_t j = 0; j < families[i].tuning_count; j++)
            add_tuning_rows(arena, text, &families[i].tunings[j]);
    }
}

/* ---- failures and gaps ---- */

static void add_group_title(tm_arena *arena, tm_text *text, const tm_group *group) {
    tm_text_add(text, escape(arena, group->definition->name));
    if (group->solution != NULL)
        tm_text_format(text, " × %s", escape(arena, group->solution->name));
}

/* Commands stand in indented blocks: nothing in there is markup. */
static void add_code(tm_arena *arena, tm_text *text, const char *line) {
    tm_text_format(text, "      %s\n", tm_figure_line(arena, line));
}

static void add_failures(tm_arena *arena, tm_text *text, const tm_model *model, const char *build) {
    size_t count;
    const tm_group *groups = tm_group_failures(arena, model, &count);
    if (count == 0)
        return;
    tm_text_add(text, "\n## Failures\n");
    if (strcmp(build, ".") != 0)
        tm_text_format(text, "\nPaths are relative to %s.\n", escape(arena, build));
    for (size_t i = 0; i < count; i++) {
        tm_text_format(text, "\n### %s: ", tm_figure_status(groups[i].cells[0].cell));
        add_group_title(arena, text, &groups[i]);
        tm_text_add(text, "\n\n");
        for (size_t j = 0; j < groups[i].count; j++) {
            const tm_model_cell *cell = groups[i].cells[j].cell;
            const char *workload = tm_figure_workload(arena, groups[i].cells[j].workload);
            tm_text_format(text, "- %s: %s\n\n", escape(arena, workload),
                           escape(arena, cell->reason));
            add_code(arena, text, cell->log_path != NULL ? cell->log_path : cell->trace_path);
            if (cell->state == TM_MODEL_RAN)
                add_code(arena, text, cell->command);
            tm_text_add(text, "\n");
        }
    }
}

/* What would pass in place of one output. */
static void add_weak_output(tm_arena *arena, tm_text *text, const tm_node *output) {
    const tm_node *name = tm_node_get(output, "output"), *passes = tm_node_get(output, "passes");
    const tm_node *scale = tm_node_get(output, "scale");
    tm_text_format(
        text, "; %s:", escape(arena, name != NULL && name->string != NULL ? name->string : "?"));
    const char *separator = " ";
    for (const tm_node *one = passes != NULL ? passes->child : NULL; one != NULL; one = one->next) {
        if (one->type == TM_NODE_STRING)
            tm_text_format(text, "%s%s", separator, escape(arena, one->string));
        separator = ", ";
    }
    if (scale != NULL && scale->type == TM_NODE_NUMBER)
        tm_text_format(text, " (up to x %g)", 1 + scale->number);
}

static void add_weak(tm_arena *arena, tm_text *text, const tm_model *model) {
    bool any = false;
    for (size_t i = 0; i < model->definition_count; i++)
        for (size_t j = 0; j < model->definitions[i].workload_count; j++) {
            const tm_model_workload *workload = &model->definitions[i].workloads[j];
            if (workload->weak == NULL)
                continue;
            if (!any)
                tm_text_add(text, "\n## Weak workloads\n\nA wrong answer in place of the named "
                                  "output would pass there, and so does the right one times the "
                                  "factor in brackets. Compare relative L2 errors, or set "
                                  "max_relative_l2.\n\n");
            any = true;
            tm_text_format(text, "- %s: %s", escape(arena, model->definitions[i].name),
                           escape(arena, tm_figure_workload(arena, workload)));
            for (const tm_node *output = workload->weak->child; output; output = output->next)
                add_weak_output(arena, text, output);
            tm_text_add(text, "\n");
        }
}

static void add_gaps(tm_arena *arena, tm_text *text, const char *title, const tm_group *groups,
                     size_t count) {
    if (count == 0)
        return;
    tm_text_format(text, "\n## %s\n\n", title);
    for (size_t i = 0; i < count; i++) {
        tm_text_add(text, "- ");
        add_group_title(arena, text, &groups[i]);
        for (size_t j = 0; j < groups[i].count; j++) {
            const char *workload = tm_figure_workload(arena, groups[i].cells[j].workload);
            tm_text_format(text, "%s %s", j > 0 ? "," : ":", escape(arena, workload));
        }
        tm_text_add(text, "\n");
    }
}

static void add_doubts(tm_arena *arena, tm_text *text, const tm_model *model) {
    for (int i = 0; i < TM_DOUBT_COUNT; i++) {
        const char *title = tm_arena_format(arena, "%s: %s", tm_doubt_name((tm_doubt)i),
                                            tm_doubt_advice(arena, (tm_doubt)i, &model->score));
        size_t count;
        const tm_group *groups = tm_group_doubted(arena, model, (tm_doubt)i, &count);
        if (tm_doubt_is_grave((tm_doubt)i))
            add_gaps(arena, text, title, groups, count);
        else if (count > 0)
            tm_text_format(text, "\n## %s\n\n%s; the tables below say which.\n", title,
                           tm_figure_count(arena, model->score.doubts[i], "cell"));
    }
}

static void add_reasons(tm_arena *arena, tm_text *text, const tm_group_reason *reasons,
                        size_t count, const char *kind) {
    for (size_t i = 0; i < count; i++) {
        const tm_group_reason *reason = &reasons[i];
        bool can_add = strcmp(reason->reason, "no native reference") == 0;
        tm_text_format(text, "- %s%s: %s", escape(arena, reason->reason),
                       can_add ? " (add one as CONTRIBUTING.md says)" : "",
                       escape(arena, tm_figure_count(arena, reason->count,
                                                     kind != NULL ? kind : reason->kind)));
        for (size_t j = 0; j < reason->count; j++)
            tm_text_format(text, "%s %s", j > 0 ? "," : ":",
                           escape(arena, reason->entries[j].name));
        tm_text_add(text, "\n");
    }
}

static void add_waiting(tm_arena *arena, tm_text *text, const tm_model *model) {
    size_t count;
    const tm_group_need *needs = tm_group_needs(arena, model, &count);
    for (size_t i = 0; i < count; i++) {
        tm_text_format(text, "\n## %s: %s that cannot run here\n\n", escape(arena, needs[i].name),
                       tm_figure_count(arena, needs[i].cells, "cell"));
        add_reasons(arena, text, needs[i].reasons, needs[i].reason_count, "solution");
    }
}

static void add_not_planned(tm_arena *arena, tm_text *text, const tm_model *model) {
    size_t count;
    const tm_group_reason *reasons = tm_group_not_planned(arena, model, &count);
    if (count > 0)
        tm_text_add(text, "\n## Not planned\n\n");
    add_reasons(arena, text, reasons, count, NULL);
    if (model->dataset_errors > 0)
        tm_text_format(text, "\n## Dataset\n\n%s; run `ninja check`.\n",
                       tm_figure_count(arena, (size_t)model->dataset_errors, "error"));
    const char *const *lines = model->dataset_diagnostics;
    if (model->dataset_errors > 0 && lines != NULL && lines[0] != NULL)
        tm_text_add(text, "\n");
    for (; model->dataset_errors > 0 && lines != NULL && *lines != NULL; lines++)
        tm_text_format(text, "- %s\n", escape(arena, *lines));
}

/* ---- cells ---- */

static void add_cell_row(tm_arena *arena, tm_text *text, const tm_model_workload *workload,
                         const tm_model_solution *solution, const tm_model_cell *cell) {
    const tm_trace *trace = &cell->trace;
    const char *name = tm_figure_workload(arena, workload);
    tm_text_format(text, "| %s | %s | %s | ", escape(arena, name), escape(arena, solution->name),
                   tm_figure_status(cell));
    if (cell->state == TM_MODEL_RAN && trace->has_performance)
        tm_text_format(text, "%s | %s | %s | %s | ", tm_figure_latency(arena, trace->latency_ms),
                       tm_figure_latency(arena, trace->reference_latency_ms),
                       tm_figure_speedup(arena, trace->speedup_factor),
                       tm_figure_percent(arena, tm_score_percent(cell)));
    else
        tm_text_add(text, "- | - | - | - | ");
    if (cell->state == TM_MODEL_RAN && trace->has_correctness)
        tm_text_format(text, "%s | %s | ", tm_figure_error(arena, trace->max_absolute_error),
                       tm_figure_error(arena, trace->max_relative_error));
    else
        tm_text_add(text, "- | - | ");
    tm_text_format(text, "%s |\n", escape(arena, tm_doubt_flags(arena, cell)));
}

static void add_cells(tm_arena *arena, tm_text *text, const tm_model_definition *definition) {
    tm_text_format(text, "\n### %s\n\n", escape(arena, definition->name));
    tm_text_add(text, "| workload | solution | status | latency | reference | speedup | of the "
                      "limit | max abs error | max rel error | flags |\n"
                      "|---|---|---|--:|--:|--:|--:|--:|--:|---|\n");
    for (size_t i = 0; i < definition->workload_count; i++)
        for (size_t j = 0; j < definition->solution_count; j++)
            add_cell_row(arena, text, &definition->workloads[i], &definition->solutions[j],
                         &definition->solutions[j].cells[i]);
}

const char *tm_markdown_format(tm_arena *arena, const tm_model *model, const char *build) {
    tm_text text = {0};
    add_overview(arena, &text, model);
    add_scores(arena, &text, model);
    add_variants(arena, &text, model);
    add_failures(arena, &text, model, build);
    add_doubts(arena, &text, model);
    size_t count;
    const tm_group *groups = tm_group_not_run(arena, model, &count);
    add_gaps(arena, &text, "Not run", groups, count);
    groups = tm_group_void(arena, model, &count);
    add_gaps(arena, &text, "Void: every output is empty", groups, count);
    add_weak(arena, &text, model);
    add_waiting(arena, &text, model);
    add_not_planned(arena, &text, model);
    tm_compile_time_add(arena, &text, model);
    if (model->score.cells + model->score.waiting > 0)
        tm_text_add(&text, "\n## Cells\n");
    for (size_t i = 0; i < model->definition_count; i++)
        if (model->definitions[i].score.cells + model->definitions[i].score.waiting > 0)
            add_cells(arena, &text, &model->definitions[i]);
    const char *result = tm_arena_copy(arena, tm_text_get(&text), text.length);
    tm_text_free(&text);
    return result;
}
