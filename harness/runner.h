/* runner: a worker's work: load one shared object, make inputs, call it, time it.
 *
 * Runs in the worker process, beside the solution's code. Each function fills the reply.
 * Deliberately does not know expected outputs. */
#ifndef TM_RUNNER_H
#define TM_RUNNER_H

#include "harness/job.h"

typedef struct tm_runner tm_runner;

/* A runner on a desk that outlives it; destroyed by tm_runner_destroy. */
tm_runner *tm_runner_create(tm_desk *desk);
void tm_runner_destroy(tm_runner *runner);
/* Opens the device, if it is not, and allocates every tensor of the desk's job between guard bytes,
 * in place of those of the job before. Takes over `delivery`, a memfd, when it is not negative. */
void tm_runner_open(tm_runner *runner, int delivery, tm_reply *reply);
/* Opens the desk's device, takes over `delivery`, and makes each of the device's functions run
 * once, on memory that is given back: after that the runner is as one that has served a job. False
 * when something fails; a runner that has not been warmed will say why. */
bool tm_runner_warm(tm_runner *runner, int delivery);
/* Loads the object: from here on code of the solution may run. */
void tm_runner_load(tm_runner *runner, tm_reply *reply);
/* One call on new inputs. Poisoned outputs, guards and inputs are looked at after it. */
void tm_runner_run(tm_runner *runner, const tm_request *request, tm_reply *reply);
/* Times calls: warm-up, then samples, each from a cold cache and on inputs that are partly new.
 * Guards are looked at after the last. */
void tm_runner_time(tm_runner *runner, const tm_request *request, tm_reply *reply);
/* Outputs of the last call to the delivery. */
void tm_runner_fetch(tm_runner *runner, const tm_request *request, tm_reply *reply);
/* Calls on the same inputs, each sample of the first output counted on the device. */
void tm_runner_count(tm_runner *runner, const tm_request *request, tm_reply *reply);
/* Counts to the delivery. */
void tm_runner_counted(tm_runner *runner, const tm_request *request, tm_reply *reply);
/* Gives back the job's memory, so that an idle worker does not keep it from others. */
void tm_runner_close(tm_runner *runner);

#endif
