#include "reports/diff_json.h"

#include "lib/json.h"
#include "reports/gate_json.h"

static tm_json *solutions_json(const tm_diff *diff) {
    tm_json *list = tm_json_array();
    for (size_t i = 0; i < diff->solution_count; i++) {
        const tm_diff_solution *solution = &diff->solutions[i];
        tm_json *object = tm_json_object();
        tm_json_set_string(object, "definition", solution->definition);
        tm_json_set_string(object, "solution", solution->solution);
        tm_json_set_int(object, "cells", (int64_t)solution->cells);
        tm_json_set_positive(object, "latency_ratio", solution->ratio);
        tm_json_push(list, object);
    }
    return list;
}

char *tm_diff_json_format(const tm_diff *diff, const char *after) {
    const tm_gate *gate = diff->gate;
    tm_json *root = tm_json_object();
    tm_json_set_int(root, "version", 1);
    tm_json_set(root, "a", tm_gate_json_baseline(gate->baseline));
    tm_json *b = tm_json_object();
    tm_json_set_string(b, "path", after);
    tm_json_set_string(b, "newest_trace", gate->model->newest[0] ? gate->model->newest : NULL);
    tm_json_set(root, "b", b);
    tm_json_set_number(root, "threshold", gate->options.threshold);
    tm_json *counts = tm_json_object();
    for (int i = 0; i < TM_GATE_COUNT; i++)
        tm_json_set_int(counts, tm_gate_name((tm_gate_verdict)i), (int64_t)diff->by_verdict[i]);
    tm_json_set(root, "counts", counts);
    tm_json_set_int(root, "compared", (int64_t)diff->compared);
    tm_json_set_positive(root, "latency_ratio", diff->ratio);
    tm_json_set(root, "solutions", solutions_json(diff));
    tm_json *cells = tm_json_array();
    for (size_t i = 0; i < diff->count; i++) {
        tm_json *cell = tm_gate_json_cell(diff->cells[i].cell, diff->cells[i].verdict);
        tm_json_set_positive(cell, "latency_ratio", diff->cells[i].ratio);
        tm_json_push(cells, cell);
    }
    tm_json_set(root, "cells", cells);
    char *text = tm_json_print(root, true);
    tm_json_free(root);
    return text;
}
