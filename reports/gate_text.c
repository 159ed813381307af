#include "reports/gate_text.h"

#include <string.h>

#include "lib/text.h"
#include "reports/code.h"
#include "reports/figure.h"
#include "reports/gate_figure.h"
#include "reports/table.h"

#define MAX_LINES 40
/* GitHub shows ten annotations of a step. */
#define MAX_ANNOTATIONS 10

static bool is_listed(const tm_gate_cell *cell) {
    return cell->verdict != TM_GATE_SAME && cell->verdict != TM_GATE_NEW &&
           cell->verdict != TM_GATE_GONE && cell->verdict != TM_GATE_FAILING;
}

static const char *describe(tm_arena *arena, const tm_gate_cell *cell) {
    return tm_arena_format(arena, "%s %s%s%s%s",
                           tm_figure_solution(arena, cell->solution, cell->definition, 40),
                           tm_figure_uuid(arena, cell->uuid), cell->axes[0] ? " (" : "",
                           tm_figure_cut(arena, cell->axes, 30), cell->axes[0] ? ")" : "");
}

static void add_table(tm_arena *arena, const tm_gate *gate, const tm_terminal *terminal,
                      tm_text *text) {
    static const tm_table_column columns[] = {
        {.title = "verdict"},
        {.title = "before", .to_the_right = true, .drop = 2},
        {.title = "now", .to_the_right = true, .drop = 1},
        {.title = "change", .to_the_right = true},
        {.title = "interval", .to_the_right = true, .drop = 3},
        {.title = "cell", .least = 20}};
    tm_table *table = tm_table_create(arena, columns, 6, (size_t)2 * MAX_LINES);
    size_t shown = 0, listed = 0;
    for (size_t i = 0; i < gate->count; i++) {
        const tm_gate_cell *cell = &gate->cells[i];
        if (!is_listed(cell) || ++listed > MAX_LINES)
            continue;
        const char *note = tm_figure_line(arena, tm_gate_figure_note(arena, cell));
        const char *cells[] = {
            tm_gate_name(cell->verdict),
            tm_figure_cut(arena, tm_gate_figure_before(arena, cell), TM_GATE_FIGURE_STATUS_WIDTH),
            tm_figure_cut(arena, tm_gate_figure_now(arena, cell), TM_GATE_FIGURE_STATUS_WIDTH),
            tm_gate_figure_change(arena, cell),
            tm_gate_figure_interval(arena, cell),
            describe(arena, cell),
        };
        tm_table_add(table, cells);
        tm_table_style(table, 0, tm_gate_figure_style(cell->verdict));
        if (note[0] != '\0')
            tm_table_add_note(table, note);
        shown++;
    }
    if (shown == 0)
        return;
    tm_table_print(table, terminal, text);
    if (listed > shown)
        tm_text_format(text, "and %zu more: build/report/gate.md\n", listed - shown);
    tm_text_add(text, "\n");
}

const char *tm_gate_text_format(tm_arena *arena, const tm_gate *gate, const tm_terminal *terminal) {
    tm_text text = {0};
    add_table(arena, gate, terminal, &text);
    const char *const *method = tm_gate_figure_method(arena, gate);
    for (size_t i = 0; method[i] != NULL; i++)
        tm_text_format(&text, "%s\n", tm_figure_line(arena, method[i]));
    tm_text_format(&text, "gate %s: %s\n",
                   tm_gate_has_failed(gate)
                       ? tm_terminal_paint(arena, terminal, TM_STYLE_BAD, "FAILED")
                       : tm_terminal_paint(arena, terminal, TM_STYLE_GOOD, "passed"),
                   tm_gate_figure_counts(arena, gate));
    const char *result = tm_arena_copy(arena, tm_text_get(&text), text.length);
    tm_text_free(&text);
    return result;
}

/* What ends a line or a value in a workflow command is written as %XX. */
static void add_escaped(tm_text *text, const char *raw, bool is_property) {
    for (; *raw != '\0'; raw++)
        if (*raw == '%' || *raw == '\r' || *raw == '\n' ||
            (is_property && (*raw == ':' || *raw == ',')))
            tm_text_format(text, "%%%02X", (unsigned)*raw);
        else
            tm_text_add_bytes(text, raw, 1);
}

static void add_annotation(tm_arena *arena, tm_text *text, const tm_gate_cell *cell,
                           const tm_gate_places *places) {
    tm_code code;
    tm_text_add(text, "::error ");
    if (tm_code_find(arena, cell->code, places->build, places->srcdir, places->repository, &code)) {
        tm_text_add(text, "file=");
        add_escaped(text, code.file, true);
        tm_text_format(text, ",line=%d,", code.line);
    }
    tm_text_add(text, "title=");
    add_escaped(text, tm_arena_format(arena, "%s: %s", tm_gate_name(cell->verdict), cell->solution),
                true);
    tm_text_add(text, "::");
    const char *what = cell->why;
    if (cell->is_compared)
        what = tm_arena_format(
            arena, "%s -> %s, %s (%s), p = %.2g", tm_figure_latency(arena, cell->before_ms),
            tm_figure_latency(arena, cell->after_ms), tm_gate_figure_change(arena, cell),
            tm_gate_figure_interval(arena, cell), cell->comparison.p_adjusted);
    const char *message = tm_arena_format(
        arena, "%s: %s%s%s", describe(arena, cell), what,
        cell->cell != NULL && cell->cell->command != NULL ? "\n" : "",
        cell->cell != NULL && cell->cell->command != NULL ? cell->cell->command : "");
    add_escaped(text, message, false);
    tm_text_add(text, "\n");
}

const char *tm_gate_text_annotations(tm_arena *arena, const tm_gate *gate,
                                     const tm_gate_places *places) {
    tm_text text = {0};
    size_t told = 0;
    for (size_t i = 0; i < gate->count; i++)
        if (tm_gate_fails(gate->cells[i].verdict) && ++told < MAX_ANNOTATIONS)
            add_annotation(arena, &text, &gate->cells[i], places);
    tm_text_format(&text, "::notice title=tracemill gate %s::",
                   tm_gate_has_failed(gate) ? "failed" : "passed");
    add_escaped(&text, tm_gate_figure_counts(arena, gate), false);
    tm_text_add(&text, "\n");
    const char *result = tm_arena_copy(arena, tm_text_get(&text), text.length);
    tm_text_free(&text);
    return result;
}
