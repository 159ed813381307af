/* runner: a worker's work: load one shared object, make inputs, call it, time it.
 *
 * Runs in the worker process, beside the solution's code. Each function fills the reply.
 * Deliberately does not know expected outputs. */
#ifndef TM_RUNNER_H
#define TM_RUNNER_H

#include "harness/job.h"

typedef struct tm_runner tm_runner;

/* A runner on a job that outlives it; destroyed by tm_runner_destroy. */
tm_runner *tm_runner_create(tm_job *job);
void tm_runner_destroy(tm_runner *runner);
/* Opens the device, allocates every tensor between guard bytes. */
void tm_runner_open(tm_runner *runner, tm_reply *reply);
/* Loads the object: from here on code of the solution may run. */
void tm_runner_load(tm_runner *runner, tm_reply *reply);
/* Fills inputs from the request's seed, poisons outputs, calls once, checks guards, downloads. */
void tm_runner_run(tm_runner *runner, const tm_request *request, tm_reply *reply);
/* Times calls on the inputs of the last run: warm-up, then samples, each from a cold cache. The
 * outputs are poisoned before the last timed call, checked and downloaded after it. */
void tm_runner_time(tm_runner *runner, const tm_request *request, tm_reply *reply);

#endif
