/* trials: a solution's calls, checked and timed. */
#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "harness/comparison.h"
#include "harness/keeper.h"

/* No further sample once a trial's samples have taken this long; never fewer than the floor. */
#define SOLUTION_CAP_NS UINT64_C(250000000)
/* Timed calls of an in-process run, besides the checked one: for a debugger, not for a result. */
#define IN_PROCESS_CALLS 3
/* Wall time is the figure when the device was idle for most of a call: more than this and more
 * than so many times what it was busy. Launching and waiting take some ten microseconds; a call
 * that computes on the host takes longer than the device would have. */
#define HOST_WORK_NS 5e5
#define HOST_WORK_FACTOR 10
/* What the device did for a call lies between the events around it, but for work on streams that
 * the call did not join with its own, and for the difference of two clocks. */
#define OUTSIDE_FACTOR 1.02
#define OUTSIDE_NS 500
/* Samples that a slow device gave are taken again after a pause, so many times in a cell. */
#define MAX_PAUSES 5
#define PAUSE_MS 100

int64_t tm_trial_count(const tm_cell *cell) {
    int64_t trials = cell->in_process ? 1 : cell->config.num_trials;
    return trials < TM_ANSWERS_MAX_TRIALS ? trials : TM_ANSWERS_MAX_TRIALS;
}

int64_t tm_trial_iterations(const tm_cell *cell) {
    return cell->in_process ? IN_PROCESS_CALLS : cell->config.iterations;
}

void tm_trial_free(tm_trial *trial) {
    free(trial->block);
    *trial = (tm_trial){0};
}

/* Whether times can be true: a worker can claim any. */
static bool are_possible(const tm_job_sample *samples, size_t count, double waited_ns) {
    double sum_device = 0, sum_wall = 0;
    for (size_t i = 0; i < count; i++) {
        if (!(samples[i].device_ns >= 0) || !(samples[i].wall_ns >= 0) ||
            !(samples[i].marks_ns >= 0) || !isfinite(samples[i].marks_ns))
            return false;
        sum_device += samples[i].device_ns;
        sum_wall += samples[i].wall_ns;
    }
    /* The clocks of host and device may run a little differently. */
    return sum_wall <= waited_ns && sum_device <= waited_ns * 1.01 + 1e5;
}

static size_t max_samples(const tm_cell *cell) {
    int64_t most = (1 + TM_ANSWERS_MAX_TIMED) * TM_JOB_MAX_SAMPLES;
    int64_t wanted = tm_trial_iterations(cell);
    return (size_t)(wanted < most ? wanted : most);
}

static void make_room(tm_trial *trial, size_t capacity) {
    if (trial->block)
        return;
    trial->block = malloc(3 * capacity * sizeof *trial->block);
    if (!trial->block)
        abort();
    trial->capacity = capacity;
    trial->samples.device_ns = trial->block;
    trial->samples.marks_ns = trial->block + capacity;
    trial->samples.wall_ns = trial->block + 2 * capacity;
}

/* Copies the samples that a worker has delivered; it may change them while we look. */
static bool take_samples(tm_side *side, const tm_request *request, const tm_reply *reply,
                         double waited_ns, tm_trial *trial) {
    int64_t wanted =
        request->iterations < TM_JOB_MAX_SAMPLES ? request->iterations : TM_JOB_MAX_SAMPLES;
    bool may_stop =
        reply->capped && reply->samples >= request->floor && waited_ns >= request->cap_ns;
    if (reply->samples < 1 || reply->samples > wanted || (reply->samples < wanted && !may_stop))
        return false;
    size_t count = (size_t)reply->samples;
    tm_job_sample *samples = malloc(count * sizeof *samples);
    if (!samples)
        abort();
    memcpy(samples, ((const tm_desk *)side->child.desk.map)->samples, count * sizeof *samples);
    bool good =
        are_possible(samples, count, waited_ns) && count <= trial->capacity - trial->samples.count;
    for (size_t i = 0; good && i < count; i++) {
        size_t at = trial->samples.count++;
        trial->block[at] = samples[i].device_ns;
        trial->block[trial->capacity + at] = samples[i].marks_ns;
        trial->block[2 * trial->capacity + at] = samples[i].wall_ns;
        trial->samples.activities = samples[i].activities;
    }
    free(samples);
    return good;
}

tm_step tm_trial_measure(tm_judgement *j, tm_side *side, tm_request *request, tm_trial *trial) {
    tm_reply reply;
    make_room(trial, max_samples(j->cell));
    uint64_t begin_ns = tm_clock_ns();
    tm_step step = tm_side_ask(j, side, request, &reply);
    double waited_ns = (double)(tm_clock_ns() - begin_ns);
    if (step != TM_GO_ON)
        return step;
    trial->protocol_ns +=
        (double)reply.protocol_ns < waited_ns ? (double)reply.protocol_ns : waited_ns;
    trial->capped = trial->capped || reply.capped;
    if (take_samples(side, request, &reply, waited_ns, trial))
        return TM_GO_ON;
    side->is_spoilt = true;
    return tm_conclude_side(j, side, TM_STATUS_RUNTIME_ERROR,
                            "the worker reported impossible times: %lld samples in %.4g ms",
                            (long long)reply.samples, waited_ns / 1e6);
}

/* Clocks and the like, from the keeper or from a gauge of our own. */
static void read_gauge(tm_judgement *j, tm_gauge_reading *reading) {
    *reading = (tm_gauge_reading){0};
    if (j->keeper >= 0)
        tm_keeper_gauge(j->keeper, reading);
    else
        tm_gauge_read(j->gauge, reading);
}

static int pauses_left(const tm_judgement *j) {
    return MAX_PAUSES - j->pauses;
}

/* Timed calls up to the next one that is checked, or to the end. */
static tm_step time_until(tm_judgement *j, int64_t number, int64_t until, bool first,
                          tm_trial *trial, uint64_t *left_ns) {
    const tm_config *config = &j->cell->config;
    int64_t done = (int64_t)trial->samples.count;
    tm_request request = {.kind = TM_REQUEST_TIME,
                          .iterations = until - done,
                          .steps = done,
                          .floor = done == 0 ? until : TM_JUDGE_FLOOR_SAMPLES - done,
                          .cap_ns = *left_ns,
                          .seed = tm_answers_seed(j->answers.head, number)};
    tm_step step;
    if (done == 0 && config->warmup_runs > 0 && !j->cell->in_process)
        request.warmup = first ? (int32_t)config->warmup_runs : 1;
    for (;;) {
        uint64_t begin_ns = tm_clock_ns();
        step = tm_trial_measure(j, &j->sides[TM_SIDE_SOLUTION], &request, trial);
        uint64_t took_ns = tm_clock_ns() - begin_ns;
        read_gauge(j, &j->outcome->after);
        if (step != TM_GO_ON || !tm_gauge_is_slow(&j->outcome->after) || pauses_left(j) == 0) {
            *left_ns -= took_ns < *left_ns ? took_ns : *left_ns;
            return step;
        }
        j->outcome->retakes += (int64_t)trial->samples.count - done;
        j->pauses++;
        trial->samples.count = (size_t)done;
        poll(NULL, 0, PAUSE_MS);
    }
}

/* One trial: new inputs, a checked call, timed calls, some of them checked too. */
static tm_step run_trial(tm_judgement *j, int64_t number) {
    const tm_answers_head *head = j->answers.head;
    tm_side *side = &j->sides[TM_SIDE_SOLUTION];
    tm_trial *trial = &j->outcome->trials[j->outcome->trial_count];
    tm_request run = {.kind = TM_REQUEST_RUN, .seed = tm_answers_seed(head, number)};
    tm_reply reply;
    uint64_t left_ns = SOLUTION_CAP_NS;
    int64_t all = tm_trial_iterations(j->cell);
    tm_step step = tm_side_ask(j, side, &run, &reply);
    *trial = (tm_trial){.protocol_ns = step == TM_GO_ON ? (double)reply.protocol_ns : 0};
    if (step == TM_GO_ON)
        step = tm_comparison_begin(j, number);
    for (int i = 0; i <= head->timed && step == TM_GO_ON && !trial->capped; i++) {
        int64_t until = i < head->timed ? head->steps[number][i] : all;
        if ((int64_t)trial->samples.count == until)
            continue;
        if (left_ns == 0 && trial->samples.count >= TM_JUDGE_FLOOR_SAMPLES)
            trial->capped = true;
        else
            step = time_until(j, number, until, number == 0, trial, &left_ns);
        if (step == TM_GO_ON && i < head->timed && (int64_t)trial->samples.count == until) {
            step = tm_comparison_make(j, number, i);
            j->outcome->checked_timed_calls++;
        }
    }
    if (step != TM_GO_ON) {
        tm_trial_free(trial);
        return step;
    }
    j->outcome->protocol_ns += trial->protocol_ns;
    j->outcome->trial_count++;
    return TM_GO_ON;
}

static int compare_doubles(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Statistics of a trial's samples, which stay in the order in which they were taken. */
static tm_stats stats_of(const double *samples, size_t count, double *scratch) {
    memcpy(scratch, samples, count * sizeof *samples);
    return tm_stats_of(scratch, count);
}

/* What the clock in use cannot tell apart (stats.h). */
static double least_ns(const tm_outcome *outcome) {
    if (strcmp(outcome->clock, "cupti") == 0)
        return TM_STATS_LEAST_CUPTI_NS;
    return strcmp(outcome->clock, "monotonic") == 0 ? TM_STATS_LEAST_MONOTONIC_NS
                                                    : TM_STATS_LEAST_EVENTS_NS;
}

static void summarise(tm_judgement *j) {
    tm_outcome *outcome = j->outcome;
    size_t total = 0, at = 0;
    double busy = 0, wall = 0;
    for (size_t i = 0; i < outcome->trial_count; i++)
        total += outcome->trials[i].samples.count;
    double *all = malloc(total * sizeof *all), *scratch = malloc(total * sizeof *scratch);
    if (!all || !scratch)
        abort();
    for (size_t i = 0; i < outcome->trial_count; i++) {
        tm_trial *trial = &outcome->trials[i];
        size_t count = trial->samples.count;
        trial->device_ns = stats_of(trial->samples.device_ns, count, scratch);
        trial->wall_median_ns = stats_of(trial->samples.wall_ns, count, scratch).median;
        trial->marks_median_ns = stats_of(trial->samples.marks_ns, count, scratch).median;
        busy += trial->device_ns.median / (double)outcome->trial_count;
        wall += trial->wall_median_ns / (double)outcome->trial_count;
        memcpy(all + at, trial->samples.device_ns, count * sizeof *all);
        at += count;
        if (trial->capped)
            tm_outcome_flag(outcome, "CAPPED");
        if (trial->samples.activities &&
            trial->device_ns.median > trial->marks_median_ns * OUTSIDE_FACTOR + OUTSIDE_NS)
            tm_outcome_flag(outcome, "OUTSIDE_EVENTS");
    }
    outcome->latency_ns = busy;
    tm_stats stats[TM_ANSWERS_MAX_TRIALS];
    for (size_t i = 0; i < outcome->trial_count; i++)
        stats[i] = outcome->trials[i].device_ns;
    if (tm_stats_unstable(stats, outcome->trial_count, least_ns(outcome)) ||
        tm_gauge_is_slow(&outcome->after))
        tm_outcome_flag(outcome, "UNSTABLE");
    if (wall > HOST_WORK_NS + HOST_WORK_FACTOR * busy) {
        outcome->latency_ns = wall;
        tm_outcome_flag(outcome, "HOST_WORK");
    }
    qsort(all, total, sizeof *all, compare_doubles);
    tm_stats_median_interval(all, total, &outcome->interval_low_ns, &outcome->interval_high_ns);
    free(all);
    free(scratch);
}

tm_step tm_trials_run(tm_judgement *j) {
    int64_t trials = j->answers.head->trials;
    tm_step step = tm_side_open(j, &j->sides[TM_SIDE_SOLUTION]);
    j->inputs = tm_inputs_create(j->cell->table, j->sides[TM_SIDE_SOLUTION].job);
    memcpy(j->outcome->clock, j->sides[TM_SIDE_SOLUTION].clock, sizeof j->outcome->clock);
    read_gauge(j, &j->outcome->before);
    for (int64_t i = 0; i < trials && step == TM_GO_ON; i++)
        step = run_trial(j, i);
    step = tm_comparison_end(j, step);
    if (step == TM_GO_ON && !j->cell->in_process)
        step = tm_distribution_check(j);
    if (step == TM_GO_ON && !j->cell->in_process)
        summarise(j);
    return step;
}
