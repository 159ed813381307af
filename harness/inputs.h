/* inputs: a row's inputs in the judge's own memory, for evaluators and floors to look at without
 * trusting a worker: random ones drawn again from the seed, blobs read from their files.
 *
 * A tensor is made when it is first asked for, and follows from one call to the next at the cost of
 * what is new in it; one that nobody asks for costs nothing. Deliberately does not know devices,
 * outputs or verdicts. */
#ifndef TM_INPUTS_H
#define TM_INPUTS_H

#include <stdint.h>

#include "harness/job.h"
#include "harness/table.h"

typedef struct tm_inputs tm_inputs;

/* Inputs of a row as its job describes them; both outlive it. Freed by tm_inputs_destroy, which
 * accepts NULL. */
tm_inputs *tm_inputs_create(const tm_table *table, const tm_job *job);
/* The same of values that are there already, one pointer per input, borrowed. */
tm_inputs *tm_inputs_create_given(const tm_table *table, const void *const *data);
void tm_inputs_destroy(tm_inputs *inputs);

/* From here on inputs are those of the call `step` perturbations after `seed`. */
void tm_inputs_select(tm_inputs *inputs, uint64_t seed, int64_t step);
/* An input of the row's table, or NULL. */
const tm_table_tensor *tm_inputs_tensor(const tm_inputs *inputs, const char *name);
/* Its elements, packed as on the device; of a scalar its value, a float or an integer of its dtype.
 * Borrowed until the next tm_inputs_select. NULL when the row does not give it, or when it cannot
 * be had: then tm_inputs_error is not "". */
const void *tm_inputs_get(tm_inputs *inputs, const char *name);
/* One line: why an input cannot be had. */
const char *tm_inputs_error(const tm_inputs *inputs);

#endif
