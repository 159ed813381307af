/* answers: what a row's outputs should be, for every call of a cell that is checked.
 *
 * Made by the reference's worker before the solution sees an input, kept in a memfd that is handed
 * to no solution's worker, and remembered by the keeper from one solution to the next. That keeps
 * it from code that looks around, not from what may trace this user's processes, as root may. Each
 * trial has inputs of its own: one untimed call is compared in full, and a few timed calls, whose
 * numbers nobody but the judge knows beforehand, in windows (window.h). */
#ifndef TM_ANSWERS_H
#define TM_ANSWERS_H

#include <stdint.h>

#include "harness/job.h"
#include "harness/memory.h"

#define TM_ANSWERS_MAX_TRIALS 64
#define TM_ANSWERS_MAX_TIMED 3

/* At the start of the memory; the deliveries of all calls follow, page by page. */
typedef struct {
    uint64_t seed;
    int32_t trials;
    int32_t timed;       /* checked timed calls per trial */
    double reference_ns; /* latency of the reference; 0: not measured */
    double protocol_ns;  /* that the reference's worker spent on flushes and calls */
    char clock[16];
    char weak[4096]; /* tm_controls_weak as text; "" when it is longer */
    int64_t steps[TM_ANSWERS_MAX_TRIALS][TM_ANSWERS_MAX_TIMED]; /* ascending, from 1 */
    uint64_t window_seeds[TM_ANSWERS_MAX_TRIALS][TM_ANSWERS_MAX_TIMED];
} tm_answers_head;

typedef struct {
    tm_memory memory;
    const tm_answers_head *head; /* NULL: none yet */
} tm_answers;

/* Seed of a trial's inputs. */
uint64_t tm_answers_seed(const tm_answers_head *head, int64_t trial);
/* Where in the memory the delivery of a call is: `timed` -1 for the untimed call. */
uint64_t tm_answers_offset(const tm_job *job, int64_t trial, int timed);

#endif
