/* runner_inputs: the inputs of a call, on the device: random ones drawn there, blobs uploaded, each
 * from wherever the call before has left them. Deliberately does not know solutions. */
#ifndef TM_RUNNER_INPUTS_H
#define TM_RUNNER_INPUTS_H

#include "harness/backend.h"
#include "harness/job.h"

typedef struct {
    bool are_there; /* as they are `step` perturbations after `seed` */
    uint64_t seed;
    int64_t step;
} tm_runner_inputs;

/* Makes the inputs of a call, each where `data` says. False with a message in `error`. */
bool tm_runner_inputs_set(tm_runner_inputs *inputs, tm_backend *backend, const tm_job *job,
                          void *const *data, uint64_t seed, int64_t step, char *error);

#endif
