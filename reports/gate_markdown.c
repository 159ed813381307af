#include "reports/gate_markdown.h"

#include "lib/text.h"
#include "reports/figure.h"
#include "reports/gate_figure.h"
#include "reports/markdown.h"

#define MAX_ROWS 100

static const struct {
    tm_gate_verdict verdict;
    const char *title;
    bool is_folded;
} sections[] = {
    {TM_GATE_REGRESSED, "Passed before, and does not now", false},
    {TM_GATE_SLOWER, "Slower", false},
    {TM_GATE_FASTER, "Faster", false},
    {TM_GATE_FIXED, "Did not pass before, and does now", false},
    {TM_GATE_AMBIGUOUS, "Ambiguous: cannot be told from noise, or not comparable", true},
    {TM_GATE_FAILING, "Passed neither before nor now", true},
    {TM_GATE_NEW, "New", true},
    {TM_GATE_GONE, "Gone", true},
};

static void add_row(tm_arena *arena, tm_text *text, const tm_gate_cell *cell) {
    const char *axes = cell->axes[0] ? cell->axes : tm_figure_uuid(arena, cell->uuid);
    tm_text_format(
        text, "| %s | %s | %s | %s | %s | %s | %s |\n",
        tm_markdown_escape(arena, tm_figure_solution(arena, cell->solution, cell->definition, 60)),
        tm_markdown_escape(arena, cell->definition), tm_markdown_escape(arena, axes),
        tm_gate_figure_before(arena, cell), tm_gate_figure_now(arena, cell),
        cell->is_compared
            ? tm_arena_format(arena, "**%s** (%s)", tm_gate_figure_change(arena, cell),
                              tm_gate_figure_interval(arena, cell))
            : "",
        tm_markdown_escape(arena, tm_figure_cut(arena, tm_gate_figure_note(arena, cell), 200)));
}

static void add_section(tm_arena *arena, tm_text *text, const tm_gate *gate, size_t section) {
    tm_gate_verdict verdict = sections[section].verdict;
    size_t count = gate->by_verdict[verdict], shown = 0;
    if (count == 0)
        return;
    if (sections[section].is_folded)
        tm_text_format(text, "\n<details><summary>%s: %zu</summary>\n\n", sections[section].title,
                       count);
    else
        tm_text_format(text, "\n### %s: %zu\n\n", sections[section].title, count);
    tm_text_add(text, "| solution | definition | workload | before | now | change | |\n"
                      "|---|---|---|--:|--:|--:|---|\n");
    for (size_t i = 0; i < gate->count; i++)
        if (gate->cells[i].verdict == verdict && shown < MAX_ROWS) {
            add_row(arena, text, &gate->cells[i]);
            shown++;
        }
    if (count > shown)
        tm_text_format(text, "\nand %zu more: `gate.json`\n", count - shown);
    if (sections[section].is_folded)
        tm_text_add(text, "\n</details>\n");
}

const char *tm_gate_markdown_format(tm_arena *arena, const tm_gate *gate) {
    tm_text text = {0};
    tm_text_format(&text, "## tracemill gate: %s\n\n%s\n",
                   tm_gate_has_failed(gate) ? "failed" : "passed",
                   tm_gate_figure_counts(arena, gate));
    for (size_t i = 0; i < sizeof(sections) / sizeof(*sections); i++)
        add_section(arena, &text, gate, i);
    tm_text_add(&text, "\n<sub>");
    const char *const *method = tm_gate_figure_method(arena, gate);
    for (size_t i = 0; method[i] != NULL; i++)
        tm_text_format(&text, "%s%s", i > 0 ? " " : "", tm_markdown_escape(arena, method[i]));
    tm_text_add(&text, "</sub>\n");
    const char *result = tm_arena_copy(arena, tm_text_get(&text), text.length);
    tm_text_free(&text);
    return result;
}
