#include "reports/timing.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/file.h"
#include "lib/json.h"
#include "lib/number.h"

/* Samples and trace hold the same doubles; what differs by more is of another run. */
#define SAME_LATENCY 1e-6

const char *tm_timing_source_name(tm_timing_source source) {
    static const char *const names[] = {"none", "latency", "trials", "samples"};
    return names[source];
}

static bool has_flag(const tm_trace *trace, const char *name) {
    const tm_node *flags = tm_node_get(trace->details_node, "flags");
    for (const tm_node *flag = flags ? flags->child : NULL; flag; flag = flag->next)
        if (flag->type == TM_NODE_STRING && strcmp(flag->string, name) == 0)
            return true;
    return false;
}

/* False when a sample is no duration. */
static bool read_trial(tm_arena *arena, const tm_node *list, tm_timing_trial *trial) {
    if (list == NULL || list->type != TM_NODE_ARRAY || list->count == 0)
        return false;
    trial->ns = tm_arena_array(arena, list->count, sizeof(*trial->ns));
    for (const tm_node *item = list->child; item != NULL; item = item->next) {
        if (item->type != TM_NODE_NUMBER || !(item->number > 0.0) || !isfinite(item->number))
            return false;
        trial->ns[trial->count++] = item->number;
    }
    qsort(trial->ns, trial->count, sizeof(*trial->ns), tm_number_compare);
    size_t half = trial->count / 2;
    trial->median_ns =
        trial->count % 2 ? trial->ns[half] : (trial->ns[half - 1] + trial->ns[half]) / 2.0;
    return true;
}

/* Tens of times the memory of what is kept: a tree for this file alone. */
static tm_timing read_samples(tm_arena *arena, const char *path, const char *clock) {
    tm_arena *own = tm_arena_create();
    tm_timing timing = {TM_TIMING_NONE, NULL, 0};
    const tm_source *source = tm_file_read(own, path);
    const tm_node *root = source ? tm_json_parse_all(own, source, tm_diag_create(own)) : NULL;
    const tm_node *list = tm_node_get(root, "trials");
    if (list != NULL && list->type == TM_NODE_ARRAY && list->count > 0) {
        tm_timing_trial *trials = tm_arena_array(arena, list->count, sizeof(*trials));
        size_t count = 0;
        for (const tm_node *item = list->child; item != NULL; item = item->next, count++)
            if (!read_trial(arena, tm_node_get(item, clock), &trials[count]))
                break;
        if (count == list->count)
            timing = (tm_timing){TM_TIMING_SAMPLES, trials, count};
    }
    tm_arena_destroy(own);
    return timing;
}

static tm_timing read_trials(tm_arena *arena, const tm_trace *trace, const char *median) {
    const tm_node *list = tm_node_get(trace->details_node, "trials");
    tm_timing timing = {TM_TIMING_NONE, NULL, 0};
    if (list == NULL || list->type != TM_NODE_ARRAY || list->count == 0)
        return timing;
    tm_timing_trial *trials = tm_arena_array(arena, list->count, sizeof(*trials));
    size_t count = 0;
    for (const tm_node *item = list->child; item != NULL; item = item->next, count++) {
        trials[count].count = (size_t)fmax(0.0, tm_node_number_of(item, "samples"));
        trials[count].median_ns = tm_node_number_of(item, median);
        trials[count].standard_deviation_ns = tm_node_number_of(item, "standard_deviation_ns");
        if (trials[count].median_ns <= 0.0)
            return timing;
    }
    return (tm_timing){TM_TIMING_TRIALS, trials, count};
}

static bool is_of(const tm_timing *timing, double latency_ns) {
    return timing->source != TM_TIMING_NONE &&
           fabs(tm_timing_latency_ns(timing) - latency_ns) <= SAME_LATENCY * latency_ns;
}

tm_timing tm_timing_read(tm_arena *arena, const tm_trace *trace, const char *samples_path) {
    tm_timing timing = {TM_TIMING_NONE, NULL, 0};
    double latency_ns = trace->latency_ms * 1e6;
    if (trace->status != TM_STATUS_PASSED || !trace->has_performance || !(latency_ns > 0.0) ||
        !isfinite(latency_ns))
        return timing;
    bool by_wall = has_flag(trace, "HOST_WORK");
    if (samples_path != NULL)
        timing = read_samples(arena, samples_path, by_wall ? "wall" : "device");
    if (is_of(&timing, latency_ns))
        return timing;
    timing = read_trials(arena, trace, by_wall ? "wall_median_ns" : "median_ns");
    if (is_of(&timing, latency_ns))
        return timing;
    tm_timing_trial *trial = tm_arena_alloc(arena, sizeof(*trial));
    trial->median_ns = latency_ns;
    return (tm_timing){TM_TIMING_LATENCY, trial, 1};
}

double tm_timing_latency_ns(const tm_timing *timing) {
    double sum = 0.0;
    for (size_t i = 0; i < timing->trial_count; i++)
        sum += timing->trials[i].median_ns;
    return timing->trial_count > 0 ? sum / (double)timing->trial_count : 0.0;
}

double tm_timing_scatter(const tm_timing *timing) {
    double mean = 0.0, squares = 0.0, count = (double)timing->trial_count;
    for (size_t i = 0; i < timing->trial_count; i++)
        mean += log(timing->trials[i].median_ns) / count;
    for (size_t i = 0; i < timing->trial_count; i++) {
        double apart = log(timing->trials[i].median_ns) - mean;
        squares += apart * apart;
    }
    return squares;
}

tm_timing tm_timing_scale(tm_arena *arena, const tm_timing *timing, double factor) {
    tm_timing_trial *trials = tm_arena_array(arena, timing->trial_count, sizeof(*trials));
    for (size_t i = 0; i < timing->trial_count; i++) {
        trials[i] = timing->trials[i];
        trials[i].median_ns *= factor;
        trials[i].standard_deviation_ns *= factor;
        if (trials[i].ns == NULL)
            continue;
        trials[i].ns = tm_arena_array(arena, trials[i].count, sizeof(*trials[i].ns));
        for (size_t j = 0; j < trials[i].count; j++)
            trials[i].ns[j] = timing->trials[i].ns[j] * factor;
    }
    return (tm_timing){timing->source, trials, timing->trial_count};
}
