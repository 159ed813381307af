#include "reports/action_benchmark.h"

#include <stdlib.h>

#include "lib/json.h"
#include "lib/text.h"
#include "reports/doubt.h"
#include "reports/figure.h"
#include "reports/measured.h"

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

typedef struct {
    tm_arena *arena;
    tm_text text;
} entry_list;

/* An entry on a line of its own: a row at a time, as there may be 100,000. */
static void add_entry(void *context, const tm_model_definition *definition,
                      const tm_model_solution *solution, size_t index,
                      const tm_measured *measured) {
    entry_list *list = context;
    tm_json *entry = entry_json(list->arena, definition, solution, index, measured);
    char *line = tm_json_print(entry, false);
    tm_text_format(&list->text, "%s\n%s", list->text.length > 1 ? "," : "", line);
    free(line);
    tm_json_free(entry);
}

char *tm_action_benchmark_format(tm_arena *arena, const tm_model *model) {
    entry_list list = {.arena = arena};
    tm_text_add(&list.text, "[");
    tm_measured_each(model, add_entry, &list);
    tm_text_add(&list.text, "\n]\n");
    return list.text.data;
}
