#include "reports/bencher.h"

#include <stdlib.h>
#include <string.h>

#include "lib/json.h"
#include "lib/text.h"
#include "reports/measured.h"

static tm_json *add_measure(tm_json *benchmark, const char *slug, double value) {
    if (!(value > 0.0))
        return NULL;
    tm_json *measure = tm_json_object();
    tm_json_set_number(measure, "value", value);
    tm_json_set(benchmark, slug, measure);
    return measure;
}

/* The interval is the median's over all samples, and the latency the mean of the trials' medians,
 * which may lie beyond it: Bencher's bounds have the value between them. */
static tm_json *benchmark_json(const tm_measured *measured) {
    tm_json *benchmark = tm_json_object();
    double latency = measured->latency_ns, low = measured->low_ns, high = measured->high_ns;
    tm_json *measure = add_measure(benchmark, "latency", latency);
    if (low > 0.0 && high > 0.0) {
        tm_json_set_number(measure, "lower_value", low < latency ? low : latency);
        tm_json_set_number(measure, "upper_value", high > latency ? high : latency);
    }
    add_measure(benchmark, "speedup", measured->over_reference);
    add_measure(benchmark, "speedup-over-baseline", measured->over_baseline);
    add_measure(benchmark, "percent-of-limit", measured->percent_of_limit);
    return benchmark;
}

typedef struct {
    tm_arena *arena;
    tm_text text;
} benchmark_list;

/* "name": {...} on a line of its own: a row at a time, as there may be 100,000. */
static void add_benchmark(void *context, const tm_model_definition *definition,
                          const tm_model_solution *solution, size_t index,
                          const tm_measured *measured) {
    benchmark_list *list = context;
    tm_json *object = tm_json_object();
    tm_json_set(object, tm_measured_name(list->arena, definition, solution, index),
                benchmark_json(measured));
    char *line = tm_json_print(object, false);
    tm_text_format(&list->text, "%s\n%.*s", list->text.length > 1 ? "," : "", (int)strlen(line) - 2,
                   line + 1);
    free(line);
    tm_json_free(object);
}

char *tm_bencher_format(tm_arena *arena, const tm_model *model) {
    benchmark_list list = {.arena = arena};
    tm_text_add(&list.text, "{");
    tm_measured_each(model, add_benchmark, &list);
    tm_text_add(&list.text, "\n}\n");
    return list.text.data;
}
