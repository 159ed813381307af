#include "harness/answers.h"

#include <errno.h>
#include <omp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "harness/controls.h"
#include "harness/evaluator.h"
#include "harness/judgement.h"
#include "harness/keeper.h"
#include "harness/room.h"
#include "harness/window.h"

#define PAGE 4096
/* A slow reference answers for fewer timed calls. */
#define FAST_CALL_NS 20e6
#define SLOW_CALL_NS 100e6
/* No further sample of the reference once its samples have taken this long: it must not cost more
 * than the cells it serves. */
#define REFERENCE_CAP_NS UINT64_C(150000000)
/* The first checked timed call is among so many, which every cell takes. */
#define EARLY_CALLS TM_JUDGE_FLOOR_SAMPLES

uint64_t tm_answers_seed(const tm_answers_head *head, int64_t trial) {
    /* Perturbed inputs use the seeds after it: trials must be far from each other. */
    return tm_window_mix(head->seed + (uint64_t)trial);
}

static uint64_t first_delivery(void) {
    return (sizeof(tm_answers_head) + PAGE - 1) / PAGE * PAGE;
}

uint64_t tm_answers_offset(const tm_job *job, int64_t trial, int timed) {
    uint64_t call = (uint64_t)trial * (1 + TM_ANSWERS_MAX_TIMED) + (uint64_t)(timed + 1);
    return first_delivery() + call * job->output_bytes;
}

/* Memory that the answers of a row take: what is not delivered of large outputs is not there. */
static double bytes_needed(const tm_job *job, int64_t trials, int timed) {
    double whole = 0, windows = 0;
    for (size_t i = job->input_count; i < job->tensor_count; i++) {
        whole += (double)job->tensors[i].bytes;
        windows += (double)tm_job_delivered(&job->tensors[i], true);
    }
    return (double)trials * (whole + timed * windows);
}

static bool draw(uint64_t *value) {
    return getrandom(value, sizeof *value, 0) == (ssize_t)sizeof *value;
}

/* Which timed calls are checked: one early, one in the rest of the first half, one in the second,
 * as far as there are so many. */
static bool draw_steps(tm_answers_head *head, int64_t calls, int wanted) {
    int64_t half = calls / 2 > EARLY_CALLS ? calls / 2 : calls;
    const int64_t first[] = {1, EARLY_CALLS + 1, half + 1};
    const int64_t last[] = {calls < EARLY_CALLS ? calls : EARLY_CALLS, half, calls};
    head->timed = 0;
    while (head->timed < wanted && first[head->timed] <= last[head->timed])
        head->timed++;
    for (int trial = 0; trial < head->trials; trial++)
        for (int i = 0; i < head->timed; i++) {
            uint64_t number;
            if (!draw(&number) || !draw(&head->window_seeds[trial][i]))
                return false;
            uint64_t range = (uint64_t)(last[i] - first[i] + 1);
            head->steps[trial][i] = first[i] + (int64_t)(number % range);
        }
    return true;
}

/* Outputs of a call on their way from the delivery to the answers; of whole ones by a thread, while
 * the worker goes on to calls that deliver parts. */
typedef struct {
    tm_judgement *judgement;
    uint64_t at;
    bool in_windows, goes_on;
    int threads; /* that the thread may have itself */
    pthread_t thread;
} keeping;

static void keep_outputs(const keeping *k) {
    const tm_side *side = &k->judgement->sides[TM_SIDE_REFERENCE];
    char *answers = (char *)k->judgement->answers.memory.map + k->at;
    const char *delivery = side->child.delivery.map;
    for (size_t i = side->job->input_count; i < side->job->tensor_count; i++) {
        const tm_job_tensor *tensor = &side->job->tensors[i];
        tm_memory_copy(answers + tensor->offset,
                       delivery + tm_job_delivered_at(side->job, i, k->in_windows),
                       tm_job_delivered(tensor, k->in_windows));
    }
}

static void *keep_in_thread(void *context) {
    const keeping *k = context;
    omp_set_num_threads(k->threads);
    keep_outputs(k);
    return NULL;
}

static void end_keeping(keeping *k) {
    if (k->goes_on)
        pthread_join(k->thread, NULL);
    k->goes_on = false;
}

/* One call of the reference on the inputs of a trial, its outputs to the answers. `whole` is what
 * goes on of the last call that delivered all. */
static tm_step answer(tm_judgement *j, int64_t trial, int timed, keeping *whole, double *call_ns) {
    tm_answers_head *head = j->answers.memory.map;
    tm_side *side = &j->sides[TM_SIDE_REFERENCE];
    tm_request run = {.kind = TM_REQUEST_RUN, .seed = tm_answers_seed(head, trial)};
    tm_request fetch = {.kind = TM_REQUEST_FETCH};
    tm_reply reply;
    if (timed >= 0) {
        run.steps = head->steps[trial][timed];
        fetch.windows = tm_evaluator_for(j->cell->table)->by_element;
        fetch.window_seed = head->window_seeds[trial][timed];
    }
    tm_step step = tm_side_ask(j, side, &run, &reply);
    if (step != TM_GO_ON)
        return step;
    head->protocol_ns += (double)reply.protocol_ns;
    *call_ns = (double)reply.protocol_ns;
    if (!fetch.windows)
        end_keeping(whole);
    step = tm_side_ask(j, side, &fetch, &reply);
    if (step != TM_GO_ON)
        return step;
    keeping now = {.judgement = j,
                   .at = tm_answers_offset(side->job, trial, timed),
                   .in_windows = fetch.windows,
                   .threads = j->later_threads};
    if (fetch.windows || side->job->output_bytes < TM_LATER_BYTES || j->later_threads == 0)
        keep_outputs(&now);
    else {
        *whole = now;
        whole->goes_on = pthread_create(&whole->thread, NULL, keep_in_thread, whole) == 0;
        if (!whole->goes_on)
            keep_outputs(&now);
    }
    return TM_GO_ON;
}

static tm_step time_reference(tm_judgement *j) {
    const tm_config *config = &j->cell->config;
    tm_answers_head *head = j->answers.memory.map;
    tm_request request = {.kind = TM_REQUEST_TIME,
                          .warmup = (int32_t)config->warmup_runs,
                          .iterations = config->iterations,
                          .floor = TM_JUDGE_FLOOR_SAMPLES,
                          .cap_ns = REFERENCE_CAP_NS,
                          .seed = tm_answers_seed(head, 0)};
    tm_trial trial = {0};
    tm_step step = tm_trial_measure(j, &j->sides[TM_SIDE_REFERENCE], &request, &trial);
    if (step == TM_GO_ON) {
        head->reference_ns = tm_stats_of(trial.block, trial.samples.count).median;
        head->protocol_ns += trial.protocol_ns;
    }
    tm_trial_free(&trial);
    return step;
}

/* Which plainly wrong answers would pass on this row. */
static void try_controls(tm_judgement *j) {
    const tm_table *table = j->cell->table;
    const tm_job *job = j->sides[TM_SIDE_REFERENCE].job;
    tm_answers_head *head = j->answers.memory.map;
    void *expected[TM_MAX_TENSORS];
    /* What a whole call is judged by, zeros or a mean do not meet but by chance. */
    if (!tm_evaluator_for(table)->by_element)
        return;
    for (size_t i = 0; i < table->output_count; i++)
        expected[i] = (char *)j->answers.memory.map + tm_answers_offset(job, 0, -1) +
                      job->tensors[table->input_count + i].offset;
    tm_json *weak = tm_controls_weak(table, &j->cell->config, expected);
    char *text = tm_json_print(weak, false);
    if (strlen(text) < sizeof head->weak)
        memcpy(head->weak, text, strlen(text) + 1);
    free(text);
    tm_json_free(weak);
}

/* For a new seed. Of old answers their memory, the reference's latency and the controls are kept:
 * they do not depend on it. */
static tm_step make_answers(tm_judgement *j, bool are_old) {
    const tm_cell *cell = j->cell;
    tm_side *side = &j->sides[TM_SIDE_REFERENCE];
    tm_answers_head *head = j->answers.memory.map;
    double call_ns = 0;
    keeping whole = {.goes_on = false};
    tm_step step = tm_side_open(j, side);
    memcpy(head->clock, side->clock, sizeof head->clock);
    if (step == TM_GO_ON)
        step = answer(j, 0, -1, &whole, &call_ns);
    int wanted = call_ns < FAST_CALL_NS ? 3 : call_ns < SLOW_CALL_NS ? 2 : 1;
    if (step == TM_GO_ON && !draw_steps(head, tm_trial_iterations(cell), wanted)) {
        tm_diag_error(j->diag, tm_diag_command_line, NULL,
                      "expected a random number of the system (getrandom), got none: %s; let the "
                      "sandbox allow it",
                      strerror(errno));
        end_keeping(&whole);
        return TM_BROKEN;
    }
    if (step == TM_GO_ON && cell->config.profile_baseline && !cell->in_process && !are_old) {
        end_keeping(&whole);
        step = time_reference(j);
    }
    if (step == TM_GO_ON)
        tm_keeper_use(j->keeper, true);
    for (int trial = 0; trial < head->trials; trial++)
        for (int timed = trial > 0 ? -1 : 0; timed < head->timed && step == TM_GO_ON; timed++)
            step = answer(j, trial, timed, &whole, &call_ns);
    end_keeping(&whole);
    if (step == TM_GO_ON && !are_old)
        try_controls(j);
    tm_keeper_use(j->keeper, false);
    return step;
}

static uint64_t mix_words(uint64_t stamp, const void *data, size_t bytes) {
    for (size_t at = 0; at < bytes; at += sizeof stamp) {
        uint64_t word;
        memcpy(&word, (const char *)data + at, sizeof word);
        stamp = tm_window_mix(stamp ^ word);
    }
    return stamp;
}

/* Everything that the answers depend on but the seed. */
static uint64_t stamp_of(const tm_judgement *j) {
    const tm_job *job = j->sides[TM_SIDE_REFERENCE].job;
    const tm_config *config = &j->cell->config;
    const double tolerances[] = {config->rtol, config->atol, config->required_matched_ratio,
                                 config->max_relative_l2};
    uint64_t stamp = tm_window_mix((uint64_t)tm_trial_count(j->cell));
    const char *files[4 + TM_MAX_TENSORS] = {"/proc/self/exe", j->worker, j->cell->reference_path};
    size_t count = 3;
    if (job->library[0])
        files[count++] = job->library;
    for (size_t i = 0; i < job->tensor_count; i++)
        if (job->tensors[i].fill == TM_FILL_BLOB)
            files[count++] = job->tensors[i].path;
    stamp = tm_window_mix(stamp ^ (uint64_t)tm_trial_iterations(j->cell));
    stamp = tm_window_mix(stamp ^ (uint64_t)config->warmup_runs);
    stamp = tm_window_mix(stamp ^ (uint64_t)config->profile_baseline);
    stamp = mix_words(stamp, tolerances, sizeof tolerances);
    /* Constants and axes come from a file of their own. */
    stamp = mix_words(stamp, job->axes, sizeof job->axes);
    for (size_t i = 0; i < count; i++) {
        tm_identity id = {0};
        tm_identity_of(files[i], &id);
        stamp =
            tm_window_mix(stamp ^ id.inode ^ tm_window_mix(id.bytes ^ (uint64_t)id.modified_ns));
    }
    return stamp;
}

/* A connection to the keeper of answers, or -1: then none are remembered. */
static int connect_to_memory(tm_judgement *j) {
    if (j->keeper < 0 || j->cell->has_seed)
        return -1;
    return tm_keeper_connect(tm_cell_path(j->cell, j->arena, "build/run"),
                             tm_cell_path(j->cell, j->arena, "build/bin/tm-keeper"), "answers", "",
                             "");
}

/* Remembered answers into j->answers.memory. Old ones have a seed that the solution could know: it
 * was compiled since. */
static bool recall(tm_judgement *j, const char *row, uint64_t stamp, bool *are_old) {
    tm_identity object;
    int memory = tm_identity_of(j->cell->solution_path, &object) ? connect_to_memory(j) : -1;
    *are_old = false;
    if (memory < 0)
        return false;
    int memfd = tm_keeper_recall(memory, row, stamp, object.modified_ns, are_old);
    close(memory);
    return memfd >= 0 && (*are_old ? tm_memory_take(&j->answers.memory, memfd)
                                   : tm_memory_take_to_read(&j->answers.memory, memfd));
}

static void store(tm_judgement *j, const char *row, uint64_t stamp) {
    int memory = connect_to_memory(j);
    if (memory < 0)
        return;
    tm_keeper_store(memory, row, stamp, j->answers.memory.memfd);
    close(memory);
}

/* Room for new answers. */
static tm_step make_room(tm_judgement *j, int64_t trials) {
    const tm_job *job = j->sides[TM_SIDE_REFERENCE].job;
    double memory = (double)tm_room_bytes();
    double needed = bytes_needed(job, trials, TM_ANSWERS_MAX_TIMED);
    if (memory > 0 && needed > memory / 2)
        return tm_conclude(j, TM_STATUS_VOID,
                           "no verdict: the expected outputs of %lld trials take %.3g GB, more "
                           "than half of the memory; configure with --num-trials=1",
                           (long long)trials, needed / 1e9);
    uint64_t bytes = tm_answers_offset(job, trials, -1);
    if (tm_memory_make(&j->answers.memory, "tracemill-answers", bytes))
        return TM_GO_ON;
    tm_diag_error(j->diag, tm_diag_command_line, NULL,
                  "expected %llu bytes of shared memory for expected outputs, got none: %s; free "
                  "some, or configure with --num-trials=1",
                  (unsigned long long)bytes, strerror(errno));
    return TM_BROKEN;
}

/* Whether a judge of another device may be reading remembered answers at this moment. */
static bool is_shared(const tm_cell *cell) {
    const tm_node *devices = tm_node_get(cell->device, "devices");
    return devices && devices->count > 1;
}

/* Old answers by room of our own that has what does not depend on the seed. */
static tm_step replace(tm_judgement *j, int64_t trials) {
    tm_memory old = j->answers.memory;
    tm_step step = make_room(j, trials);
    if (step == TM_GO_ON)
        memcpy(j->answers.memory.map, old.map, sizeof(tm_answers_head));
    tm_memory_close(&old);
    return step;
}

tm_step tm_answers_get(tm_judgement *j) {
    const tm_cell *cell = j->cell;
    /* Devices of one kind share answers, and the reference's latency. */
    const tm_node *device = tm_node_get(tm_cell_device(cell), "name");
    const char *row =
        tm_arena_format(j->arena, "%s/%s/%s", device && device->string ? device->string : "",
                        cell->table->definition, cell->table->uuid);
    uint64_t stamp = stamp_of(j);
    int64_t trials = tm_trial_count(cell);
    bool are_old, are_there = recall(j, row, stamp, &are_old);
    if (!are_there || are_old) {
        tm_step step = are_old && is_shared(cell) ? replace(j, trials)
                       : are_old                  ? TM_GO_ON
                                                  : make_room(j, trials);
        if (step == TM_GO_ON) {
            tm_answers_head *head = j->answers.memory.map;
            head->seed = j->outcome->seed;
            head->trials = (int32_t)trials;
            head->protocol_ns = 0;
            step = make_answers(j, are_old);
            j->outcome->protocol_ns += head->protocol_ns;
        }
        tm_side_close(j, &j->sides[TM_SIDE_REFERENCE]);
        if (step != TM_GO_ON)
            return step;
        store(j, row, stamp);
    }
    j->answers.head = j->answers.memory.map;
    j->outcome->seed = j->answers.head->seed;
    tm_source *weak = tm_arena_alloc(j->arena, sizeof *weak);
    size_t length = strlen(j->answers.head->weak);
    *weak = (tm_source){row, tm_arena_copy(j->arena, j->answers.head->weak, length), length};
    j->outcome->weak = length ? tm_json_parse_all(j->arena, weak, j->diag) : NULL;
    j->outcome->reference_latency_ns = j->answers.head->reference_ns;
    memcpy(j->outcome->reference_clock, j->answers.head->clock, sizeof j->answers.head->clock);
    return TM_GO_ON;
}
