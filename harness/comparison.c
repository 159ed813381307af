#include "harness/comparison.h"

#include <inttypes.h>
#include <omp.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "harness/memory.h"

typedef struct tm_comparison {
    tm_judgement *judgement;
    int64_t trial;
    int timed; /* -1: an untimed call */
    bool in_windows;
    tm_table delivered; /* the table of what is compared, */
    tm_table_tensor tensors[TM_MAX_TENSORS];
    void *expected[TM_MAX_TENSORS], *actual[TM_MAX_TENSORS];
    tm_verdict *verdict;
    double took_ns;
    pthread_t thread; /* of one that goes on, */
    int threads;      /* that it may have itself, */
    tm_verdict own;   /* and its verdict */
} tm_comparison;

/* The first output that is wrong and, byte for byte, what it was filled with before the call; NULL
 * when there is none. */
static const tm_table_tensor *find_unwritten(const tm_comparison *c) {
    const tm_job *job = c->judgement->sides[TM_SIDE_SOLUTION].job;
    const tm_job_tensor *tensors = &job->tensors[c->delivered.input_count];
    uint32_t pattern = c->timed >= 0 ? TM_JOB_POISON_TIME : TM_JOB_POISON_RUN;
    for (size_t i = 0; i < c->delivered.output_count; i++) {
        const unsigned char *actual = c->actual[i];
        size_t bytes = tm_job_delivered(&tensors[i], c->in_windows), at;
        for (at = 0; at < bytes; at++)
            if (actual[at] != ((const unsigned char *)&pattern)[at % 4])
                break;
        if (at == bytes && bytes > 0 && memcmp(c->expected[i], actual, bytes) != 0)
            return &c->delivered.tensors[c->delivered.input_count + i];
    }
    return NULL;
}

/* The verdict on outputs that are not right. */
static tm_step conclude_wrong(const tm_comparison *c) {
    const tm_verdict *verdict = c->verdict;
    const char *when = c->timed >= 0 ? "in a timed call: " : "";
    const tm_table_tensor *unwritten = find_unwritten(c);
    c->judgement->sides[TM_SIDE_SOLUTION].is_spoilt = true;
    if (!unwritten || verdict->status != TM_STATUS_INCORRECT_NUMERICAL)
        return tm_conclude(c->judgement, verdict->status, "%s%s", when, verdict->reason);
    int64_t elems = 1;
    for (int axis = 0; axis < unwritten->rank; axis++)
        elems *= unwritten->shape[axis];
    return tm_conclude(c->judgement, verdict->status,
                       "%s%s: %" PRId64 " of %" PRId64 " elements wrong: not written by the end of "
                       "the call, they are what they were filled with before it",
                       when, unwritten->name, elems, elems);
}

/* Has the outputs fetched and says where everything is. */
static tm_step fetch(tm_comparison *c, tm_judgement *j, int64_t trial, int timed) {
    const tm_table *table = j->cell->table;
    tm_side *side = &j->sides[TM_SIDE_SOLUTION];
    c->judgement = j;
    c->trial = trial;
    c->timed = timed;
    c->in_windows = timed >= 0 && tm_evaluator_for(table)->by_element;
    c->verdict = &j->outcome->verdict;
    tm_request request = {.kind = TM_REQUEST_FETCH, .windows = c->in_windows};
    if (timed >= 0)
        request.window_seed = j->answers.head->window_seeds[trial][timed];
    tm_reply reply;
    tm_step step = tm_side_ask(j, side, &request, &reply);
    if (step != TM_GO_ON)
        return step;
    char *answers = (char *)j->answers.memory.map + tm_answers_offset(side->job, trial, timed);
    char *delivery = (char *)side->child.delivery.map;
    c->delivered = *table;
    memcpy(c->tensors, table->tensors,
           (table->input_count + table->output_count) * sizeof *c->tensors);
    c->delivered.tensors = c->tensors;
    for (size_t i = 0; i < table->output_count; i++) {
        size_t index = table->input_count + i;
        const tm_job_tensor *tensor = &side->job->tensors[index];
        c->expected[i] = answers + tensor->offset;
        c->actual[i] = delivery + tm_job_delivered_at(side->job, index, c->in_windows);
        if (c->in_windows && tensor->bytes > TM_WINDOW_WHOLE) {
            tm_table_tensor *part = &c->tensors[index];
            part->rank = 1;
            part->shape[0] = (int64_t)(TM_WINDOW_WHOLE * 8 / (uint64_t)tm_dtype_bits(part->dtype));
        }
    }
    return TM_GO_ON;
}

static void compare(tm_comparison *c) {
    tm_judgement *j = c->judgement;
    const tm_answers_head *head = j->answers.head;
    const tm_evaluator *evaluator = tm_evaluator_for(j->cell->table);
    uint64_t begin_ns = tm_clock_ns();
    if (!evaluator->by_element) /* only others look at inputs, which are one call's at a time */
        tm_inputs_select(j->inputs, tm_answers_seed(head, c->trial),
                         c->timed >= 0 ? head->steps[c->trial][c->timed] : 0);
    evaluator->judge(&c->delivered, &j->cell->config, j->inputs, c->expected, c->actual,
                     c->verdict);
    c->took_ns = (double)(tm_clock_ns() - begin_ns);
}

static tm_step settle(tm_comparison *c) {
    c->judgement->outcome->comparing_ns += c->took_ns;
    return c->verdict->status == TM_STATUS_PASSED ? TM_GO_ON : conclude_wrong(c);
}

tm_step tm_comparison_make(tm_judgement *j, int64_t trial, int timed) {
    tm_comparison here;
    tm_step step = fetch(&here, j, trial, timed);
    if (step != TM_GO_ON)
        return step;
    compare(&here);
    return settle(&here);
}

/* Lets go of what was compared here, that its pages need not be waited for at the end. */
static void *run(void *context) {
    tm_comparison *c = context;
    const tm_job *job = c->judgement->sides[TM_SIDE_SOLUTION].job;
    omp_set_num_threads(c->threads);
    compare(c);
    for (size_t i = 0; c->verdict->status == TM_STATUS_PASSED && i < c->delivered.output_count;
         i++) {
        size_t bytes = job->tensors[c->delivered.input_count + i].bytes;
        tm_memory_forget(c->expected[i], bytes);
        tm_memory_forget(c->actual[i], bytes);
    }
    return NULL;
}

static bool is_worth_a_thread(const tm_judgement *j) {
    return j->sides[TM_SIDE_SOLUTION].job->output_bytes >= TM_LATER_BYTES && !j->cell->in_process &&
           j->later_threads > 0 && tm_evaluator_for(j->cell->table)->by_element;
}

tm_step tm_comparison_begin(tm_judgement *j, int64_t trial) {
    tm_step before = tm_comparison_end(j, TM_GO_ON);
    if (before != TM_GO_ON)
        return before;
    if (!is_worth_a_thread(j))
        return tm_comparison_make(j, trial, -1);
    tm_comparison *c = calloc(1, sizeof *c);
    if (!c)
        abort();
    tm_step step = fetch(c, j, trial, -1);
    c->verdict = &c->own;
    c->threads = j->later_threads;
    tm_verdict_begin(&c->own);
    if (step == TM_GO_ON && pthread_create(&c->thread, NULL, run, c) == 0) {
        j->comparison = c;
        /* Where calls run on these processors, it would be in their time. */
        return j->is_apart ? TM_GO_ON : tm_comparison_end(j, TM_GO_ON);
    }
    if (step == TM_GO_ON) {
        c->verdict = &j->outcome->verdict;
        compare(c);
        step = settle(c);
    }
    free(c);
    return step;
}

tm_step tm_comparison_end(tm_judgement *j, tm_step step) {
    tm_comparison *c = j->comparison;
    if (!c)
        return step;
    j->comparison = NULL;
    pthread_join(c->thread, NULL);
    tm_step own = settle(c);
    tm_verdict_add(&j->outcome->verdict, &c->own);
    free(c);
    return own == TM_GO_ON ? step : own;
}
