#include "harness/judge.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "harness/child.h"
#include "lib/marker.h"
#include "lib/file.h"

static const tm_place command_line = {NULL, TM_WHOLE_FILE};

/* No further sample once a trial has taken this long; a slow reference must not cost more than the
 * cell it serves. Never fewer samples than the floor. */
#define REFERENCE_CAP_NS UINT64_C(150000000)
#define SOLUTION_CAP_NS UINT64_C(250000000)
#define FLOOR_SAMPLES 5

/* One cell being judged. */
typedef struct {
    const tm_cell *cell;
    tm_outcome *outcome;
    tm_arena *arena;
    tm_diag *diag;
    const char *worker;
    tm_shared_job shared[2]; /* of the reference, of the solution */
    tm_child children[2];
    uint64_t deadline_ns;
    double *samples; /* device times of all trials */
    size_t sample_count;
} judgement;

typedef enum { REFERENCE, SOLUTION } side;
/* How a question to a worker ended for the cell. */
typedef enum { GO_ON, VERDICT, BROKEN, EXTERNALLY_KILLED } step;

__attribute__((format(printf, 3, 4))) static step conclude(judgement *j, tm_status status,
                                                           const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    j->outcome->status = status;
    vsnprintf(j->outcome->reason, sizeof j->outcome->reason, format, arguments);
    va_end(arguments);
    return VERDICT;
}

static const char *request_name(const tm_request *request) {
    static const char *const names[] = {"loading", "a checked call", "a timed call", "quitting"};
    return names[request->kind];
}

/* A worker that ended instead of answering. */
static step judge_end(judgement *j, side who, const tm_request *request, tm_child_outcome how,
                      int code) {
    const char *during = request_name(request);
    const char *log = tm_text_get(&j->children[who].log);
    if (who == REFERENCE) {
        tm_diag_error(j->diag, command_line, j->cell->table->reference,
                      "the reference's worker %s %d during %s of %s; its output: %.400s",
                      how == TM_CHILD_KILLED      ? "died of signal"
                      : how == TM_CHILD_TIMED_OUT ? "ran into the time limit, code"
                                                  : "exited with status",
                      code, during, j->cell->table->uuid, log);
        return BROKEN;
    }
    if (how == TM_CHILD_TIMED_OUT)
        return conclude(j, TM_STATUS_TIMEOUT, "no answer to %s within the %g s of the cell", during,
                        j->cell->config.timeout_seconds);
    if (how == TM_CHILD_EXITED && code == 127)
        return tm_diag_error(j->diag, command_line, NULL, "%s: %.200s", j->worker, log), BROKEN;
    if (how == TM_CHILD_EXITED)
        return conclude(j, TM_STATUS_RUNTIME_ERROR,
                        "the process ended with exit status %d during %s", code, during);
    conclude(j, TM_STATUS_RUNTIME_ERROR, "killed by signal %d (%s) during %s", code,
             strsignal(code), during);
    return code == SIGKILL ? EXTERNALLY_KILLED : VERDICT;
}

static step judge_reply(judgement *j, side who, const tm_reply *reply) {
    if (reply->kind == TM_REPLY_OK)
        return GO_ON;
    if (who == REFERENCE || reply->kind == TM_REPLY_HARNESS_FAILED ||
        reply->kind == TM_REPLY_OUT_OF_MEMORY) {
        tm_diag_error(j->diag, command_line,
                      who == REFERENCE ? j->cell->table->reference : j->cell->solution.name, "%s",
                      reply->message);
        return BROKEN;
    }
    return conclude(j, TM_STATUS_RUNTIME_ERROR, "%s", reply->message);
}

static step ask(judgement *j, side who, const tm_request *request, tm_reply *reply) {
    int code;
    tm_child_outcome how =
        tm_child_ask(&j->children[who], request, reply, j->deadline_ns, &code);
    if (how != TM_CHILD_REPLIED)
        return judge_end(j, who, request, how, code);
    return judge_reply(j, who, reply);
}

static step load(judgement *j, side who) {
    tm_request request = {.kind = TM_REQUEST_LOAD};
    tm_reply reply;
    if (!tm_child_start(&j->children[who], j->worker, j->shared[who].memfd)) {
        tm_diag_error(j->diag, command_line, NULL, "%s: %s", j->worker, strerror(errno));
        return BROKEN;
    }
    return ask(j, who, &request, &reply);
}

/* Compares what the two workers have delivered. */
static step compare(judgement *j) {
    const tm_table *table = j->cell->table;
    void *expected[TM_JOB_MAX_TENSORS], *actual[TM_JOB_MAX_TENSORS];
    for (size_t i = 0; i < table->output_count; i++) {
        expected[i] = tm_shared_job_output(&j->shared[REFERENCE], table->input_count + i);
        actual[i] = tm_shared_job_output(&j->shared[SOLUTION], table->input_count + i);
    }
    tm_verdict *verdict = &j->outcome->verdict;
    tm_evaluator_for(table)->judge(table, &j->cell->config, expected, actual, verdict);
    j->outcome->compared = true;
    return verdict->status == TM_STATUS_PASSED
               ? GO_ON
               : conclude(j, verdict->status, "%s", verdict->reason);
}

/* Times one worker; its samples stand in its shared memory afterwards. */
static step measure(judgement *j, side who, uint64_t cap_ns, bool first, tm_reply *reply) {
    const tm_config *config = &j->cell->config;
    tm_request request = {.kind = TM_REQUEST_TIME,
                          .warmup = first ? (int32_t)config->warmup_runs : 1,
                          .iterations = config->iterations,
                          .floor = FLOOR_SAMPLES,
                          .cap_ns = cap_ns};
    if (config->warmup_runs == 0)
        request.warmup = 0;
    step result = ask(j, who, &request, reply);
    if (result == GO_ON && (reply->samples < 1 || reply->samples > TM_JOB_MAX_SAMPLES)) {
        tm_diag_error(j->diag, command_line, NULL, "expected 1 to %d samples, got %lld",
                      TM_JOB_MAX_SAMPLES, (long long)reply->samples);
        return BROKEN;
    }
    return result;
}

/* Medians of device and wall time of the samples a worker has delivered. */
static tm_trial read_samples(judgement *j, side who, const tm_reply *reply) {
    const tm_job_sample *samples = tm_job_samples(j->shared[who].job);
    size_t count = (size_t)reply->samples;
    double *device = malloc(count * sizeof *device), *wall = malloc(count * sizeof *wall);
    if (!device || !wall)
        abort();
    for (size_t i = 0; i < count; i++) {
        device[i] = samples[i].device_ns;
        wall[i] = samples[i].wall_ns;
    }
    if (who == SOLUTION) {
        j->samples = realloc(j->samples, (j->sample_count + count) * sizeof *j->samples);
        if (!j->samples)
            abort();
        memcpy(j->samples + j->sample_count, device, count * sizeof *device);
        j->sample_count += count;
    }
    tm_trial trial = {.device_ns = tm_stats_of(device, count), .capped = reply->capped};
    trial.wall_median_ns = tm_stats_of(wall, count).median;
    free(device);
    free(wall);
    return trial;
}

/* One trial: new inputs for both, a checked call, timed calls, and the timed output checked too. */
static step run_trial(judgement *j, int64_t number) {
    tm_request request = {.kind = TM_REQUEST_RUN,
                          .seed = j->outcome->seed + (uint64_t)number};
    tm_reply reply;
    step result = ask(j, REFERENCE, &request, &reply);
    if (result == GO_ON)
        result = ask(j, SOLUTION, &request, &reply);
    if (result == GO_ON)
        result = compare(j);
    if (result != GO_ON)
        return result;
    if (number == 0 && j->cell->config.profile_baseline) {
        result = measure(j, REFERENCE, REFERENCE_CAP_NS, true, &reply);
        if (result != GO_ON)
            return result;
        j->outcome->reference_latency_ns = read_samples(j, REFERENCE, &reply).device_ns.median;
    }
    result = measure(j, SOLUTION, SOLUTION_CAP_NS, number == 0, &reply);
    if (result != GO_ON)
        return result;
    j->outcome->trials[j->outcome->trial_count++] = read_samples(j, SOLUTION, &reply);
    result = compare(j);
    if (result == VERDICT)
        snprintf(j->outcome->reason, sizeof j->outcome->reason, "in a timed call: %s",
                 j->outcome->verdict.reason);
    return result;
}

static int compare_doubles(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void summarise(judgement *j) {
    tm_outcome *outcome = j->outcome;
    for (size_t i = 0; i < outcome->trial_count; i++)
        outcome->latency_ns +=
            outcome->trials[i].device_ns.median / (double)outcome->trial_count;
    qsort(j->samples, j->sample_count, sizeof *j->samples, compare_doubles);
    tm_stats_median_interval(j->samples, j->sample_count, &outcome->interval_low_ns,
                             &outcome->interval_high_ns);
    outcome->status = TM_STATUS_PASSED;
    outcome->reason[0] = '\0';
}

/* Both workers, from their start to the last trial. */
static step run_workers(judgement *j) {
    int64_t trials = j->cell->config.num_trials;
    trials = trials < TM_JUDGE_MAX_TRIALS ? trials : TM_JUDGE_MAX_TRIALS;
    j->deadline_ns = tm_clock_ns() + (uint64_t)(j->cell->config.timeout_seconds * 1e9);
    step result = load(j, REFERENCE);
    if (result == GO_ON)
        result = load(j, SOLUTION);
    for (int64_t i = 0; i < trials && result == GO_ON; i++)
        result = run_trial(j, i);
    return result;
}

/* The compiler's words, when the solution did not compile. */
static bool did_not_compile(judgement *j) {
    FILE *file = fopen(j->cell->solution_path, "r");
    char head[sizeof TM_COMPILE_ERROR] = "";
    bool failed = file && fread(head, 1, sizeof head - 1, file) == sizeof head - 1 &&
                  strcmp(head, TM_COMPILE_ERROR) == 0;
    char buffer[4096];
    for (size_t got; failed && (got = fread(buffer, 1, sizeof buffer, file)) > 0;)
        tm_text_add_bytes(&j->outcome->log, buffer, got);
    if (file)
        fclose(file);
    return failed;
}

/* The first line that says what is wrong, for the reason of a compile error. */
static void conclude_compile_error(judgement *j) {
    const char *log = tm_text_get(&j->outcome->log), *error = strstr(log, "error");
    const char *line = error ? error : log;
    while (line > log && line[-1] != '\n')
        line--;
    conclude(j, TM_STATUS_COMPILE_ERROR, "%.*s", (int)strcspn(line, "\n"), line);
}

static bool is_void(const tm_table *table) {
    for (size_t i = 0; i < table->output_count; i++) {
        const tm_table_tensor *tensor = &table->tensors[table->input_count + i];
        bool empty = false;
        for (int axis = 0; axis < tensor->rank; axis++)
            empty = empty || tensor->shape[axis] == 0;
        if (!empty)
            return false;
    }
    return true;
}

/* Solutions and references each get a job of their own: no process sees both. */
static bool open_jobs(judgement *j) {
    const tm_cell *cell = j->cell;
    if (!tm_shared_job_open(&j->shared[REFERENCE], cell->table, &cell->reference,
                            cell->reference_path, cell->root, j->arena, j->diag) ||
        !tm_shared_job_open(&j->shared[SOLUTION], cell->table, &cell->solution,
                            cell->solution_path, cell->root, j->arena, j->diag))
        return false;
    for (int who = 0; who < 2; who++)
        j->shared[who].job->device = cell->device_index;
    return true;
}

static void close_all(judgement *j) {
    for (int who = 0; who < 2; who++) {
        tm_child_end(&j->children[who]);
        if (who == SOLUTION) {
            tm_child *child = &j->children[who];
            tm_text_add(&j->outcome->log, tm_text_get(&child->log));
            if (child->dropped_bytes)
                tm_text_format(&j->outcome->log, "\n[tracemill: %llu more bytes were dropped]\n",
                               (unsigned long long)child->dropped_bytes);
        }
        tm_child_free(&j->children[who]);
        tm_shared_job_close(&j->shared[who]);
    }
    free(j->samples);
    j->samples = NULL;
    j->sample_count = 0;
}

/* One attempt in fresh workers. */
static step attempt(judgement *j) {
    tm_outcome *outcome = j->outcome;
    tm_verdict_begin(&outcome->verdict);
    outcome->compared = false;
    outcome->trial_count = 0;
    outcome->latency_ns = outcome->reference_latency_ns = 0;
    tm_text_clear(&outcome->log);
    step result = open_jobs(j) ? run_workers(j) : BROKEN;
    if (result == GO_ON)
        summarise(j);
    close_all(j);
    return result;
}

bool tm_judge_cell(const tm_cell *cell, tm_outcome *outcome, tm_arena *arena, tm_diag *diag) {
    *outcome = (tm_outcome){.seed = cell->seed};
    judgement j = {.cell = cell,
                   .outcome = outcome,
                   .arena = arena,
                   .diag = diag,
                   .worker = tm_cell_path(cell, arena, "build/bin/tm-worker"),
                   .shared = {{.memfd = -1}, {.memfd = -1}},
                   .children = {{.socket = -1, .output = -1}, {.socket = -1, .output = -1}}};
    if (did_not_compile(&j)) {
        conclude_compile_error(&j);
        return true;
    }
    if (is_void(cell->table)) {
        conclude(&j, TM_STATUS_VOID, "every output is empty: there is nothing to compare");
        return true;
    }
    if (!cell->has_seed &&
        getrandom(&outcome->seed, sizeof outcome->seed, 0) != (ssize_t)sizeof outcome->seed) {
        tm_diag_error(diag, command_line, NULL, "no random seed: %s", strerror(errno));
        return false;
    }
    outcome->seed &= (UINT64_C(1) << 53) - 1; /* exact in every JSON reader */
    step result = attempt(&j);
    /* SIGKILL comes from outside (a person, the system short of memory): once is no verdict. */
    if (result == EXTERNALLY_KILLED)
        result = attempt(&j);
    return result != BROKEN;
}
