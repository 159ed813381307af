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

/* Line breaks and other control characters as blanks, so that a line of the file is a cell. */
static const char *one_line(tm_arena *arena, const char *raw) {
    for (const char *byte = raw; *byte != '\0'; byte++)
        if ((unsigned char)*byte < ' ' || *byte == 0x7f || (unsigned char)*byte == 0xc2)
            return tm_figure_line(arena, raw);
    return raw;
}

/* One field; bytes that are no UTF-8 become U+FFFD. In a list, such as "batch_size=7, k=2", the
 * commas become semicolons. */
static void add_field(tm_arena *arena, tm_text *text, const char *raw, bool is_list) {
    const char *line = one_line(arena, raw);
    bool quoted = strpbrk(line, is_list ? "\"" : ",\"") != NULL;
    tm_text_add(text, quoted ? "\"" : "");
    tm_text_add(text, is_formula(line) ? "'" : "");
    for (size_t rest = strlen(line); rest > 0;) {
        size_t length = tm_text_utf8_bytes(line, rest), taken = length == 0 ? 1 : length;
        if (length == 0) {
            tm_text_add(text, "\xef\xbf\xbd");
        } else if (*line == '"') {
            tm_text_add(text, "\"\"");
        } else if (is_list && strncmp(line, ", ", 2) == 0) {
            tm_text_add(text, ";");
            taken = 2;
        } else {
            tm_text_add_bytes(text, line, length);
        }
        line += taken;
        rest -= taken;
    }
    tm_text_add(text, quoted ? "\"" : "");
}

static void add_text(tm_arena *arena, tm_text *text, const char *raw) {
    add_field(arena, text, raw, false);
    tm_text_add(text, ",");
}

static void add_list(tm_arena *arena, tm_text *text, const char *list) {
    add_field(arena, text, list, true);
    tm_text_add(text, ",");
}

static void add_figure(tm_text *text, double value) {
    if (value > 0.0)
        tm_text_add_number(text, value);
    tm_text_add(text, ",");
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
    add_list(arena, text, workload->axes); /* definitions have different ones: no columns */
    add_text(arena, text, tm_figure_status_key(cell));
    add_figure(text, measured.latency_ns / 1e6);
    add_figure(text, measured.low_ns / 1e6);
    add_figure(text, measured.high_ns / 1e6);
    add_figure(text, measured.reference_ns / 1e6);
    add_figure(text, measured.over_reference);
    add_figure(text, measured.over_baseline);
    add_figure(text, measured.percent_of_limit);
    add_list(arena, text, tm_doubt_flags(arena, cell));
    add_text(arena, text, ran ? cell->trace.hardware : "");
    add_text(arena, text, ran ? cell->trace.timestamp : "");
    add_field(arena, text, cell->reason, false);
    tm_text_add(text, "\r\n");
}

char *tm_csv_format(tm_arena *arena, const tm_model *model) {
    tm_text text = {0};
    tm_text_add(&text, header);
    for (size_t i = 0; i < model->definition_count; i++) {
        const tm_model_definition *definition = &model->definitions[i];
        const tm_model_solution *baseline = tm_ranking_baseline(definition);
        for (size_t j = 0; j < definition->solution_count; j++)
            for (size_t k = 0; k < definition->workload_count; k++)
                add_cell(arena, &text, definition, baseline, &definition->solutions[j], k);
    }
    return text.data;
}
