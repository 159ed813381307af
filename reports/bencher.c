#include "reports/bencher.h"

#include <stdlib.h>
#include <string.h>

#include "lib/json.h"
#include "lib/text.h"
#include "reports/measured.h"
#include "reports/ranking.h"

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

/* "name": {...} on a line of its own: a row at a time, as there may be 100,000. */
static void add_benchmark(tm_text *text, const char *name, const tm_measured *measured) {
    tm_json *object = tm_json_object();
    tm_json_set(object, name, benchmark_json(measured));
    char *line = tm_json_print(object, false);
    tm_text_format(text, "%s\n%.*s", text->length > 1 ? "," : "", (int)strlen(line) - 2, line + 1);
    free(line);
    tm_json_free(object);
}

char *tm_bencher_format(tm_arena *arena, const tm_model *model) {
    tm_text text = {0};
    tm_text_add(&text, "{");
    tm_measured measured;
    for (size_t i = 0; i < model->definition_count; i++) {
        const tm_model_definition *definition = &model->definitions[i];
        const tm_model_solution *baseline = tm_ranking_baseline(definition);
        for (size_t j = 0; j < definition->solution_count; j++)
            for (size_t k = 0; k < definition->workload_count; k++) {
                const tm_model_solution *solution = &definition->solutions[j];
                if (tm_measured_get(baseline, solution, k, &measured))
                    add_benchmark(&text, tm_measured_name(arena, definition, solution, k),
                                  &measured);
            }
    }
    tm_text_add(&text, "\n}\n");
    return text.data;
}
