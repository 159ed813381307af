#include "reports/action_benchmark.h"

#include <stdlib.h>

#include "lib/json.h"
#include "lib/text.h"
#include "reports/doubt.h"
#include "reports/figure.h"
#include "reports/measured.h"
#include "reports/ranking.h"

/* Lines of "what: how much", as far as it is known. */
static void set_extra(tm_arena *arena, tm_json *entry, const tm_model_cell *cell,
                      const tm_measured *measured) {
    const char *flags = tm_doubt_flags(arena, cell);
    tm_text text = {0};
    tm_text_format(&text, "hardware: %s", tm_figure_line(arena, cell->trace.hardware));
    if (measured->over_reference > 0.0)
        tm_text_format(&text, "\nspeedup over the reference: %s",
                       tm_figure_speedup(arena, measured->over_reference));
    if (measured->over_baseline > 0.0)
        tm_text_format(&text, "\nspeedup over the baseline: %s",
                       tm_figure_speedup(arena, measured->over_baseline));
    if (measured->percent_of_limit > 0.0)
        tm_text_format(&text, "\nof the limit: %s",
                       tm_figure_percent(arena, measured->percent_of_limit));
    if (flags[0] != '\0')
        tm_text_format(&text, "\nflags: %s", flags);
    tm_json_set_string(entry, "extra", tm_text_get(&text));
    tm_text_free(&text);
}

static tm_json *entry_json(tm_arena *arena, const tm_model_definition *definition,
                           const tm_model_solution *solution, size_t index,
                           const tm_measured *measured) {
    tm_json *entry = tm_json_object();
    tm_json_set_string(entry, "name", tm_measured_name(arena, definition, solution, index));
    tm_json_set_string(entry, "unit", "ns");
    tm_json_set_number(entry, "value", measured->latency_ns);
    if (measured->low_ns > 0.0 && measured->high_ns >= measured->low_ns)
        tm_json_set_string(
            entry, "range",
            tm_arena_format(arena, "± %.3f", (measured->high_ns - measured->low_ns) / 2.0));
    set_extra(arena, entry, &solution->cells[index], measured);
    return entry;
}

/* An entry on a line of its own: a row at a time, as there may be 100,000. */
static void add_entry(tm_text *text, tm_json *entry) {
    char *line = tm_json_print(entry, false);
    tm_text_format(text, "%s\n%s", text->length > 1 ? "," : "", line);
    free(line);
    tm_json_free(entry);
}

char *tm_action_benchmark_format(tm_arena *arena, const tm_model *model) {
    tm_text text = {0};
    tm_text_add(&text, "[");
    tm_measured measured;
    for (size_t i = 0; i < model->definition_count; i++) {
        const tm_model_definition *definition = &model->definitions[i];
        const tm_model_solution *baseline = tm_ranking_baseline(definition);
        for (size_t j = 0; j < definition->solution_count; j++)
            for (size_t k = 0; k < definition->workload_count; k++)
                if (tm_measured_get(baseline, &definition->solutions[j], k, &measured))
                    add_entry(&text, entry_json(arena, definition, &definition->solutions[j], k,
                                                &measured));
    }
    tm_text_add(&text, "\n]\n");
    return text.data;
}
