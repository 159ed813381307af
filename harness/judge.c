#include "harness/judge.h"

#include <errno.h>
#include <omp.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "harness/in_process.h"
#include "harness/judgement.h"
#include "harness/keeper.h"
#include "lib/marker.h"
#include "lib/processes.h"
#include "lib/symbols.h"

/* More threads than three times as many wait for memory only. */
#define MOST_THREADS 5
#define IN_PROCESS_LIMIT_NS (UINT64_C(1) << 61) /* decades: someone is thinking */

/* The compiler's words, when what should be a shared object did not compile. */
static bool did_not_compile(tm_judgement *j, const char *object) {
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
static void conclude_compile_error(tm_judgement *j) {
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
    tm_conclude(j, TM_STATUS_COMPILE_ERROR, "%s", "");
    tm_copy_line(j->outcome->reason, sizeof j->outcome->reason, first, strcspn(first, "\n"));
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
static bool make_jobs(tm_judgement *j) {
    const tm_cell *cell = j->cell;
    tm_side *reference = &j->sides[TM_SIDE_REFERENCE], *solution = &j->sides[TM_SIDE_SOLUTION];
    *reference = (tm_side){.which = TM_SIDE_REFERENCE,
                           .name = cell->table->reference,
                           .object = cell->reference_path,
                           .child = TM_CHILD_NONE,
                           .job = tm_job_make(cell->table, &cell->reference, cell->reference_path,
                                              cell->root, cell->device_index, j->arena, j->diag)};
    *solution = (tm_side){.which = TM_SIDE_SOLUTION,
                          .name = cell->solution.name,
                          .object = cell->solution_path,
                          .child = TM_CHILD_NONE,
                          .job = tm_job_make(cell->table, &cell->solution, cell->solution_path,
                                             cell->root, cell->device_index, j->arena, j->diag)};
    reference->left_ns = solution->left_ns = (uint64_t)(cell->config.timeout_seconds * 1e9);
    return reference->job && solution->job;
}

static void close_all(tm_judgement *j) {
    for (int side = 0; side < 2; side++)
        tm_side_close(j, &j->sides[side]);
    tm_memory_close(&j->answers.memory);
    j->answers.head = NULL;
    tm_inputs_destroy(j->inputs);
    j->inputs = NULL;
    if (j->keeper < 0)
        tm_processes_end_orphans(NULL, 0);
}

static void begin_outcome(tm_judgement *j) {
    tm_outcome *outcome = j->outcome;
    tm_verdict_end(&outcome->verdict);
    tm_verdict_begin(&outcome->verdict);
    outcome->status = TM_STATUS_PASSED;
    outcome->reason[0] = '\0';
    while (outcome->trial_count)
        tm_trial_free(&outcome->trials[--outcome->trial_count]);
    outcome->latency_ns = outcome->reference_latency_ns = outcome->protocol_ns = 0;
    outcome->starting_ns = outcome->comparing_ns = 0;
    memset(outcome->asking_ns, 0, sizeof outcome->asking_ns);
    outcome->checked_timed_calls = outcome->retakes = 0;
    j->pauses = 0;
    outcome->flag_count = 0;
    outcome->has_floor = outcome->is_transient = false;
    tm_text_clear(&outcome->log);
}

/* One attempt. */
static tm_step attempt(tm_judgement *j) {
    begin_outcome(j);
    tm_step step = make_jobs(j) ? tm_answers_get(j) : TM_BROKEN;
    if (step == TM_GO_ON)
        step = tm_trials_run(j);
    if (step == TM_GO_ON && !tm_outcome_is_possible(j->cell, j->inputs, j->outcome, j->arena))
        step = TM_VERDICT;
    if (step != TM_GO_ON)
        j->sides[TM_SIDE_SOLUTION].is_spoilt = true;
    close_all(j);
    return step;
}

/* In one process of the user's own: this one becomes the solution's worker. */
static tm_step attempt_in_process(tm_judgement *j) {
    begin_outcome(j);
    if (!make_jobs(j))
        return TM_BROKEN;
    tm_side *solution = &j->sides[TM_SIDE_SOLUTION];
    if (!tm_in_process_start(&solution->child, j->worker)) {
        tm_diag_error(j->diag, tm_diag_command_line, NULL,
                      "%s: cannot be started: %s; is there memory, and a process, left for it?",
                      j->worker, strerror(errno));
        return TM_BROKEN;
    }
    solution->left_ns = IN_PROCESS_LIMIT_NS;
    tm_step step = tm_answers_get(j);
    if (step == TM_GO_ON)
        step = tm_trials_run(j);
    if (step != TM_BROKEN)
        tm_outcome_print(j->cell, j->outcome);
    j->outcome->is_printed = true; /* before the prompt comes back */
    int status = step == TM_BROKEN ? 3 : j->outcome->status != TM_STATUS_PASSED;
    tm_in_process_end(&solution->child, status);
    close_all(j);
    return step;
}

/* Workers that stay between cells serve `ninja bench`; a cell by hand gets its own. */
static bool find_keeper(tm_judgement *j) {
    const tm_cell *cell = j->cell;
    const tm_node *backend_node = tm_node_get(cell->device, "backend");
    const tm_node *uuid_node = tm_node_get(tm_cell_device(cell), "uuid");
    const char *backend = backend_node && backend_node->string ? backend_node->string : "";
    const char *uuid = uuid_node && uuid_node->string ? uuid_node->string : "";
    if (cell->in_process)
        return true;
    if (cell->config.isolated || !cell->trace_path) {
        j->gauge = tm_gauge_open(backend, uuid);
        return true;
    }
    const char *program = tm_cell_path(cell, j->arena, "build/bin/tm-keeper");
    const char *folder = tm_cell_path(cell, j->arena, "build/run");
    const char *name = tm_arena_format(j->arena, "keeper-%d", cell->device_index);
    j->keeper = tm_keeper_connect(folder, program, name, backend, uuid);
    if (j->keeper >= 0)
        return true;
    tm_diag_error(j->diag, tm_diag_command_line, NULL,
                  "%s: cannot be reached: %s; configure with --runner=isolated to do without",
                  program, strerror(errno));
    return false;
}

/* False when it is gone, and closes the connection. */
static bool is_keeper_well(tm_judgement *j) {
    tm_gauge_reading reading;
    if (j->keeper < 0 || tm_keeper_gauge(j->keeper, &reading))
        return true;
    close(j->keeper);
    j->keeper = -1;
    return false;
}

void tm_outcome_flag(tm_outcome *outcome, const char *flag) {
    for (size_t i = 0; i < outcome->flag_count; i++)
        if (strcmp(outcome->flags[i], flag) == 0)
            return;
    if (outcome->flag_count < TM_OUTCOME_MAX_FLAGS)
        outcome->flags[outcome->flag_count++] = flag;
}

void tm_outcome_free(tm_outcome *outcome) {
    while (outcome->trial_count)
        tm_trial_free(&outcome->trials[--outcome->trial_count]);
    tm_verdict_end(&outcome->verdict);
    tm_text_free(&outcome->log);
}

/* Beside a GPU the workers want processors while this process compares, and so do judges and
 * workers of the other GPUs. Of a GPU's share of them a quarter is for what its judge does itself,
 * and three quarters for what a thread of it does meanwhile, one processor less in all; where
 * nothing can be done meanwhile, because there are too few or a rule looks at whole calls, all of
 * it is for the first. */
static void share_processors(tm_judgement *j) {
    const tm_node *backend = tm_node_get(j->cell->device, "backend");
    const tm_node *devices = tm_node_get(j->cell->device, "devices");
    j->later_threads = omp_get_max_threads();
    j->is_apart = devices && backend && backend->string && strcmp(backend->string, "cpu") != 0;
    if (!j->is_apart)
        return;
    int count = devices->count > 0 ? (int)devices->count : 1;
    int share = omp_get_num_procs() / count, quarter = (share - 1) / 4;
    quarter = quarter < MOST_THREADS ? quarter : MOST_THREADS;
    bool has_later = quarter > 0 && tm_evaluator_for(j->cell->table)->by_element;
    omp_set_num_threads(has_later ? quarter : share < 2 ? 1 : share - 1);
    j->later_threads = has_later ? 3 * quarter : 0;
}

bool tm_judge_cell(const tm_cell *cell, tm_outcome *outcome, tm_arena *arena, tm_diag *diag) {
    *outcome = (tm_outcome){.seed = cell->seed};
    tm_judgement j = {.cell = cell,
                      .outcome = outcome,
                      .arena = arena,
                      .diag = diag,
                      .worker = tm_cell_path(cell, arena, "build/bin/tm-worker"),
                      .keeper = -1,
                      .answers = {.memory = TM_MEMORY_NONE},
                      .sides = {{.child = TM_CHILD_NONE}, {.child = TM_CHILD_NONE}}};
    if (did_not_compile(&j, cell->solution_path)) {
        conclude_compile_error(&j);
        return true;
    }
    if (did_not_compile(&j, cell->reference_path)) {
        tm_conclude(&j, TM_STATUS_VOID, "no verdict: the reference %s did not compile: see %s",
                    cell->table->reference, cell->reference.log);
        return true;
    }
    char why[512];
    if (tm_symbols_refused(cell->solution_path, why, sizeof why)) {
        tm_conclude(&j, TM_STATUS_RUNTIME_ERROR, "refused: %s", why);
        return true;
    }
    if (is_void(cell->table)) {
        tm_conclude(&j, TM_STATUS_VOID, "every output is empty: there is nothing to compare");
        return true;
    }
    if (!cell->has_seed &&
        getrandom(&outcome->seed, sizeof outcome->seed, 0) != (ssize_t)sizeof outcome->seed) {
        tm_diag_error(
            diag, tm_diag_command_line, NULL,
            "expected a random seed of the system (getrandom), got none: %s; give --seed=N",
            strerror(errno));
        return false;
    }
    outcome->seed &= (UINT64_C(1) << 53) - 1; /* exact in every JSON reader */
    if (!find_keeper(&j))
        return false;
    share_processors(&j);
    uint64_t begin_ns = tm_clock_ns();
    tm_step step = cell->in_process ? attempt_in_process(&j) : attempt(&j);
    if (step == TM_KILLED_FROM_OUTSIDE) {
        j.repeated = true;
        step = is_keeper_well(&j) || find_keeper(&j) ? attempt(&j) : TM_BROKEN;
    }
    outcome->judging_ns = (double)(tm_clock_ns() - begin_ns);
    tm_gauge_close(j.gauge);
    if (j.keeper >= 0)
        close(j.keeper);
    outcome->is_persistent = j.keeper >= 0;
    return step != TM_BROKEN;
}
