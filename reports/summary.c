#include "reports/summary.h"

#include <string.h>

#include "lib/text.h"
#include "reports/doubt.h"
#include "reports/figure.h"
#include "reports/group.h"
#include "reports/score.h"
#include "reports/summary_table.h"
#include "reports/tuning.h"

#define MAX_FAILURES 20
#define MAX_LINES 10 /* of the sections that only list */

typedef struct {
    const tm_tuning_family *families;
    size_t count;
} variant_list;

/* What the text is written into. */
typedef struct {
    tm_arena *arena;
    tm_text *text;
    const tm_terminal *terminal;
} page;

static const char *paint(page *out, tm_style style, const char *text) {
    return tm_terminal_paint(out->arena, out->terminal, style, text);
}

/* A section's title in its style, and what it says of it; on as many lines as that takes. */
static void add_title(page *out, tm_style style, const char *title, const char *rest) {
    const char *whole = tm_arena_format(out->arena, "%s  %s", title, rest);
    const char *lines = tm_figure_wrap(out->arena, whole, out->terminal->width, 2);
    tm_text_format(out->text, "%s%s\n", paint(out, style, title), lines + strlen(title));
}

static void add_prose(page *out, const char *text) {
    tm_text_format(
        out->text, "%s\n",
        tm_figure_wrap(out->arena, tm_figure_line(out->arena, text), out->terminal->width, 2));
}

/* `head`, as many of the names as fit into the width, and `tail`. */
static void add_list(page *out, const char *head, const char *const *names, size_t count,
                     const char *tail) {
    size_t used = tm_figure_width(head) + tm_figure_width(tail);
    tm_text_add(out->text, head);
    for (size_t i = 0; i < count; i++) {
        const char *rest =
            i + 1 < count ? tm_arena_format(out->arena, " and %zu more", count - i - 1) : "";
        size_t room = out->terminal->width > used + tm_figure_width(rest) + 4
                          ? out->terminal->width - used - tm_figure_width(rest)
                          : 4;
        const char *name = tm_figure_line(out->arena, names[i]);
        const char *comma = i > 0 ? ", " : "";
        if (i > 0 && strlen(comma) + tm_figure_width(name) > room) {
            tm_text_format(out->text, " and %zu more", count - i);
            break;
        }
        name = tm_figure_cut(out->arena, name, room);
        tm_text_format(out->text, "%s%s", comma, name);
        used += strlen(comma) + tm_figure_width(name);
    }
    tm_text_format(out->text, "%s\n", tail);
}

/* What is to be copied, on one line. */
static void add_whole(page *out, const char *label, const char *raw) {
    tm_text_format(out->text, "%s%s\n", label, tm_figure_line(out->arena, raw));
}

/* A line in at most three, indented as the text of a failure. */
static void add_wrapped(page *out, const char *raw) {
    const char *rest = tm_figure_line(out->arena, raw);
    const char *indent = "    ";
    for (int i = 0; i < 3; i++, indent = "      ") {
        size_t room = out->terminal->width - strlen(indent);
        size_t fitting = tm_figure_break(rest, room);
        if (i == 2 || rest[fitting] == '\0') {
            tm_text_format(out->text, "%s%s\n", indent, tm_figure_cut(out->arena, rest, room));
            return;
        }
        tm_text_format(out->text, "%s%.*s\n", indent, (int)fitting, rest);
        rest += fitting;
        rest += strspn(rest, " ");
    }
}

static void add_count(page *out, size_t count, const char *what, tm_style style) {
    if (count > 0)
        tm_text_format(out->text, ", %s",
                       paint(out, style, tm_arena_format(out->arena, "%zu %s", count, what)));
}

static void add_header(page *out, const tm_model *model) {
    const char *where = tm_figure_line(out->arena, model->backend);
    if (model->hardware[0] != NULL)
        where = tm_arena_format(out->arena, "%s%s%s%s", where, where[0] != '\0' ? ", " : "",
                                tm_figure_line(out->arena, model->hardware[0]),
                                model->hardware[1] != NULL ? " and others" : "");
    size_t definitions = 0;
    for (size_t i = 0; i < model->definition_count; i++)
        definitions += model->definitions[i].score.cells > 0;
    const tm_score *score = &model->score;
    const char *line =
        tm_arena_format(out->arena, "tracemill: %s over %s on %s",
                        tm_figure_count(out->arena, score->cells, "cell"),
                        tm_figure_count(out->arena, definitions, "definition"), where);
    tm_text_format(out->text, "%s\n", tm_figure_cut(out->arena, line, out->terminal->width));
    size_t passed = score->by_status[TM_STATUS_PASSED];
    tm_text_add(out->text, paint(out, passed > 0 ? TM_STYLE_GOOD : TM_STYLE_PLAIN,
                                 tm_arena_format(out->arena, "%zu passed", passed)));
    add_count(out, tm_score_failed(score), "failed", TM_STYLE_BAD);
    add_count(out, score->by_status[TM_STATUS_VOID], "void", TM_STYLE_DOUBTFUL);
    add_count(out, score->not_run, "not run", TM_STYLE_DOUBTFUL);
    add_count(out, score->broken, score->broken == 1 ? "broken trace" : "broken traces",
              TM_STYLE_BAD);
    size_t count;
    const tm_group_need *needs = tm_group_needs(out->arena, model, &count);
    for (size_t i = 0; i < count; i++)
        add_count(out, needs[i].cells, needs[i].name, TM_STYLE_DOUBTFUL);
    tm_text_add(out->text, "\n");
}

/* ---- the table ---- */

static void add_table(page *out, const tm_model *model, const variant_list *tunings) {
    tm_text_add(out->text, "\n");
    if (model->score.cells + model->score.waiting == 0) {
        add_prose(out, "Nothing was planned: no definition has a reference, a solution and a "
                       "workload.");
        return;
    }
    bool is_of_solutions = tm_summary_table_add(out->arena, out->text, model, tunings->families,
                                                tunings->count, out->terminal);
    tm_text_add(out->text, "\n");
    add_prose(out, is_of_solutions ? "* best of its definition: every cell passed, highest speedup"
                                   : "best: every cell passed, highest speedup; name_* ends in the "
                                     "definition's name");
    add_prose(out, "latency: over the workloads; speedup over the reference: geometric mean");
    add_prose(out, "limit: of what the device allows, at the best workload");
    const char *measuring = tm_doubt_measuring(out->arena, &model->score);
    if (measuring != NULL)
        add_prose(out, tm_arena_format(out->arena, "measuring: %s", measuring));
}

/* ---- variants ---- */

/* "4 variants, 0.92x .. 1.31x": those that passed everywhere. */
static const char *spread_text(tm_arena *arena, const tm_tuning_family *family) {
    double least = 0.0, most = 0.0;
    size_t failed = 0;
    for (size_t i = 0; i < family->row_count; i++) {
        const tm_score *score = &family->rows[i].score;
        double speedup = tm_score_complete(score) ? tm_score_speedup(score) : 0.0;
        failed += tm_score_failed(score) + score->broken > 0;
        if (speedup > 0.0 && (least == 0.0 || speedup < least))
            least = speedup;
        most = speedup > most ? speedup : most;
    }
    const char *text = tm_figure_count(arena, family->row_count, "variant");
    if (failed > 0)
        text = tm_arena_format(arena, "%s, %zu failed", text, failed);
    if (most > least)
        text = tm_arena_format(arena, "%s, %s .. %s", text, tm_figure_speedup(arena, least),
                               tm_figure_speedup(arena, most));
    return text;
}

static void add_family(page *out, const tm_tuning_family *family) {
    size_t width = out->terminal->width;
    const char *name =
        tm_figure_cut(out->arena, tm_figure_line(out->arena, family->name), width * 2 / 5);
    const char *best = "none passed every cell";
    if (family->best != NULL)
        best = tm_figure_line(out->arena, tm_tuning_values(out->arena, family->best->example));
    const char *where =
        family->best == NULL ? ""
        : family->tuning_count == 1
            ? tm_arena_format(out->arena, ", %s",
                              tm_figure_speedup(out->arena, tm_score_speedup(&family->best->score)))
            : tm_arena_format(out->arena, ", %s over %s, best of %zu",
                              tm_figure_speedup(out->arena, tm_score_speedup(&family->best->score)),
                              tm_figure_count(out->arena, family->tuning_count, "definition"),
                              family->best->best_of);
    tm_text_format(out->text, "  %s: %s\n    %s\n", name,
                   tm_figure_cut(out->arena, tm_arena_format(out->arena, "%s%s", best, where),
                                 width - 4 - tm_figure_width(name)),
                   spread_text(out->arena, family));
}

static void add_variants(page *out, const variant_list *tunings) {
    if (tunings->count == 0)
        return;
    tm_text_add(out->text, "\n");
    add_title(out, TM_STYLE_STRONG, "VARIANTS",
              "the best of each, which is the one in the table; by workload in report.md");
    for (size_t i = 0; i < tunings->count && i < MAX_LINES; i++)
        add_family(out, &tunings->families[i]);
    if (tunings->count > MAX_LINES)
        tm_text_format(out->text, "  and %s in report.md\n",
                       tm_figure_count(out->arena, tunings->count - MAX_LINES, "more family"));
}

/* ---- failures ---- */

static void add_group(page *out, const tm_group *group) {
    const tm_model_cell *first = group->cells[0].cell;
    const char *status = tm_figure_status(first);
    const char *head = tm_arena_format(
        out->arena, "%s / %s", tm_figure_line(out->arena, group->definition->name),
        tm_figure_solution(out->arena, group->solution->name, group->definition->name, 46));
    const char *tail = group->count == 1
                           ? ""
                           : tm_arena_format(out->arena, ", %zu of %zu workloads", group->count,
                                             group->definition->workload_count);
    size_t taken = strlen("    ") + tm_figure_width(status) + tm_figure_width(tail);
    size_t room = out->terminal->width > taken + 4 ? out->terminal->width - taken : 4;
    tm_text_format(out->text, "\n  %s  %s%s\n", paint(out, TM_STYLE_BAD, status),
                   tm_figure_cut(out->arena, head, room), tail);
    const char *workload = tm_figure_workload(out->arena, group->cells[0].workload);
    const char *reason = first->reason[0] != '\0' ? first->reason : "the trace gives no reason";
    add_wrapped(out, tm_arena_format(out->arena, "%s: %s", workload, reason));
    if (group->count > 1) {
        const char **others = tm_arena_array(out->arena, group->count, sizeof(*others));
        for (size_t i = 1; i < group->count; i++)
            others[i - 1] = tm_figure_workload(out->arena, group->cells[i].workload);
        add_list(out, "    also ", others, group->count - 1, "");
    }
    if (first->log_path != NULL)
        add_whole(out, "    log  ", first->log_path);
    else
        add_whole(out, "    see  ", first->trace_path);
    if (first->state == TM_MODEL_RAN && first->command != NULL)
        add_whole(out, "    run  ", first->command);
    else if (first->state != TM_MODEL_RAN)
        tm_text_add(out->text, "    fix  delete it, then `ninja bench`\n");
}

static void add_failures(page *out, const tm_model *model, const char *build) {
    size_t count;
    const tm_group *groups = tm_group_failures(out->arena, model, &count);
    if (count == 0)
        return;
    size_t broken = model->score.broken, more = tm_score_failed(&model->score) + broken;
    for (size_t i = 0; i < count && i < MAX_FAILURES; i++)
        more -= groups[i].count;
    tm_text_format(out->text, "\n%s  %s", paint(out, TM_STYLE_BAD, "FAILED"),
                   tm_figure_count(out->arena, tm_score_failed(&model->score), "cell"));
    if (broken > 0)
        tm_text_format(out->text, " and %s", tm_figure_count(out->arena, broken, "broken trace"));
    if (strcmp(build, ".") != 0)
        tm_text_format(out->text, "; paths are relative to %s", tm_figure_line(out->arena, build));
    tm_text_add(out->text, "\n");
    for (size_t i = 0; i < count && i < MAX_FAILURES; i++)
        add_group(out, &groups[i]);
    if (more > 0)
        tm_text_format(out->text, "\n  and %s in report.md\n",
                       tm_figure_count(out->arena, more, "more cell"));
}

/* ---- what is nobody's failure ---- */

static const char *group_name(tm_arena *arena, const tm_group *group) {
    if (group->solution != NULL)
        return tm_figure_line(arena, group->solution->name);
    return tm_figure_line(arena, group->definition->name);
}

/* One section that lists groups of cells which are nobody's fault. */
static void add_quiet_groups(page *out, const tm_group *groups, size_t count, size_t cells,
                             const char *title, const char *advice) {
    if (count == 0)
        return;
    tm_text_add(out->text, "\n");
    add_title(
        out, TM_STYLE_DOUBTFUL, title,
        tm_arena_format(out->arena, "%s; %s", tm_figure_count(out->arena, cells, "cell"), advice));
    for (size_t i = 0; i < count && i < MAX_LINES; i++) {
        const tm_group *group = &groups[i];
        const char *name = tm_figure_cut(out->arena, group_name(out->arena, group), 46);
        const char **names = tm_arena_array(out->arena, group->count, sizeof(*names));
        for (size_t j = 0; j < group->count; j++)
            names[j] = tm_figure_workload(out->arena, group->cells[j].workload);
        if (group->count == group->definition->workload_count)
            tm_text_format(out->text, "  %s: all %s\n", name,
                           tm_figure_count(out->arena, group->count, "workload"));
        else
            add_list(out, tm_arena_format(out->arena, "  %s: ", name), names, group->count, "");
        const tm_model_cell *first = group->cells[0].cell;
        if (group->solution == NULL && first != NULL && first->reason[0] != '\0')
            add_wrapped(out, first->reason);
    }
    if (count > MAX_LINES)
        tm_text_format(out->text, "  and %s in report.md\n",
                       tm_figure_count(out->arena, count - MAX_LINES, "more line"));
}

/* ---- doubts ---- */

/* What only needs to be known, a line each. */
static void add_noise(page *out, const tm_model *model) {
    const char *separator = "\n";
    for (int i = 0; i < TM_DOUBT_COUNT; i++) {
        if (tm_doubt_is_grave((tm_doubt)i) || model->score.doubts[i] == 0)
            continue;
        tm_text_add(out->text, separator);
        add_title(out, TM_STYLE_DOUBTFUL, tm_doubt_name((tm_doubt)i),
                  tm_arena_format(out->arena, "%s; %s",
                                  tm_figure_count(out->arena, model->score.doubts[i], "cell"),
                                  tm_doubt_advice(out->arena, (tm_doubt)i, &model->score)));
        separator = "";
    }
}

static void add_doubts(page *out, const tm_model *model) {
    for (int i = 0; i < TM_DOUBT_COUNT; i++) {
        if (!tm_doubt_is_grave((tm_doubt)i))
            continue;
        size_t count;
        const tm_group *groups = tm_group_doubted(out->arena, model, (tm_doubt)i, &count);
        add_quiet_groups(out, groups, count, model->score.doubts[i], tm_doubt_name((tm_doubt)i),
                         tm_doubt_advice(out->arena, (tm_doubt)i, &model->score));
    }
    add_noise(out, model);
}

/* ---- gaps ---- */

static void add_missing(page *out, const tm_model *model) {
    size_t count;
    const tm_group *groups = tm_group_not_run(out->arena, model, &count);
    bool is_planned = count == 0 || groups[0].cells[0].cell->trace_path != NULL;
    add_quiet_groups(out, groups, count, model->score.not_run, "NOT RUN",
                     is_planned ? "run `ninja bench`" : "others have traces of these workloads");
    groups = tm_group_void(out->arena, model, &count);
    add_quiet_groups(out, groups, count, model->score.by_status[TM_STATUS_VOID], "VOID",
                     "nothing that a solution did, and no verdict");
}

static void add_reasons(page *out, const tm_group_reason *reasons, size_t count, const char *kind) {
    size_t width = out->terminal->width >= 80 ? out->terminal->width / 2 : 24;
    for (size_t i = 0; i < count; i++) {
        const tm_group_reason *reason = &reasons[i];
        const char *text_line =
            tm_figure_cut(out->arena, tm_figure_line(out->arena, reason->reason), width);
        const char *head = tm_arena_format(
            out->arena, "  %s: %s (", text_line,
            tm_figure_count(out->arena, reason->count, kind != NULL ? kind : reason->kind));
        const char **names = tm_arena_array(out->arena, reason->count, sizeof(*names));
        for (size_t j = 0; j < reason->count; j++)
            names[j] = strcmp(reason->kind, "workload") == 0
                           ? tm_figure_uuid(out->arena, reason->entries[j].name)
                           : reason->entries[j].name;
        bool can_add = strcmp(reason->reason, "no native reference") == 0;
        add_list(out, head, names, reason->count, ")");
        if (can_add)
            tm_text_add(out->text, "    add one as CONTRIBUTING.md says\n");
    }
}

/* What has no trace, and no verdict, for want of something. */
static void add_waiting(page *out, const tm_model *model) {
    size_t count;
    const tm_group_need *needs = tm_group_needs(out->arena, model, &count);
    for (size_t i = 0; i < count; i++) {
        tm_text_format(out->text, "\n%s  %s that cannot run here\n",
                       paint(out, TM_STYLE_DOUBTFUL, needs[i].name),
                       tm_figure_count(out->arena, needs[i].cells, "cell"));
        add_reasons(out, needs[i].reasons, needs[i].reason_count, "solution");
    }
}

static void add_not_planned(page *out, const tm_model *model) {
    size_t count;
    const tm_group_reason *reasons = tm_group_not_planned(out->arena, model, &count);
    if (count > 0)
        tm_text_format(out->text, "\n%s\n", paint(out, TM_STYLE_DOUBTFUL, "NOT PLANNED"));
    add_reasons(out, reasons, count, NULL);
}

/* Rows that show little, whoever passes them. */
static void add_weak(page *out, const tm_model *model) {
    size_t weak = 0, all = 0;
    for (size_t i = 0; i < model->definition_count; i++)
        for (size_t j = 0; j < model->definitions[i].workload_count; j++, all++)
            weak += model->definitions[i].workloads[j].weak != NULL;
    if (weak == 0)
        return;
    tm_text_add(out->text, "\n");
    add_title(out, TM_STYLE_DOUBTFUL, "WEAK",
              tm_arena_format(out->arena,
                              "%zu of %s would let a plainly wrong answer pass; see report.md",
                              weak, tm_figure_count(out->arena, all, "workload")));
}

const char *tm_summary_format(tm_arena *arena, const tm_model *model, const char *build,
                              const char *report_path, const tm_terminal *terminal) {
    tm_text text = {0};
    page out = {arena, &text, terminal};
    add_header(&out, model);
    variant_list tunings = {0};
    tunings.families = tm_tuning_find(arena, model, &tunings.count);
    add_table(&out, model, &tunings);
    add_variants(&out, &tunings);
    add_failures(&out, model, build);
    add_weak(&out, model);
    add_doubts(&out, model);
    add_missing(&out, model);
    add_waiting(&out, model);
    add_not_planned(&out, model);
    if (model->dataset_errors > 0)
        tm_text_format(&text, "\n%s  %s; run `ninja check`\n", paint(&out, TM_STYLE_BAD, "DATASET"),
                       tm_figure_count(arena, (size_t)model->dataset_errors, "error"));
    if (report_path != NULL)
        tm_text_format(&text, "\nreport: %s\n", report_path);
    const char *result = tm_arena_copy(arena, tm_text_get(&text), text.length);
    tm_text_free(&text);
    return result;
}
