#include "reports/gate_json.h"

#include "lib/json.h"
#include "reports/figure.h"

static void set_latency(tm_json *object, const char *key, double latency_ms) {
    if (latency_ms > 0.0)
        tm_json_set_number(object, key, latency_ms);
    else
        tm_json_set_null(object, key);
}

static const char *status_now(const tm_model_cell *cell) {
    if (cell == NULL)
        return NULL;
    switch (cell->state) {
    case TM_MODEL_RAN:
        return tm_status_name(cell->trace.status);
    case TM_MODEL_NOT_RUN:
        return "NOT_RUN";
    case TM_MODEL_BROKEN:
        return "BROKEN_TRACE";
    case TM_MODEL_WAITING:
        break;
    }
    return cell->needs;
}

tm_json *tm_gate_json_cell(const tm_gate_cell *cell, tm_gate_verdict verdict) {
    tm_json *object = tm_json_object();
    tm_json_set_string(object, "verdict", tm_gate_name(verdict));
    tm_json_set_string(object, "definition", cell->definition);
    tm_json_set_string(object, "solution", cell->solution);
    tm_json_set_string(object, "author", cell->author);
    tm_json_set_string(object, "uuid", cell->uuid);
    tm_json_set_string(object, "why", cell->why);
    tm_json_set_string(object, "status_before",
                       cell->before ? tm_status_name(cell->before->trace.status) : NULL);
    tm_json_set_string(object, "status", status_now(cell->cell));
    set_latency(object, "latency_before_ms", cell->before_ms);
    set_latency(object, "latency_ms", cell->after_ms);
    if (!cell->is_compared)
        return object;
    const tm_gate_comparison *comparison = &cell->comparison;
    tm_json_set_string(object, "compared_by", tm_timing_source_name(cell->source));
    tm_json_set_number(object, "ratio", comparison->ratio);
    tm_json_set_number(object, "ratio_low", comparison->interval.low);
    tm_json_set_number(object, "ratio_high", comparison->interval.high);
    if (cell->source == TM_TIMING_SAMPLES)
        tm_json_set_number(object, "share_larger", comparison->larger);
    tm_json_set_number(object, "p", comparison->p);
    tm_json_set_number(object, "p_adjusted", comparison->p_adjusted);
    return object;
}

tm_json *tm_gate_json_baseline(const tm_baseline *baseline) {
    tm_json *object = tm_json_object();
    tm_json_set_string(object, "path", baseline->path);
    tm_json_set_int(object, "traces", (int64_t)baseline->count);
    tm_json_set_int(object, "broken", (int64_t)baseline->broken);
    tm_json_set_string(object, "newest_trace", baseline->newest[0] ? baseline->newest : NULL);
    return object;
}

char *tm_gate_json_format(const tm_gate *gate) {
    tm_json *root = tm_json_object();
    tm_json_set_int(root, "version", 1);
    tm_json_set_bool(root, "failed", tm_gate_has_failed(gate));
    tm_json_set(root, "baseline", tm_gate_json_baseline(gate->baseline));
    tm_json_set_number(root, "threshold", gate->options.threshold);
    tm_json_set_number(root, "noise", gate->options.noise);
    tm_json_set_number(root, "noise_ns", gate->noise_ns);
    tm_json_set_number(root, "scale", gate->options.scale);
    tm_json *counts = tm_json_object();
    for (int i = 0; i < TM_GATE_COUNT; i++)
        tm_json_set_int(counts, tm_gate_name((tm_gate_verdict)i), (int64_t)gate->by_verdict[i]);
    tm_json_set(root, "counts", counts);
    tm_json_set_int(root, "identical", (int64_t)gate->identical);
    tm_json_set_int(root, "compared", (int64_t)gate->compared);
    tm_json_set_int(root, "without_samples", (int64_t)gate->without_samples);
    tm_json *cells = tm_json_array();
    for (size_t i = 0; i < gate->count; i++)
        tm_json_push(cells, tm_gate_json_cell(&gate->cells[i], gate->cells[i].verdict));
    tm_json_set(root, "cells", cells);
    char *text = tm_json_print(root, true);
    tm_json_free(root);
    return text;
}
