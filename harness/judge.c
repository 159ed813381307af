#include "harness/judge.h"

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "harness/child.h"
#include "harness/in_process.h"
#include "harness/symbols.h"
#include "lib/file.h"
#include "lib/marker.h"

static const tm_place command_line = {NULL, TM_WHOLE_FILE};

/* No further sample once a trial has taken this long; a slow reference must not cost more than the
 * cell it serves. Never fewer samples than the floor. */
#define REFERENCE_CAP_NS UINT64_C(150000000)
#define SOLUTION_CAP_NS UINT64_C(250000000)
#define FLOOR_SAMPLES 5
/* Timed calls of an in-process run, besides the checked one: for a debugger, not for a result. */
#define IN_PROCESS_CALLS 3
#define IN_PROCESS_LIMIT_NS (UINT64_C(1) << 61) /* decades: someone is thinking */

/* One cell being judged. Each worker has the cell's whole time limit for itself: a slow reference
 * is no fault of the solution. */
typedef struct {
    const tm_cell *cell;
    tm_outcome *outcome;
    tm_arena *arena;
    tm_diag *diag;
    const char *worker;
    tm_shared_job shared[2]; /* of the reference, of the solution */
    tm_child children[2];
    uint64_t left_ns[2]; /* of the time limits */
    double *samples;     /* device times of all trials */
    size_t sample_count;
    bool repeated; /* this is the second attempt */
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
    static const char *const names[] = {"its start", "loading", "a checked call", "a timed call",
                                        "quitting"};
    return names[request->kind];
}

/* What one line can show of a text that a worker has made: no control characters, cut to fit. */
static void copy_line(char *out, size_t size, const char *text, size_t length) {
    size_t count = length < size - 1 ? length : size - 1;
    for (size_t i = 0; i < count; i++)
        out[i] = (unsigned char)text[i] < ' ' || text[i] == 127 ? ' ' : text[i];
    out[count] = '\0';
}

/* The last line that a worker has printed, or "". */
static void last_words(const tm_child *child, char *out, size_t size) {
    const char *log = tm_text_get(&child->log);
    size_t end = child->log.length, begin;
    while (end > 0 && (unsigned char)log[end - 1] <= ' ')
        end--;
    for (begin = end; begin > 0 && log[begin - 1] != '\n';)
        begin--;
    copy_line(out, size, log + begin, child->dropped_bytes ? 0 : end - begin);
}

/* A verdict about the solution, or, when it is the reference that failed, none: that is a fault of
 * the data, which must not stop the rest of the matrix. */
__attribute__((format(printf, 4, 5))) static step conclude_side(judgement *j, side who,
                                                                tm_status status,
                                                                const char *format, ...) {
    char what[800], words[200] = "";
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    if (who == SOLUTION)
        return conclude(j, status, "%s", what);
    last_words(&j->children[who], words, sizeof words);
    return conclude(j, TM_STATUS_VOID, "no verdict: the reference %s: %s%s%s",
                    j->cell->table->reference, what, words[0] ? "; it said: " : "", words);
}

/* A worker that failed before anything but our own code was in it. */
__attribute__((format(printf, 3, 4))) static step break_off(judgement *j, side who,
                                                            const char *format, ...) {
    char what[400], words[200];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    last_words(&j->children[who], words, sizeof words);
    tm_diag_error(j->diag, command_line,
                  who == REFERENCE ? j->cell->table->reference : j->cell->solution.name,
                  "%s: the worker of %s %s%s%s; run it by hand without --trace to see it again",
                  j->worker, j->cell->table->uuid, what, words[0] ? "; it said: " : "", words);
    return BROKEN;
}

/* A worker that ended instead of answering. */
static step judge_end(judgement *j, side who, const tm_request *request, tm_child_outcome how,
                      int code) {
    const char *during = request_name(request);
    double limit = j->cell->config.timeout_seconds;
    bool ours = request->kind == TM_REQUEST_OPEN;
    switch (how) {
    case TM_CHILD_TIMED_OUT:
        if (ours)
            return break_off(j, who,
                             "did not open the device within the %g s of --timeout; raise "
                             "it if the device is only slow",
                             limit);
        if (who == REFERENCE)
            return conclude_side(j, who, TM_STATUS_TIMEOUT,
                                 "it needed more than the %g s of --timeout during %s; raise it",
                                 limit, during);
        return conclude(j, TM_STATUS_TIMEOUT, "no answer to %s within the %g s of the cell", during,
                        limit);
    case TM_CHILD_EXITED:
        if (ours)
            return break_off(j, who, "ended with exit status %d during %s", code, during);
        return conclude_side(j, who, TM_STATUS_RUNTIME_ERROR,
                             "the process ended with exit status %d during %s", code, during);
    case TM_CHILD_KILLED:
        conclude_side(j, who, TM_STATUS_RUNTIME_ERROR, "killed by signal %d (%s) during %s", code,
                      strsignal(code), during);
        /* From outside (a person, the system short of memory): once is no verdict. */
        if (code == SIGKILL && !j->repeated)
            return EXTERNALLY_KILLED;
        return ours ? break_off(j, who, "was killed by signal %d (%s) during %s", code,
                                strsignal(code), during)
                    : VERDICT;
    default:
        if (ours)
            return break_off(j, who, "closed its connection to the judge during %s", during);
        return conclude_side(j, who, TM_STATUS_RUNTIME_ERROR,
                             "the process closed its connection to the judge, or sent what is no "
                             "answer, during %s",
                             during);
    }
}

/* From its load on, the solution speaks in its worker's name: whatever is said then is no fault of
 * the harness. What the environment lacks, the reference's worker has said before. A workload that
 * does not fit the device is a fault of neither. */
static step judge_reply(judgement *j, side who, const tm_request *request, const tm_reply *reply) {
    char message[sizeof reply->message], words[200] = "";
    if (reply->kind == TM_REPLY_OK)
        return GO_ON;
    copy_line(message, sizeof message, reply->message, strlen(reply->message));
    if (reply->kind == TM_REPLY_OUT_OF_MEMORY &&
        (who == REFERENCE || request->kind == TM_REQUEST_OPEN))
        return conclude(j, TM_STATUS_VOID, "no verdict: %s", message);
    if (request->kind == TM_REQUEST_OPEN ||
        (who == REFERENCE && reply->kind == TM_REPLY_HARNESS_FAILED)) {
        tm_diag_error(j->diag, command_line,
                      who == REFERENCE ? j->cell->table->reference : j->cell->solution.name, "%s",
                      message);
        return BROKEN;
    }
    if (reply->kind == TM_REPLY_ENTRY_FAILED && who == SOLUTION)
        last_words(&j->children[who], words, sizeof words);
    return conclude_side(j, who, TM_STATUS_RUNTIME_ERROR, "%s%s%s",
                         message[0] ? message : "the worker failed and does not say how",
                         words[0] ? "; it said: " : "", words);
}

static step ask(judgement *j, side who, tm_request *request, tm_reply *reply) {
    int code;
    uint64_t begin_ns = tm_clock_ns();
    tm_child_outcome how =
        tm_child_ask(&j->children[who], request, reply, begin_ns + j->left_ns[who], &code);
    uint64_t took_ns = tm_clock_ns() - begin_ns;
    j->left_ns[who] -= took_ns < j->left_ns[who] ? took_ns : j->left_ns[who];
    if (how != TM_CHILD_REPLIED)
        return judge_end(j, who, request, how, code);
    return judge_reply(j, who, request, reply);
}

/* Bytes of data that a worker may have, 0: no limit. Most of the memory, so that the rest of the
 * machine lives; a GPU's worker reserves far more than it uses, as AddressSanitizer does. */
static uint64_t memory_limit(const tm_cell *cell) {
#if !defined(__SANITIZE_ADDRESS__)
    const tm_node *backend = tm_node_get(cell->device, "backend");
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    if (backend && backend->string && strcmp(backend->string, "cpu") == 0 && pages > 0 && page > 0)
        return (uint64_t)pages / 4 * 3 * (uint64_t)page;
#else
    (void)cell;
#endif
    return 0;
}

static step load(judgement *j, side who) {
    tm_request open = {.kind = TM_REQUEST_OPEN}, request = {.kind = TM_REQUEST_LOAD};
    tm_reply reply;
    char why[256];
    if (who == SOLUTION && tm_symbols_refused(j->cell->solution_path, why, sizeof why))
        return conclude(j, TM_STATUS_RUNTIME_ERROR, "refused: %s", why);
    bool started = who == SOLUTION && j->cell->in_process;
    if (!started && !tm_child_start(&j->children[who], j->worker, j->shared[who].memfd,
                                    memory_limit(j->cell))) {
        tm_diag_error(j->diag, command_line, NULL, "%s: %s", j->worker, strerror(errno));
        return BROKEN;
    }
    step result = ask(j, who, &open, &reply);
    if (result != GO_ON)
        return result;
    copy_line(who == REFERENCE ? j->outcome->reference_clock : j->outcome->clock,
              sizeof j->outcome->clock, reply.clock, strnlen(reply.clock, sizeof reply.clock));
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
    return verdict->status == TM_STATUS_PASSED
               ? GO_ON
               : conclude(j, verdict->status, "%s", verdict->reason);
}

/* Whether times can be true: a worker can claim any. */
static bool are_possible(const double *device, const double *wall, const double *marks,
                         size_t count, double waited_ns) {
    double sum_device = 0, sum_wall = 0;
    for (size_t i = 0; i < count; i++) {
        if (!(device[i] >= 0) || !(wall[i] >= 0) || !(marks[i] >= 0) || !isfinite(marks[i]))
            return false;
        sum_device += device[i];
        sum_wall += wall[i];
    }
    /* The clocks of host and device may run a little differently. */
    return sum_wall <= waited_ns && sum_device <= waited_ns * 1.01 + 1e5;
}

/* Copies the samples that a worker has delivered, then looks at them. */
static bool read_samples(judgement *j, side who, const tm_reply *reply, double waited_ns,
                         tm_trial *trial) {
    if (reply->samples < 1 || reply->samples > j->cell->config.iterations ||
        reply->samples > TM_JOB_MAX_SAMPLES)
        return false;
    const tm_job_sample *samples = tm_shared_job_samples(&j->shared[who]);
    size_t count = (size_t)reply->samples;
    double *device = malloc(3 * count * sizeof *device);
    if (!device)
        abort();
    double *wall = device + count, *marks = wall + count;
    int64_t foreign = 0;
    for (size_t i = 0; i < count; i++) {
        device[i] = samples[i].device_ns;
        wall[i] = samples[i].wall_ns;
        marks[i] = samples[i].marks_ns;
        foreign += samples[i].foreign > 0; /* a worker can claim any number, so calls count */
    }
    bool good = are_possible(device, wall, marks, count, waited_ns);
    if (good && who == SOLUTION) {
        j->samples = realloc(j->samples, (j->sample_count + count) * sizeof *j->samples);
        if (!j->samples)
            abort();
        memcpy(j->samples + j->sample_count, device, count * sizeof *device);
        j->sample_count += count;
    }
    if (good) {
        *trial = (tm_trial){.device_ns = tm_stats_of(device, count), .capped = reply->capped};
        trial->wall_median_ns = tm_stats_of(wall, count).median;
        trial->marks_median_ns = tm_stats_of(marks, count).median;
        trial->activities = samples[count / 2].activities;
        trial->foreign = foreign;
        good = trial->device_ns.median > 0;
    }
    free(device);
    return good;
}

/* One trial's timed calls of one worker. */
static step measure(judgement *j, side who, bool first, tm_trial *trial) {
    const tm_config *config = &j->cell->config;
    tm_request request = {.kind = TM_REQUEST_TIME,
                          .warmup = first ? (int32_t)config->warmup_runs : 1,
                          .iterations = config->iterations,
                          .floor = FLOOR_SAMPLES,
                          .cap_ns = who == REFERENCE ? REFERENCE_CAP_NS : SOLUTION_CAP_NS};
    tm_reply reply;
    if (config->warmup_runs == 0)
        request.warmup = 0;
    if (j->cell->in_process) {
        request.warmup = 0;
        request.iterations = IN_PROCESS_CALLS;
    }
    uint64_t begin_ns = tm_clock_ns();
    step result = ask(j, who, &request, &reply);
    double waited_ns = (double)(tm_clock_ns() - begin_ns);
    if (result != GO_ON || read_samples(j, who, &reply, waited_ns, trial))
        return result;
    return conclude_side(j, who, TM_STATUS_RUNTIME_ERROR,
                         "the worker reported impossible times: %lld samples in %.4g ms",
                         (long long)reply.samples, waited_ns / 1e6);
}

/* One trial: new inputs for both, a checked call, timed calls, and the timed output checked too. */
static step run_trial(judgement *j, int64_t number) {
    tm_request request = {.kind = TM_REQUEST_RUN, .seed = j->outcome->seed + (uint64_t)number};
    tm_reply reply;
    step result = ask(j, REFERENCE, &request, &reply);
    if (result == GO_ON)
        result = ask(j, SOLUTION, &request, &reply);
    if (result == GO_ON)
        result = compare(j);
    if (result != GO_ON)
        return result;
    tm_trial trial;
    if (number == 0 && j->cell->config.profile_baseline && !j->cell->in_process) {
        result = measure(j, REFERENCE, true, &trial);
        if (result != GO_ON)
            return result;
        j->outcome->reference_latency_ns = trial.device_ns.median;
    }
    result = measure(j, SOLUTION, number == 0, &trial);
    if (result != GO_ON)
        return result;
    j->outcome->trials[j->outcome->trial_count++] = trial;
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
    outcome->status = TM_STATUS_PASSED;
    outcome->reason[0] = '\0';
    if (j->cell->in_process)
        return; /* no numbers from there */
    for (size_t i = 0; i < outcome->trial_count; i++)
        outcome->latency_ns += outcome->trials[i].device_ns.median / (double)outcome->trial_count;
    qsort(j->samples, j->sample_count, sizeof *j->samples, compare_doubles);
    tm_stats_median_interval(j->samples, j->sample_count, &outcome->interval_low_ns,
                             &outcome->interval_high_ns);
}

/* Both workers, from their start to the last trial. */
static step run_workers(judgement *j) {
    int64_t trials = j->cell->in_process ? 1 : j->cell->config.num_trials;
    trials = trials < TM_JUDGE_MAX_TRIALS ? trials : TM_JUDGE_MAX_TRIALS;
    step result = load(j, REFERENCE);
    if (result == GO_ON)
        result = load(j, SOLUTION);
    for (int64_t i = 0; i < trials && result == GO_ON; i++)
        result = run_trial(j, i);
    return result;
}

/* The compiler's words, when what should be a shared object did not compile. */
static bool did_not_compile(judgement *j, const char *object) {
    FILE *file = fopen(object, "r");
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

/* The first line that says what is wrong, for the reason of a compile error. A name of a file may
 * well contain "error", and a linker's last line only says that there were some. */
static void conclude_compile_error(judgement *j) {
    static const char *const signs[] = {"error:",
                                        "error #",
                                        "error  ",
                                        "fatal  ",
                                        "undefined reference",
                                        "cannot find ",
                                        "multiple definition"};
    const char *log = tm_text_get(&j->outcome->log), *first = NULL;
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        const char *found = strstr(log, signs[i]);
        first = found && (!first || found < first) ? found : first;
    }
    first = first ? first : log;
    while (first > log && first[-1] != '\n')
        first--;
    conclude(j, TM_STATUS_COMPILE_ERROR, "%s", "");
    copy_line(j->outcome->reason, sizeof j->outcome->reason, first, strcspn(first, "\n"));
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
    return tm_shared_job_open(&j->shared[REFERENCE], cell->table, &cell->reference,
                              cell->reference_path, cell->root, cell->device_index, j->arena,
                              j->diag) &&
           tm_shared_job_open(&j->shared[SOLUTION], cell->table, &cell->solution,
                              cell->solution_path, cell->root, cell->device_index, j->arena,
                              j->diag);
}

static void close_all(judgement *j) {
    for (int who = 0; who < 2; who++) {
        tm_child_end(&j->children[who]);
        /* Of a reference only when it is the reason that there is no verdict. */
        if (who == SOLUTION || j->outcome->status == TM_STATUS_VOID) {
            tm_child *child = &j->children[who];
            tm_text_add(&j->outcome->log, tm_text_get(&child->log));
            if (child->dropped_bytes)
                tm_text_format(&j->outcome->log, "\n[tracemill: %llu more bytes were dropped]\n",
                               (unsigned long long)child->dropped_bytes);
        }
        tm_child_free(&j->children[who]);
        tm_shared_job_close(&j->shared[who]);
    }
    tm_child_end_orphans();
    free(j->samples);
    j->samples = NULL;
    j->sample_count = 0;
}

/* One attempt in fresh workers. */
static step attempt(judgement *j) {
    tm_outcome *outcome = j->outcome;
    tm_verdict_begin(&outcome->verdict);
    outcome->status = TM_STATUS_PASSED;
    outcome->trial_count = outcome->flag_count = 0;
    outcome->has_floor = false;
    outcome->latency_ns = outcome->reference_latency_ns = 0;
    tm_text_clear(&outcome->log);
    for (int who = 0; who < 2; who++)
        j->left_ns[who] = (uint64_t)(j->cell->config.timeout_seconds * 1e9);
    step result = open_jobs(j) ? run_workers(j) : BROKEN;
    if (result == GO_ON) {
        summarise(j);
        result = tm_outcome_is_possible(j->cell, outcome, j->arena) ? GO_ON : VERDICT;
    }
    close_all(j);
    return result;
}

/* In one process of the user's own: this one becomes the solution's worker. */
static step attempt_in_process(judgement *j) {
    if (!open_jobs(j))
        return BROKEN;
    if (!tm_in_process_start(&j->children[SOLUTION], j->worker, j->shared[SOLUTION].memfd)) {
        tm_diag_error(j->diag, command_line, NULL, "%s: %s", j->worker, strerror(errno));
        return BROKEN;
    }
    j->left_ns[REFERENCE] = (uint64_t)(j->cell->config.timeout_seconds * 1e9);
    j->left_ns[SOLUTION] = IN_PROCESS_LIMIT_NS;
    step result = run_workers(j);
    if (result == GO_ON)
        summarise(j);
    if (result != BROKEN)
        tm_outcome_print(j->cell, j->outcome);
    j->outcome->is_printed = true; /* before the prompt comes back */
    int status = result == BROKEN ? 3 : j->outcome->status != TM_STATUS_PASSED;
    tm_in_process_end(&j->children[SOLUTION], status);
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
                   .children = {TM_CHILD_NONE, TM_CHILD_NONE}};
    if (did_not_compile(&j, cell->solution_path)) {
        conclude_compile_error(&j);
        return true;
    }
    if (did_not_compile(&j, cell->reference_path)) {
        conclude(&j, TM_STATUS_VOID, "no verdict: the reference %s did not compile: see %s",
                 cell->table->reference, cell->reference.log);
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
    step result = cell->in_process ? attempt_in_process(&j) : attempt(&j);
    if (result == EXTERNALLY_KILLED) {
        j.repeated = true;
        result = attempt(&j);
    }
    return result != BROKEN;
}
