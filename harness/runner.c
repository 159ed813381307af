#include "harness/runner.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "harness/backend.h"
#include "harness/entry.h"
#include "harness/guards.h"
#include "harness/memory.h"
#include "harness/reply.h"
#include "harness/runner_blocks.h"
#include "harness/runner_inputs.h"
#include "harness/window.h"

struct tm_runner {
    tm_desk *desk;
    pid_t process; /* a solution may fork() and return in the child as well */
    tm_memory delivery;
    tm_backend *backend;
    tm_entry *entry;                 /* NULL: nothing is loaded */
    char *blocks[TM_MAX_TENSORS];    /* with guards, on the device */
    void *tensors[TM_MAX_TENSORS];   /* what the entry gets */
    void *copies[TM_MAX_TENSORS];    /* of an input that is overwritten: what it should be; of an
                                            output: what it was right after the last call */
    uint64_t hashes[TM_MAX_TENSORS]; /* of the inputs before a checked call */
    tm_runner_inputs inputs;
    tm_runner_blocks found;
    void *counts; /* of samples, on the device */
};

static const tm_backend_ops *const ops = &tm_the_backend;

tm_runner *tm_runner_create(tm_desk *desk) {
    tm_runner *runner = calloc(1, sizeof *runner);
    if (!runner)
        abort();
    runner->desk = desk;
    runner->process = getpid();
    runner->delivery = TM_MEMORY_NONE;
    return runner;
}

static void free_tensors(tm_runner *runner) {
    tm_entry_destroy(runner->entry);
    runner->entry = NULL;
    for (size_t i = 0; i < TM_MAX_TENSORS; i++) {
        if (runner->blocks[i])
            ops->free(runner->backend, runner->blocks[i]);
        if (runner->copies[i])
            ops->free(runner->backend, runner->copies[i]);
        runner->blocks[i] = NULL;
        runner->tensors[i] = runner->copies[i] = NULL;
    }
    if (runner->counts)
        ops->free(runner->backend, runner->counts);
    runner->counts = NULL;
}

static void drop_delivery(tm_runner *runner) {
    if (runner->backend && runner->delivery.map)
        ops->unpin(runner->backend, runner->delivery.map);
    tm_memory_close(&runner->delivery);
}

void tm_runner_close(tm_runner *runner) {
    free_tensors(runner);
    runner->inputs.are_there = false;
}

void tm_runner_destroy(tm_runner *runner) {
    free_tensors(runner);
    drop_delivery(runner);
    tm_runner_blocks_free(&runner->found);
    if (runner->backend)
        ops->close(runner->backend);
    free(runner); /* the object stays loaded: unloading runs its destructors for nothing */
}

void tm_runner_load(tm_runner *runner, tm_reply *reply) {
    tm_entry_destroy(runner->entry);
    runner->entry = tm_entry_load(&runner->desk->job, runner->backend, runner->tensors, reply);
}

static bool alloc_tensor(tm_runner *runner, size_t index, tm_reply *reply) {
    char error[TM_BACKEND_ERROR_BYTES] = "";
    tm_job_tensor *tensor = &runner->desk->job.tensors[index];
    if (tensor->is_scalar || tensor->fill == TM_FILL_ABSENT) {
        runner->tensors[index] = tensor->is_scalar ? tensor->scalar : NULL;
        return true;
    }
    bool full, has_copy = tensor->is_overwritten || index >= runner->desk->job.input_count;
    runner->blocks[index] = tm_guards_alloc(runner->backend, tensor->bytes, &full, error);
    if (!runner->blocks[index] && !full)
        return tm_reply_fail(reply, TM_REPLY_HARNESS_FAILED, "%s", error);
    if (runner->blocks[index] && has_copy)
        runner->copies[index] = ops->alloc(runner->backend, tensor->bytes, error);
    if (!runner->blocks[index] || (has_copy && !runner->copies[index]))
        return tm_reply_fail(reply, TM_REPLY_OUT_OF_MEMORY,
                             "tensor %s: %s: does not fit the device", tensor->name, error);
    runner->tensors[index] = runner->blocks[index] + TM_GUARDS_BYTES;
    return true;
}

/* Takes over a delivery in place of the one before. */
static bool take_delivery(tm_runner *runner, int delivery, char *error) {
    drop_delivery(runner);
    if (tm_memory_take(&runner->delivery, delivery))
        return ops->pin(runner->backend, runner->delivery.map, runner->delivery.bytes, error);
    snprintf(error, TM_BACKEND_ERROR_BYTES, "%s", strerror(errno));
    return false;
}

void tm_runner_open(tm_runner *runner, int delivery, tm_reply *reply) {
    char error[TM_BACKEND_ERROR_BYTES] = "";
    const tm_job *job = &runner->desk->job;
    bool full = false;
    if (!runner->backend)
        runner->backend = ops->open(job->device, &full, error);
    if (!runner->backend) {
        if (delivery >= 0)
            close(delivery);
        reply->code = full;
        if (full)
            tm_reply_fail(
                reply, TM_REPLY_OUT_OF_MEMORY,
                "the device has no memory left for the harness itself; does another program use "
                "it? (%.300s)",
                error);
        else
            tm_reply_fail(reply, TM_REPLY_HARNESS_FAILED, "%s", error);
        return;
    }
    snprintf(reply->clock, sizeof reply->clock, "%s", ops->clock(runner->backend));
    free_tensors(runner);
    runner->inputs.are_there = false;
    if (delivery >= 0 && !take_delivery(runner, delivery, error)) {
        tm_reply_fail(reply, TM_REPLY_HARNESS_FAILED, "the delivery's memory: %s", error);
        return;
    }
    for (size_t i = 0; i < job->tensor_count; i++)
        if (!alloc_tensor(runner, i, reply))
            return;
}

#define WARM_BYTES 4096

/* A sample of nothing included: its records are cleared away as those of any other, so that none of
 * ours is left for the first real one. */
static bool use_all(tm_backend *backend, void *from, void *to, char *error) {
    char host[WARM_BYTES];
    const size_t bytes = WARM_BYTES;
    uint64_t hash;
    tm_reading reading;
    const tm_random_form form = tm_random_form_plain(TM_DTYPE_FLOAT32, WARM_BYTES / 4);
    return ops->fill_random(backend, from, &form, 1, 0, 0, 1, error) &&
           ops->fill_pattern(backend, to, TM_JOB_POISON_RUN, WARM_BYTES, error) &&
           ops->hash(backend, from, WARM_BYTES, &hash, error) &&
           ops->flush_cache(backend, &from, &bytes, 1, error) && ops->mark(backend, 0, error) &&
           ops->mark(backend, 1, error) && ops->sync(backend, error) &&
           ops->elapsed(backend, &reading, error) &&
           ops->copy(backend, to, from, WARM_BYTES, error) &&
           ops->download(backend, host, to, WARM_BYTES, error);
}

bool tm_runner_warm(tm_runner *runner, int delivery) {
    char error[TM_BACKEND_ERROR_BYTES] = "";
    bool full;
    if (!runner->backend)
        runner->backend = ops->open(runner->desk->job.device, &full, error);
    if (!runner->backend || delivery < 0 || !take_delivery(runner, delivery, error))
        return false;
    void *from = ops->alloc(runner->backend, WARM_BYTES, error);
    void *to = from ? ops->alloc(runner->backend, WARM_BYTES, error) : NULL;
    bool good = !to || use_all(runner->backend, from, to, error);
    if (to)
        ops->free(runner->backend, to);
    if (from)
        ops->free(runner->backend, from);
    if (good)
        __atomic_store_n(&runner->desk->is_warm, 1, __ATOMIC_RELEASE);
    return good;
}

/* Inputs as they are `step` perturbations after `seed`; of those that are overwritten the copies.
 */
static bool set_inputs(tm_runner *runner, uint64_t seed, int64_t step, tm_reply *reply) {
    char error[TM_BACKEND_ERROR_BYTES] = "";
    void *data[TM_MAX_TENSORS];
    for (size_t i = 0; i < TM_MAX_TENSORS; i++)
        data[i] = runner->copies[i] ? runner->copies[i] : runner->tensors[i];
    if (tm_runner_inputs_set(&runner->inputs, runner->backend, &runner->desk->job, data, seed, step,
                             error))
        return true;
    return tm_reply_fail(reply, TM_REPLY_HARNESS_FAILED, "%s", error);
}

/* Gives back their values to inputs that the call before may have changed, as it says. */
static bool restore_inputs(tm_runner *runner, tm_reply *reply) {
    char error[TM_BACKEND_ERROR_BYTES] = "";
    for (size_t i = 0; i < runner->desk->job.input_count; i++)
        if (runner->copies[i] && !ops->copy(runner->backend, runner->tensors[i], runner->copies[i],
                                            runner->desk->job.tensors[i].bytes, error))
            return tm_reply_fail(reply, TM_REPLY_HARNESS_FAILED, "%s", error);
    return true;
}

/* Before an untimed call hashes the inputs, after it compares. A timed call that changes them gets
 * wrong answers from then on, as they are not made anew. */
static bool hash_inputs(tm_runner *runner, bool compare, tm_reply *reply) {
    char error[TM_BACKEND_ERROR_BYTES] = "";
    for (size_t i = 0; i < runner->desk->job.input_count; i++) {
        const tm_job_tensor *tensor = &runner->desk->job.tensors[i];
        uint64_t hash = 0;
        if (!runner->blocks[i] || runner->copies[i])
            continue;
        if (!ops->hash(runner->backend, runner->tensors[i], tensor->bytes, &hash, error))
            return tm_reply_fail(reply, TM_REPLY_DEVICE_FAILED, "%s", error);
        if (compare && hash != runner->hashes[i])
            return tm_reply_fail(
                reply, TM_REPLY_OVERRUN,
                "overwrote its input %s; if that is meant, say so in solution.json under "
                "tracemill.overwrites",
                tensor->name);
        runner->hashes[i] = hash;
    }
    return true;
}

static bool poison_outputs(tm_runner *runner, uint32_t pattern, tm_reply *reply) {
    char error[TM_BACKEND_ERROR_BYTES] = "";
    for (size_t i = runner->desk->job.input_count; i < runner->desk->job.tensor_count; i++)
        if (!ops->fill_pattern(runner->backend, runner->tensors[i], pattern,
                               runner->desk->job.tensors[i].bytes, error))
            return tm_reply_fail(reply, TM_REPLY_HARNESS_FAILED, "%s", error);
    return runner->entry->ops->prepare(runner->entry, pattern, reply);
}

/* Ends a child that a call of fork() left behind in our code. */
static void end_a_fork(const tm_runner *runner) {
    if (getpid() != runner->process)
        _exit(0);
}

/* One call; its own error, then whatever the device has to say. */
static bool call(tm_runner *runner, tm_reply *reply) {
    char error[TM_BACKEND_ERROR_BYTES] = "";
    if (runner->entry->ops->call(runner->entry, reply))
        return true;
    size_t length = strlen(reply->message);
    if (!ops->sync(runner->backend, error))
        snprintf(reply->message + length, sizeof reply->message - length, "; %.400s", error);
    return false;
}

/* What the call returned, where outputs are looked for. */
static bool collect(tm_runner *runner, tm_reply *reply) {
    return runner->entry->ops->collect(runner->entry, reply);
}

static bool guard_holds(tm_runner *runner, const char *block, size_t bytes, const char *what,
                        const char *name, tm_reply *reply) {
    char error[TM_BACKEND_ERROR_BYTES] = "";
    long long near;
    switch (tm_guards_look(runner->backend, block, bytes, &near, error)) {
    case TM_GUARDS_HOLD:
        return true;
    case TM_GUARDS_BROKEN:
        return tm_reply_fail(reply, TM_REPLY_OVERRUN, "wrote %s %s%s, near byte %lld",
                             near < 0 ? "before" : "behind", what, name, near);
    default:
        return tm_reply_fail(reply, TM_REPLY_DEVICE_FAILED, "%s", error);
    }
}

static bool guards_hold(tm_runner *runner, tm_reply *reply) {
    const tm_runner_blocks *found = &runner->found;
    for (size_t i = 0; i < runner->desk->job.tensor_count; i++)
        if (runner->blocks[i] &&
            !guard_holds(runner, runner->blocks[i], runner->desk->job.tensors[i].bytes, "tensor ",
                         runner->desk->job.tensors[i].name, reply))
            return false;
    tm_runner_blocks_find(&runner->found, runner->entry);
    for (size_t i = 0; i < found->count; i++)
        if (!guard_holds(runner, found->blocks[i].block, found->blocks[i].bytes,
                         "a tensor that it asked for", "", reply))
            return false;
    return true;
}

/* The outputs right after the call, in the order of the stream: what comes later is too late. */
static bool keep_outputs(tm_runner *runner, tm_reply *reply) {
    char error[TM_BACKEND_ERROR_BYTES] = "";
    for (size_t i = runner->desk->job.input_count; i < runner->desk->job.tensor_count; i++)
        if (!ops->copy(runner->backend, runner->copies[i], runner->tensors[i],
                       runner->desk->job.tensors[i].bytes, error))
            return tm_reply_fail(reply, TM_REPLY_DEVICE_FAILED, "%s", error);
    return true;
}

/* After a checked call: everything done, nothing written beside the buffers. */
static bool nothing_overrun(tm_runner *runner, tm_reply *reply) {
    char error[TM_BACKEND_ERROR_BYTES] = "";
    if (!ops->sync(runner->backend, error))
        return tm_reply_fail(reply, TM_REPLY_DEVICE_FAILED, "%s", error);
    return guards_hold(runner, reply);
}

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

void tm_runner_run(tm_runner *runner, const tm_request *request, tm_reply *reply) {
    char error[TM_BACKEND_ERROR_BYTES] = "";
    if (!set_inputs(runner, request->seed, request->steps, reply) ||
        !restore_inputs(runner, reply) || !poison_outputs(runner, TM_JOB_POISON_RUN, reply) ||
        !hash_inputs(runner, false, reply))
        return;
    if (!ops->sync(runner->backend, error)) {
        tm_reply_fail(reply, TM_REPLY_HARNESS_FAILED, "%s", error);
        return;
    }
    uint64_t begin = now_ns();
    bool good = call(runner, reply);
    end_a_fork(runner);
    if (good && collect(runner, reply) && keep_outputs(runner, reply) &&
        nothing_overrun(runner, reply)) {
        reply->protocol_ns = now_ns() - begin;
        hash_inputs(runner, true, reply);
    }
}

/* So that no tensor of the call is in the cache. */
static bool flush(tm_runner *runner, char *error) {
    const tm_runner_blocks *found = &runner->found;
    size_t count = 0;
    tm_runner_blocks_find(&runner->found, runner->entry);
    for (size_t i = 0; i < runner->desk->job.tensor_count; i++) {
        found->buffers[count] = runner->tensors[i];
        found->bytes[count++] = runner->blocks[i] ? runner->desk->job.tensors[i].bytes : 0;
    }
    for (size_t i = 0; i < found->count; i++) {
        found->buffers[count] = found->blocks[i].block;
        found->bytes[count++] = found->blocks[i].bytes + 2 * TM_GUARDS_BYTES;
    }
    return ops->flush_cache(runner->backend, found->buffers, found->bytes, count, error);
}

/* One call between two marks, from a cold cache. */
static bool sample(tm_runner *runner, tm_job_sample *out, tm_reply *reply) {
    char error[TM_BACKEND_ERROR_BYTES] = "";
    uint64_t begin_flush = now_ns();
    if (!flush(runner, error) || !ops->mark(runner->backend, 0, error))
        return tm_reply_fail(reply, TM_REPLY_DEVICE_FAILED, "%s", error);
    uint64_t begin = now_ns();
    bool good = call(runner, reply);
    bool marked = good && ops->mark(runner->backend, 1, error);
    end_a_fork(runner);
    if (!good)
        return false;
    tm_reading reading;
    marked = marked && ops->sync(runner->backend, error);
    out->wall_ns = (double)(now_ns() - begin);
    if (!marked || !ops->elapsed(runner->backend, &reading, error))
        return tm_reply_fail(reply, TM_REPLY_DEVICE_FAILED, "%s", error);
    out->device_ns = reading.device_ns;
    out->marks_ns = reading.marks_ns;
    out->activities = reading.activities;
    reply->protocol_ns += now_ns() - begin_flush;
    return collect(runner, reply);
}

/* Inputs and outputs as every timed call finds them. */
static bool prepare(tm_runner *runner, tm_reply *reply) {
    return restore_inputs(runner, reply) && poison_outputs(runner, TM_JOB_POISON_TIME, reply);
}

void tm_runner_time(tm_runner *runner, const tm_request *request, tm_reply *reply) {
    int64_t wanted =
        request->iterations < TM_JOB_MAX_SAMPLES ? request->iterations : TM_JOB_MAX_SAMPLES;
    if (!set_inputs(runner, request->seed, request->steps, reply))
        return;
    uint64_t begin = now_ns();
    for (int i = 0; i < request->warmup; i++) {
        tm_job_sample discarded;
        if (now_ns() - begin > request->cap_ns && i > 0)
            break;
        if (!prepare(runner, reply) || !sample(runner, &discarded, reply))
            return;
    }
    begin = now_ns();
    bool last = false;
    for (int64_t i = 0; i < wanted && !last; i++) {
        bool late = now_ns() - begin > request->cap_ns && i + 1 >= request->floor;
        last = late || i + 1 == wanted;
        reply->capped = late && i + 1 < wanted;
        /* What the next inputs are is not there before the call before is over. */
        if (!set_inputs(runner, request->seed, request->steps + i + 1, reply) ||
            !prepare(runner, reply) || !sample(runner, &runner->desk->samples[i], reply))
            return;
        reply->samples = i + 1;
    }
    /* The judge may look at the last call: its outputs as they were when the device was done, not
     * as a thread makes them later. */
    if (keep_outputs(runner, reply))
        nothing_overrun(runner, reply);
}

static bool fetch(tm_runner *runner, size_t index, const tm_request *request, char *error) {
    const tm_job *job = &runner->desk->job;
    const tm_job_tensor *tensor = &job->tensors[index];
    const char *from = runner->copies[index];
    uint64_t room = runner->delivery.bytes, at = tm_job_delivered_at(job, index, request->windows);
    uint64_t bytes = tm_job_delivered(tensor, request->windows);
    if (at > room || bytes > room - at) {
        snprintf(error, TM_BACKEND_ERROR_BYTES, "output %s does not fit the delivery",
                 tensor->name);
        return false;
    }
    char *to = (char *)runner->delivery.map + at;
    if (bytes == tensor->bytes)
        return ops->download(runner->backend, to, from, bytes, error);
    uint64_t begins[TM_WINDOW_COUNT], output = index - job->input_count;
    for (int window = 0; window < TM_WINDOW_COUNT; window++)
        begins[window] = tm_window_begin(request->window_seed, output, tensor->bytes, window);
    return ops->download_parts(runner->backend, to, from, begins, TM_WINDOW_COUNT, TM_WINDOW_BYTES,
                               error);
}

void tm_runner_fetch(tm_runner *runner, const tm_request *request, tm_reply *reply) {
    char error[TM_BACKEND_ERROR_BYTES] = "";
    for (size_t i = runner->desk->job.input_count; i < runner->desk->job.tensor_count; i++)
        if (!fetch(runner, i, request, error)) {
            tm_reply_fail(reply, TM_REPLY_DEVICE_FAILED, "%s", error);
            return;
        }
}

void tm_runner_count(tm_runner *runner, const tm_request *request, tm_reply *reply) {
    char error[TM_BACKEND_ERROR_BYTES] = "";
    const tm_job *job = &runner->desk->job;
    const tm_job_tensor *output = &job->tensors[job->input_count];
    size_t bytes = (size_t)request->rows * (size_t)(request->vocabulary + 1) * sizeof(uint32_t);
    if (!runner->counts && !(runner->counts = ops->alloc(runner->backend, bytes, error))) {
        tm_reply_fail(reply, TM_REPLY_OUT_OF_MEMORY, "counts of samples: %s", error);
        return;
    }
    if (!set_inputs(runner, request->seed, 0, reply))
        return;
    if (!ops->fill_pattern(runner->backend, runner->counts, 0, bytes, error)) {
        tm_reply_fail(reply, TM_REPLY_HARNESS_FAILED, "%s", error);
        return;
    }
    uint64_t begin = now_ns();
    for (int64_t i = 0; i < request->iterations; i++) {
        reply->capped = i > 0 && now_ns() - begin > request->cap_ns;
        if (reply->capped)
            break;
        if (!prepare(runner, reply))
            return;
        bool good = call(runner, reply);
        end_a_fork(runner);
        if (!good || !collect(runner, reply))
            return;
        if (!ops->count(runner->backend, runner->counts, runner->tensors[job->input_count],
                        output->dtype, output->elems, request->rows, request->vocabulary, error) ||
            !ops->sync(runner->backend, error)) {
            tm_reply_fail(reply, TM_REPLY_DEVICE_FAILED, "%s", error);
            return;
        }
        reply->samples = i + 1;
    }
    reply->protocol_ns = now_ns() - begin;
    nothing_overrun(runner, reply);
}

void tm_runner_counted(tm_runner *runner, const tm_request *request, tm_reply *reply) {
    char error[TM_BACKEND_ERROR_BYTES] = "";
    uint64_t row_bytes = (uint64_t)(request->vocabulary + 1) * sizeof(uint32_t);
    uint64_t bytes = (uint64_t)request->rows * row_bytes;
    if (!runner->counts || bytes > runner->delivery.bytes)
        tm_reply_fail(reply, TM_REPLY_HARNESS_FAILED, "counts that do not fit the delivery");
    else if (!ops->download(runner->backend, runner->delivery.map,
                            (char *)runner->counts + request->offset * row_bytes, bytes, error))
        tm_reply_fail(reply, TM_REPLY_DEVICE_FAILED, "%s", error);
}
