/* comparison: what a solution's last call made, held against the answers; large outputs by a thread
 * while the worker goes on with its timed calls.
 *
 * Deliberately does not know when calls are checked, nor how. Internal to the judge. */
#ifndef TM_COMPARISON_H
#define TM_COMPARISON_H

#include "harness/judgement.h"

/* Fetches what the last call of `trial` left in its outputs and compares it: `timed` -1 is the
 * whole outputs of the untimed call, else parts of those of a timed one. */
tm_step tm_comparison_make(tm_judgement *j, int64_t trial, int timed);
/* The same of whole outputs, which are fetched when this returns; where it takes long they are
 * compared later. Waits for one that was begun before. */
tm_step tm_comparison_begin(tm_judgement *j, int64_t trial);
/* Waits for what was begun. `step` is how what came after it ended; returned, unless the outputs
 * are wrong: their verdict goes before that of any later call. */
tm_step tm_comparison_end(tm_judgement *j, tm_step step);

#endif
