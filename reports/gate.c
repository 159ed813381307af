#include "reports/gate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/file.h"
#include "reports/crew.h"
#include "reports/doubt.h"
#include "reports/figure.h"

static const struct {
    const char *name;
    bool fails;
} verdicts[TM_GATE_COUNT] = {
    [TM_GATE_REGRESSED] = {"REGRESSED", true},
    [TM_GATE_SLOWER] = {"SLOWER", true},
    [TM_GATE_AMBIGUOUS] = {"AMBIGUOUS", false},
    [TM_GATE_FASTER] = {"FASTER", false},
    [TM_GATE_FIXED] = {"FIXED", false},
    [TM_GATE_FAILING] = {"FAILING", false},
    [TM_GATE_NEW] = {"NEW", false},
    [TM_GATE_GONE] = {"GONE", false},
    [TM_GATE_SAME] = {"SAME", false},
};

const char *tm_gate_name(tm_gate_verdict verdict) {
    return verdicts[verdict].name;
}

bool tm_gate_fails(tm_gate_verdict verdict) {
    return verdicts[verdict].fails;
}

bool tm_gate_has_failed(const tm_gate *gate) {
    size_t failing = 0;
    for (int i = 0; i < TM_GATE_COUNT; i++)
        failing += tm_gate_fails((tm_gate_verdict)i) ? gate->by_verdict[i] : 0;
    return failing > 0;
}

/* Both traces have all three hashes, and the same. */
static bool is_identical(const tm_trace *before, const tm_trace *after) {
    static const char *const parts[] = {"solution", "harness", "device"};
    const tm_node *old = tm_node_get(before->details_node, "identity");
    const tm_node *new = tm_node_get(after->details_node, "identity");
    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
        if (tm_node_text_of(old, parts[i])[0] == '\0' ||
            strcmp(tm_node_text_of(old, parts[i]), tm_node_text_of(new, parts[i])) != 0)
            return false;
    return true;
}

/* What makes two latencies different quantities, or NULL. */
static const char *why_not_comparable(tm_arena *arena, const tm_trace *before,
                                      const tm_trace *after) {
    if (before->hardware[0] != '\0' && after->hardware[0] != '\0' &&
        strcmp(before->hardware, after->hardware) != 0)
        return tm_arena_format(arena, "another device: %s before, %s now", before->hardware,
                               after->hardware);
    const char *old = tm_node_text_of(before->details_node, "clock");
    const char *new = tm_node_text_of(after->details_node, "clock");
    if (old[0] != '\0' && new[0] != '\0' && strcmp(old, new) != 0)
        return tm_arena_format(arena, "another clock: %s before, %s now", old, new);
    return NULL;
}

static const char *status_of(const tm_model_cell *cell) {
    return cell->state == TM_MODEL_WAITING ? cell->needs : tm_figure_status(cell);
}

static void settle_status(tm_arena *arena, tm_gate_cell *out) {
    const tm_model_cell *cell = out->cell;
    bool passed = out->before->trace.status == TM_STATUS_PASSED;
    out->before_ms = passed ? out->before->trace.latency_ms : 0.0;
    out->why = tm_arena_format(arena, "%s%s%s", status_of(cell), cell->reason[0] ? ": " : "",
                               cell->reason);
    if (!passed)
        out->verdict = TM_GATE_FAILING;
    else if (cell->state == TM_MODEL_WAITING)
        out->verdict = TM_GATE_GONE;
    else if (cell->state == TM_MODEL_RAN && cell->trace.status == TM_STATUS_VOID)
        out->verdict = TM_GATE_AMBIGUOUS; /* no verdict on the solution */
    else
        out->verdict = TM_GATE_REGRESSED;
}

/* One measurement on both sides: what did not run again was carried along. */
static bool is_same_trace(const tm_trace *before, const tm_trace *after) {
    return before->timestamp[0] != '\0' && strcmp(before->timestamp, after->timestamp) == 0 &&
           before->latency_ms == after->latency_ms;
}

static void settle_timing(tm_arena *arena, const tm_gate *gate, const char *build,
                          tm_gate_cell *out) {
    const tm_trace *before = &out->before->trace, *after = &out->cell->trace;
    const char *obstacle = why_not_comparable(arena, before, after);
    out->before_ms = before->latency_ms;
    out->after_ms = after->latency_ms * gate->options.scale;
    if (gate->options.by_identity && is_identical(before, after)) {
        out->verdict = TM_GATE_SAME;
        out->why = "same solution, harness and device";
        return;
    }
    if (gate->options.by_trace && is_same_trace(before, after)) {
        out->verdict = TM_GATE_SAME;
        out->why = "the same measurement";
        return;
    }
    /* A cell's samples are of no use behind its own comparison. */
    tm_arena *own = tm_arena_create();
    const char *samples = tm_trace_beside(own, out->cell->trace_path, ".samples");
    if (samples != NULL)
        samples = tm_file_join(own, build, samples);
    tm_timing old = tm_timing_read(own, before, out->before->samples_path);
    tm_timing new = tm_timing_read(own, after, samples);
    if (obstacle != NULL || old.source == TM_TIMING_NONE || new.source == TM_TIMING_NONE) {
        out->verdict = TM_GATE_AMBIGUOUS;
        out->why = obstacle != NULL ? obstacle : "no latency";
    } else {
        new = tm_timing_scale(own, &new, gate->options.scale);
        out->source = old.source < new.source ? old.source : new.source;
        out->comparison = tm_gate_compare(&old, &new, gate->options.noise, gate->noise_ns);
        out->is_compared = true;
    }
    tm_arena_destroy(own);
}

static void settle_cell(tm_arena *arena, const tm_gate *gate, const char *build,
                        tm_gate_cell *out) {
    bool passes = out->cell->state == TM_MODEL_RAN && out->cell->trace.status == TM_STATUS_PASSED;
    if (out->before == NULL) {
        out->verdict = TM_GATE_NEW;
        out->after_ms = passes ? out->cell->trace.latency_ms : 0.0;
        out->why = passes ? "" : status_of(out->cell);
    } else if (!passes)
        settle_status(arena, out);
    else if (out->before->trace.status != TM_STATUS_PASSED) {
        out->verdict = TM_GATE_FIXED;
        out->after_ms = out->cell->trace.latency_ms;
        out->why = tm_arena_format(arena, "%s before", tm_status_name(out->before->trace.status));
    } else
        settle_timing(arena, gate, build, out);
}

static void decide(tm_gate_cell *cell, double threshold) {
    bool before = tm_doubt_waited(cell->before->trace.details_node);
    bool now = tm_doubt_waited(cell->cell->trace.details_node);
    cell->verdict = tm_gate_decide(&cell->comparison, threshold, before || now);
    if (cell->verdict == TM_GATE_AMBIGUOUS && (before || now))
        cell->why = before && now ? "other programs ran beside both"
                    : now         ? "other programs ran beside it"
                                  : "other programs ran beside it before";
}

static double change_of(const tm_gate_cell *cell) {
    return cell->is_compared ? fabs(log(cell->comparison.ratio)) : 0.0;
}

static int compare_cells(const void *left_pointer, const void *right_pointer) {
    const tm_gate_cell *left = left_pointer, *right = right_pointer;
    if (left->verdict != right->verdict)
        return left->verdict < right->verdict ? -1 : 1;
    double old = change_of(left), new = change_of(right);
    if (old != new)
        return old > new ? -1 : 1;
    int order = strcmp(left->definition, right->definition);
    if (order == 0)
        order = strcmp(left->solution, right->solution);
    return order != 0 ? order : strcmp(left->uuid, right->uuid);
}

static bool is_same_cell(const tm_baseline_cell *left, const tm_baseline_cell *right) {
    return strcmp(left->trace.definition, right->trace.definition) == 0 &&
           strcmp(left->trace.solution, right->trace.solution) == 0 &&
           strcmp(left->uuid, right->uuid) == 0;
}

/* With it those of the cell on other hardware. */
static void note_found(const tm_baseline *baseline, const tm_baseline_cell *cell, bool *is_found) {
    size_t at = (size_t)(cell - baseline->cells), end = at;
    while (at > 0 && is_same_cell(&baseline->cells[at - 1], cell))
        at--;
    for (; at < baseline->count && (at <= end || is_same_cell(&baseline->cells[at], cell)); at++)
        is_found[at] = true;
}

static void add_planned(tm_gate *gate, bool *is_found) {
    for (size_t i = 0; i < gate->model->definition_count; i++) {
        const tm_model_definition *definition = &gate->model->definitions[i];
        for (size_t j = 0; j < definition->solution_count; j++)
            for (size_t k = 0; k < definition->workload_count; k++) {
                const tm_model_solution *solution = &definition->solutions[j];
                const tm_model_workload *workload = &definition->workloads[k];
                const tm_model_cell *now = &solution->cells[k];
                const char *hardware = now->state == TM_MODEL_RAN ? now->trace.hardware : "";
                const tm_baseline_cell like = {.uuid = workload->uuid,
                                               .trace = {.definition = definition->name,
                                                         .solution = solution->name,
                                                         .hardware = hardware}};
                const tm_baseline_cell *before = tm_baseline_find(gate->baseline, &like);
                if (before != NULL)
                    note_found(gate->baseline, before, is_found);
                else if (solution->needs != NULL)
                    continue; /* neither before nor now */
                tm_gate_cell *cell = &gate->cells[gate->count++];
                *cell = (tm_gate_cell){.definition = definition->name,
                                       .solution = solution->name,
                                       .author = solution->author,
                                       .uuid = workload->uuid,
                                       .axes = workload->axes,
                                       .code = solution->source,
                                       .cell = now,
                                       .before = before,
                                       .why = ""};
            }
    }
}

/* What one member of the crew compares at a time. */
#define PART_CELLS ((size_t)32)

typedef struct {
    const tm_gate *gate;
    const char *build;
    tm_arena *arenas[TM_CREW_MOST];
} settling;

static void settle_part(void *context, size_t index, int member) {
    settling *all = context;
    if (all->arenas[member] == NULL)
        all->arenas[member] = tm_arena_create();
    size_t end = (index + 1) * PART_CELLS;
    for (size_t i = index * PART_CELLS; i < end && i < all->gate->count; i++)
        settle_cell(all->arenas[member], all->gate, all->build, &all->gate->cells[i]);
}

static void settle_cells(tm_arena *arena, tm_gate *gate, const char *build) {
    settling all = {.gate = gate, .build = build};
    tm_crew_run((gate->count + PART_CELLS - 1) / PART_CELLS, settle_part, &all);
    for (int i = 0; i < TM_CREW_MOST; i++)
        if (all.arenas[i] != NULL)
            tm_arena_adopt(arena, all.arenas[i]);
    for (size_t i = 0; i < gate->count; i++) {
        const tm_gate_cell *cell = &gate->cells[i];
        gate->identical += cell->verdict == TM_GATE_SAME && !cell->is_compared;
        gate->compared += cell->is_compared;
        gate->without_samples += cell->is_compared && cell->source != TM_TIMING_SAMPLES;
    }
}

tm_gate *tm_gate_run(tm_arena *arena, const tm_model *model, const char *build,
                     const tm_baseline *baseline, tm_gate_options options) {
    tm_gate *gate = tm_arena_alloc(arena, sizeof(*gate));
    double noise, noise_ns;
    tm_gate_noise(model->backend, &noise, &noise_ns);
    if (options.noise <= 0.0)
        options.noise = noise;
    *gate =
        (tm_gate){.options = options, .noise_ns = noise_ns, .baseline = baseline, .model = model};
    size_t most = model->score.cells + model->score.waiting + baseline->count;
    gate->cells = tm_arena_array(arena, most, sizeof(*gate->cells));
    bool *is_found = tm_arena_array(arena, baseline->count, sizeof(*is_found));
    add_planned(gate, is_found);
    settle_cells(arena, gate, build);
    tm_gate_comparison **comparisons = tm_arena_array(arena, gate->count, sizeof(*comparisons));
    size_t compared = 0;
    for (size_t i = 0; i < gate->count; i++)
        if (gate->cells[i].is_compared)
            comparisons[compared++] = &gate->cells[i].comparison;
    tm_gate_adjust(arena, comparisons, compared);
    for (size_t i = 0; i < gate->count; i++)
        if (gate->cells[i].is_compared)
            decide(&gate->cells[i], options.threshold);
    for (size_t i = 0; i < baseline->count; i++) {
        const tm_baseline_cell *before = &baseline->cells[i];
        if (!is_found[i] && (i == 0 || !is_same_cell(before - 1, before)))
            gate->cells[gate->count++] = (tm_gate_cell){.verdict = TM_GATE_GONE,
                                                        .definition = before->trace.definition,
                                                        .solution = before->trace.solution,
                                                        .author = before->trace.author,
                                                        .uuid = before->uuid,
                                                        .axes = "",
                                                        .before = before,
                                                        .before_ms = before->trace.latency_ms,
                                                        .why = "not planned"};
    }
    if (gate->count > 0)
        qsort(gate->cells, gate->count, sizeof(*gate->cells), compare_cells);
    for (size_t i = 0; i < gate->count; i++)
        gate->by_verdict[gate->cells[i].verdict]++;
    return gate;
}
