#include "reports/csv.h"

#include <string.h>

#include "lib/text.h"
#include "reports/doubt.h"
#include "reports/figure.h"
#include "reports/measured.h"
#include "reports/ranking.h"

static const char header[] =
    "definition,op_type,solution,author,language,uuid,axes,status,latency_ms,latency_low_ms,"
    "latency_high_ms,reference_latency_ms,speedup_over_reference,speedup_over_baseline,"
    "percent_of_limit,flags,hardware,timestamp,reason\r\n";

/* What a spreadsheet computes, also behind blanks. */
static bool is_formula(const char *line) {
    line += strspn(line, " ");
    return *line != '\0' && strchr("=+-@", *line) != NULL;
}

/* One field. Line breaks and other control characters are blanks by now, so that a line of the file
 * is a cell; bytes that are no UTF-8 become U+FFFD. */
static void add_field(tm_arena *arena, tm_text *text, const char *raw) {
    const char *line = tm_figure_line(arena, raw);
    bool formula = is_formula(line), quoted = strpbrk(line, ",\"") != NULL;
    tm_text_format(text, "%s%s", quoted ? "\"" : "", formula ? "'" : "");
    for (size_t rest = strlen(line); rest > 0;) {
        size_t length = tm_text_utf8_bytes(line, rest), taken = length == 0 ? 1 : length;
        if (length == 0)
            tm_text_add(text, "\xef\xbf\xbd");
        else if (*line == '"')
            tm_text_add(text, "\"\"");
        else
            tm_text_add_bytes(text, line, length);
        line += taken;
        rest -= taken;
    }
    tm_text_add(text, quoted ? "\"" : "");
}

static void add_text(tm_arena *arena, tm_text *text, const char *raw) {
    add_field(arena, text, raw);
    tm_text_add(text, ",");
}

static void add_figure(tm_text *text, double value) {
    if (value > 0.0)
        tm_text_add_number(text, value);
    tm_text_add(text, ",");
}

/* "batch_size=7, k=2" as "batch_size=7;k=2": definitions have different axes, so no columns. */
static const char *joined(tm_arena *arena, const char *list) {
    tm_text text = {0};
    for (const char *end; (end = strstr(list, ", ")) != NULL; list = end + 2) {
        tm_text_add_bytes(&text, list, (size_t)(end - list));
        tm_text_add(&text, ";");
    }
    tm_text_add(&text, list);
    const char *result = tm_arena_copy(arena, tm_text_get(&text), text.length);
    tm_text_free(&text);
    return result;
}

static void add_cell(tm_arena *arena, tm_text *text, const tm_model_definition *definition,
                     const tm_model_solution *baseline, const tm_model_solution *solution,
                     size_t index) {
    const tm_model_cell *cell = &solution->cells[index];
    const tm_model_workload *workload = &definition->workloads[index];
    bool ran = cell->state == TM_MODEL_RAN;
    tm_measured measured;
    tm_measured_get(baseline, solution, index, &measured);
    add_text(arena, text, definition->name);
    add_text(arena, text, definition->op_type);
    add_text(arena, text, solution->name);
    add_text(arena, text, solution->author);
    add_text(arena, text, solution->language);
    add_text(arena, text, workload->uuid);
    add_text(arena, text, joined(arena, workload->axes));
    add_text(arena, text, tm_figure_status_key(cell));
    add_figure(text, measured.latency_ns / 1e6);
    add_figure(text, measured.low_ns / 1e6);
    add_figure(text, measured.high_ns / 1e6);
    add_figure(text, measured.reference_ns / 1e6);
    add_figure(text, measured.over_reference);
    add_figure(text, measured.over_baseline);
    add_figure(text, measured.percent_of_limit);
    add_text(arena, text, joined(arena, tm_doubt_flags(arena, cell)));
    add_text(arena, text, ran ? cell->trace.hardware : "");
    add_text(arena, text, ran ? cell->trace.timestamp : "");
    add_field(arena, text, cell->reason);
    tm_text_add(text, "\r\n");
}

const char *tm_csv_format(tm_arena *arena, const tm_model *model) {
    tm_text text = {0};
    tm_text_add(&text, header);
    for (size_t i = 0; i < model->definition_count; i++) {
        const tm_model_definition *definition = &model->definitions[i];
        const tm_model_solution *baseline = tm_ranking_baseline(definition);
        for (size_t j = 0; j < definition->solution_count; j++)
            for (size_t k = 0; k < definition->workload_count; k++)
                add_cell(arena, &text, definition, baseline, &definition->solutions[j], k);
    }
    const char *result = tm_arena_copy(arena, tm_text_get(&text), text.length);
    tm_text_free(&text);
    return result;
}
