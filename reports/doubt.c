#include "reports/doubt.h"

#include <math.h>
#include <string.h>

#include "reports/figure.h"

/* A program that uses all cores by itself waits for none of them. */
#define CROWDED_PERCENT 20

static const struct {
    const char *name, *advice;
    bool is_grave;
} doubts[TM_DOUBT_COUNT] = {
    [TM_DOUBT_IMPOSSIBLE] = {"IMPOSSIBLE", "faster than the device can be, and no pass", true},
    [TM_DOUBT_HOST_WORK] = {"HOST_WORK", "the device was idle; the latency is the wall time", true},
    [TM_DOUBT_OUTSIDE_EVENTS] = {"OUTSIDE_EVENTS", "work on streams that the call did not join",
                                 true},
    [TM_DOUBT_OTHER] = {"OTHER", "flags that only their traces explain", true},
    [TM_DOUBT_UNSTABLE] = {"UNSTABLE", "the samples differ too much", false},
    [TM_DOUBT_CAPPED] = {"CAPPED", "the time cap left fewer samples", false},
    [TM_DOUBT_WEAK_SAMPLES] = {"WEAK_SAMPLES",
                               "too few samples to tell a sampler that is wrong half of the time",
                               false},
    [TM_DOUBT_SYNTHESIZED] = {"SYNTHESIZED", "inputs made here in place of the dataset's blobs",
                              false},
};

const char *tm_doubt_name(tm_doubt doubt) {
    return doubts[doubt].name;
}

const char *tm_doubt_advice(tm_arena *arena, tm_doubt doubt, const tm_score *score) {
    if (doubt != TM_DOUBT_UNSTABLE || score->crowded == 0)
        return doubts[doubt].advice;
    return tm_arena_format(arena, "%s; other programs ran beside %zu of them", doubts[doubt].advice,
                           score->crowded);
}

const char *tm_doubt_advice_of(tm_arena *arena, tm_doubt doubt, const tm_model_cell *cell) {
    if (doubt != TM_DOUBT_UNSTABLE || !tm_doubt_is_crowded(cell))
        return doubts[doubt].advice;
    return tm_arena_format(arena, "%s; other programs ran beside it", doubts[doubt].advice);
}

bool tm_doubt_is_grave(tm_doubt doubt) {
    return doubts[doubt].is_grave;
}

static const tm_node *details(const tm_model_cell *cell, const char *key, tm_node_type type) {
    const tm_node *node =
        cell->state == TM_MODEL_RAN ? tm_node_get(cell->trace.details_node, key) : NULL;
    return node != NULL && node->type == type ? node : NULL;
}

static tm_doubt doubt_of(const char *flag) {
    for (int i = 0; i < TM_DOUBT_COUNT; i++)
        if (strcmp(flag, doubts[i].name) == 0)
            return (tm_doubt)i;
    return TM_DOUBT_OTHER;
}

bool tm_doubt_is_cast(const tm_model_cell *cell, tm_doubt doubt) {
    const tm_node *flags = details(cell, "flags", TM_NODE_ARRAY);
    for (const tm_node *flag = flags != NULL ? flags->child : NULL; flag != NULL; flag = flag->next)
        if (flag->type == TM_NODE_STRING && doubt_of(flag->string) == doubt)
            return true;
    return false;
}

const char *tm_doubt_flags(tm_arena *arena, const tm_model_cell *cell) {
    const char *flags = "";
    for (int i = 0; i < TM_DOUBT_COUNT; i++)
        if (tm_doubt_is_cast(cell, (tm_doubt)i))
            flags = flags[0] == '\0' ? doubts[i].name
                                     : tm_arena_format(arena, "%s, %s", flags, doubts[i].name);
    return flags;
}

bool tm_doubt_waited(const tm_node *tracemill) {
    const tm_node *wait = tm_node_get(tm_node_get(tracemill, "clocks"), "cpu_wait_percent");
    return wait != NULL && wait->type == TM_NODE_NUMBER && wait->number >= CROWDED_PERCENT;
}

bool tm_doubt_is_crowded(const tm_model_cell *cell) {
    return cell->state == TM_MODEL_RAN && tm_doubt_waited(cell->trace.details_node);
}

double tm_doubt_ms(const tm_model_cell *cell, const char *key) {
    const tm_node *node = details(cell, key, TM_NODE_NUMBER);
    return node != NULL && isfinite(node->number) && node->number > 0.0 ? node->number : 0.0;
}

const char *tm_doubt_measuring(tm_arena *arena, const tm_score *score) {
    if (score->judging_ms <= 0.0 || score->protocol_ms <= 0.0)
        return NULL;
    return tm_arena_format(arena, "%s of %s of judging went to flushes and calls",
                           tm_figure_latency(arena, score->protocol_ms),
                           tm_figure_latency(arena, score->judging_ms));
}
