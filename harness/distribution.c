/* distribution: what a solution's samples come to over many calls.
 *
 * Counted on the device, judged here. First calls of the row's own size, as they are timed; then
 * calls whose batch is the row's, repeated, for many samples in few calls. */
#include <string.h>

#include "harness/judgement.h"

/* Memory of a repeated batch: large enough to fill a device, and few enough elements for a solution
 * that counts them in 32 bits. On a CPU a call of a few milliseconds, as time is short there. */
#define GPU_BYTES (INT64_C(1) << 30)
#define CPU_BYTES (INT64_C(1) << 20)
/* Time for all calls, unless extra.sampling_seconds says otherwise. */
#define GPU_SECONDS 20
#define CPU_SECONDS 0.2
/* Calls of the row's own size are few, and say little if they are fewer. */
#define ROUNDS_SECONDS 1
/* A test that lets more pass than this is flagged: every other token may be drawn by another rule
 * (docs/MEASUREMENT.md). */
#define WEAK_TVD_LIMIT 0.5

static bool is_cpu(const tm_cell *cell) {
    const tm_node *backend = tm_node_get(cell->device, "backend");
    return backend && backend->string && strcmp(backend->string, "cpu") == 0;
}

/* Judges what has been counted, as many rows at a time as the delivery holds. */
static tm_step judge_counts(tm_judgement *j, tm_sample_counts counts) {
    tm_side *side = &j->sides[TM_SIDE_SOLUTION];
    const tm_sampling_rule *rule = tm_evaluator_for(j->cell->table)->sampling;
    tm_verdict *verdict = &j->outcome->verdict;
    int64_t rows = counts.rows, row_bytes = (counts.vocabulary + 1) * (int64_t)sizeof(uint32_t);
    int64_t most = (int64_t)side->child.delivery.bytes / row_bytes;
    if (most == 0)
        return tm_conclude(j, TM_STATUS_VOID, "no verdict: a vocabulary of %lld is too large",
                           (long long)counts.vocabulary);
    for (counts.first = 0; counts.first < rows; counts.first += counts.rows) {
        tm_reply reply;
        counts.rows = rows - counts.first < most ? rows - counts.first : most;
        tm_request fetch = {.kind = TM_REQUEST_COUNTED,
                            .offset = (uint64_t)counts.first,
                            .rows = counts.rows,
                            .vocabulary = counts.vocabulary};
        tm_step step = tm_side_ask(j, side, &fetch, &reply);
        if (step != TM_GO_ON)
            return step;
        counts.cells = side->child.delivery.map;
        uint64_t begin_ns = tm_clock_ns();
        rule->judge(j->cell->table, &j->cell->config, j->inputs, &counts, verdict);
        j->outcome->comparing_ns += (double)(tm_clock_ns() - begin_ns);
        if (verdict->status == TM_STATUS_PASSED)
            continue;
        side->is_spoilt = true;
        return tm_conclude(j, verdict->status, "%s", verdict->reason);
    }
    return TM_GO_ON;
}

/* At most `calls`, at least one; each gives `repeats` samples of a row. `full` as for
 * tm_side_try. */
static tm_step count(tm_judgement *j, tm_sample_counts counts, int64_t calls, int64_t repeats,
                     double seconds, bool *full) {
    tm_verdict *verdict = &j->outcome->verdict;
    tm_side *side = &j->sides[TM_SIDE_SOLUTION];
    tm_request request = {.kind = TM_REQUEST_COUNT,
                          .iterations = calls,
                          .cap_ns = (uint64_t)(seconds * 1e9),
                          .seed = tm_answers_seed(j->answers.head, 0),
                          .rows = counts.rows,
                          .vocabulary = counts.vocabulary};
    tm_reply reply;
    tm_step step = tm_side_try(j, side, &request, &reply, full);
    if (step != TM_GO_ON || (full && *full))
        return step;
    if (reply.samples < 1 || reply.samples > calls)
        return tm_conclude(j, TM_STATUS_RUNTIME_ERROR,
                           "the worker reported %lld counted calls of %lld",
                           (long long)reply.samples, (long long)calls);
    counts.samples = reply.samples * repeats;
    *(counts.is_own_size ? &verdict->sampling_rounds : &verdict->samples_per_row) = counts.samples;
    verdict->sampling_repeats = repeats;
    return judge_counts(j, counts);
}

/* `wanted` samples of each row, by calls with the batch `repeats` times; where the device has no
 * room for that, half as often, and so on. That it has none for the row itself is a verdict. */
static tm_step count_repeated(tm_judgement *j, tm_sample_counts counts, int64_t wanted,
                              int64_t repeats, double seconds) {
    tm_side *side = &j->sides[TM_SIDE_SOLUTION];
    const char *axis = tm_evaluator_for(j->cell->table)->sampling->batch_axis;
    for (int64_t opened = 1;; repeats /= 2) {
        bool is_full = false, *full = repeats > 1 ? &is_full : NULL;
        tm_step step = TM_GO_ON;
        if (repeats != opened) {
            const tm_job *job =
                tm_job_repeat(side->job, &j->cell->solution, axis, repeats, j->arena);
            step = tm_side_change(j, side, job, full);
            opened = repeats;
        }
        if (step == TM_GO_ON && !is_full)
            step = count(j, counts, (wanted + repeats - 1) / repeats, repeats, seconds, full);
        if (step != TM_GO_ON || !is_full)
            return step;
    }
}

tm_step tm_distribution_check(tm_judgement *j) {
    const tm_table *table = j->cell->table;
    const tm_config *config = &j->cell->config;
    const tm_sampling_rule *rule = tm_evaluator_for(table)->sampling;
    tm_side *side = &j->sides[TM_SIDE_SOLUTION];
    tm_sample_counts counts = {.is_own_size = true};
    if (!rule || !rule->shape(table, &counts.rows, &counts.vocabulary))
        return TM_GO_ON;
    double wanted = tm_config_extra(config, "sampling_samples", 500000);
    double rounds = tm_config_extra(config, "sampling_validation_trials", 100);
    double seconds =
        tm_config_extra(config, "sampling_seconds", is_cpu(j->cell) ? CPU_SECONDS : GPU_SECONDS);
    double spent = seconds / 2 > ROUNDS_SECONDS ? seconds / 2 : ROUNDS_SECONDS;
    int64_t room = is_cpu(j->cell) ? CPU_BYTES : GPU_BYTES, bytes = 1;
    for (size_t i = 0; i < side->job->tensor_count; i++)
        bytes += side->job->tensors[i].is_scalar ? 0 : (int64_t)side->job->tensors[i].bytes;
    int64_t repeats = room / bytes < (int64_t)wanted ? room / bytes : (int64_t)wanted;
    /* A batch that is compiled in is the only one that the solution knows. */
    if (repeats < 1 || tm_node_get(j->cell->solution.baked, rule->batch_axis))
        repeats = 1;
    tm_inputs_select(j->inputs, tm_answers_seed(j->answers.head, 0), 0);
    tm_step step = count(j, counts, (int64_t)rounds, 1, spent, NULL);
    counts.is_own_size = false;
    if (step == TM_GO_ON)
        step = count_repeated(j, counts, (int64_t)wanted, repeats, seconds);
    if (step == TM_GO_ON && j->outcome->verdict.tvd_limit > WEAK_TVD_LIMIT)
        tm_outcome_flag(j->outcome, "WEAK_SAMPLES");
    return step;
}
