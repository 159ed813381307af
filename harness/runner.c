#include "harness/runner.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "harness/backend.h"

/* Bytes before and after every tensor that must stay as they are. */
#define GUARD_BYTES 256
#define GUARD_PATTERN 0x5ca1ab1eu
/* All ones: NaN in every floating dtype that has one, -1 in integers. The second differs in its
 * last bit, so that an answer left from the run before is not taken for a new one. */
#define POISON_RUN 0xffffffffu
#define POISON_TIME 0xfffefffeu

typedef int (*entry_function)(void *const *tensors, const void *axes, void *stream);

struct tm_runner {
    tm_job *job;
    pid_t process; /* a solution may fork() and return in the child as well */
    tm_backend *backend;
    void *object;
    entry_function entry;
    char *blocks[TM_JOB_MAX_TENSORS];  /* with guards, on the device */
    void *tensors[TM_JOB_MAX_TENSORS]; /* what the entry gets */
};

static const tm_backend_ops *const ops = &tm_the_backend;

__attribute__((format(printf, 3, 4))) static bool fail(tm_reply *reply, tm_reply_kind kind,
                                                       const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(reply->message, sizeof reply->message, format, arguments);
    va_end(arguments);
    reply->kind = kind;
    return false;
}

tm_runner *tm_runner_create(tm_job *job) {
    tm_runner *runner = calloc(1, sizeof *runner);
    if (!runner)
        abort();
    runner->job = job;
    runner->process = getpid();
    return runner;
}

void tm_runner_destroy(tm_runner *runner) {
    for (size_t i = 0; i < TM_JOB_MAX_TENSORS; i++)
        if (runner->blocks[i])
            ops->free(runner->backend, runner->blocks[i]);
    if (runner->backend)
        ops->close(runner->backend);
    free(runner); /* the object stays loaded: unloading runs its destructors for nothing */
}

void tm_runner_load(tm_runner *runner, tm_reply *reply) {
    tm_job *job = runner->job;
    runner->object = dlopen(job->object, RTLD_NOW | RTLD_LOCAL);
    if (!runner->object) {
        fail(reply, TM_REPLY_NOT_LOADED, "the shared object does not load: %.400s", dlerror());
        return;
    }
    const char *(*signature)(void);
    *(void **)&signature = dlsym(runner->object, "tm_signature");
    *(void **)&runner->entry = dlsym(runner->object, "tm_call");
    if (!signature || !runner->entry)
        fail(reply, TM_REPLY_NOT_LOADED,
             "the shared object has no tm_call; it must be compiled against contract.h");
    else if (strcmp(signature(), job->signature) != 0)
        fail(reply, TM_REPLY_NOT_LOADED,
             "the shared object was compiled for another definition: %.300s", signature());
}

static bool set_guards(tm_runner *runner, size_t index, tm_reply *reply) {
    char error[TM_BACKEND_ERROR_BYTES] = "";
    char *block = runner->blocks[index];
    size_t bytes = runner->job->tensors[index].bytes;
    if (ops->fill_pattern(runner->backend, block, GUARD_PATTERN, GUARD_BYTES, error) &&
        ops->fill_pattern(runner->backend, block + GUARD_BYTES + bytes, GUARD_PATTERN, GUARD_BYTES,
                          error))
        return true;
    return fail(reply, TM_REPLY_HARNESS_FAILED, "%s", error);
}

void tm_runner_open(tm_runner *runner, tm_reply *reply) {
    char error[TM_BACKEND_ERROR_BYTES] = "";
    tm_job *job = runner->job;
    bool full;
    runner->backend = ops->open(job->device, &full, error);
    if (!runner->backend && full) {
        fail(reply, TM_REPLY_OUT_OF_MEMORY,
             "the device has no memory left for the harness itself; does another program use it? "
             "(%.300s)",
             error);
        return;
    }
    if (!runner->backend) {
        fail(reply, TM_REPLY_HARNESS_FAILED, "%s", error);
        return;
    }
    snprintf(reply->clock, sizeof reply->clock, "%s", ops->clock(runner->backend));
    for (size_t i = 0; i < job->tensor_count; i++) {
        tm_job_tensor *tensor = &job->tensors[i];
        if (tensor->is_scalar || tensor->fill == TM_FILL_ABSENT) {
            runner->tensors[i] = tensor->is_scalar ? tensor->scalar : NULL;
            continue;
        }
        runner->blocks[i] = ops->alloc(runner->backend, tensor->bytes + 2 * GUARD_BYTES, error);
        if (!runner->blocks[i]) {
            fail(reply, TM_REPLY_OUT_OF_MEMORY, "tensor %s: %s: does not fit the device",
                 tensor->name, error);
            return;
        }
        runner->tensors[i] = runner->blocks[i] + GUARD_BYTES;
        if (!set_guards(runner, i, reply))
            return;
    }
}

static bool upload_blob(tm_runner *runner, size_t index, char *error) {
    const tm_job_tensor *tensor = &runner->job->tensors[index];
    int file = open(tensor->path, O_RDONLY | O_CLOEXEC);
    char *host = malloc(tensor->bytes ? tensor->bytes : 1);
    bool good = file >= 0 && host;
    for (size_t done = 0; good && done < tensor->bytes;) {
        ssize_t got =
            pread(file, host + done, tensor->bytes - done, (off_t)(tensor->file_offset + done));
        good = got > 0;
        done += good ? (size_t)got : 0;
    }
    if (!good)
        snprintf(error, TM_BACKEND_ERROR_BYTES, "blob %.300s cannot be read: %s", tensor->path,
                 strerror(errno));
    else
        good = ops->upload(runner->backend, runner->tensors[index], host, tensor->bytes, error);
    free(host);
    if (file >= 0)
        close(file);
    return good;
}

static bool fill_inputs(tm_runner *runner, uint64_t seed, tm_reply *reply) {
    char error[TM_BACKEND_ERROR_BYTES] = "";
    for (size_t i = 0; i < runner->job->input_count; i++) {
        const tm_job_tensor *tensor = &runner->job->tensors[i];
        bool good = true;
        if (tensor->fill == TM_FILL_RANDOM)
            good = ops->fill_random(runner->backend, runner->tensors[i], tensor->dtype,
                                    tensor->elems, seed, (uint32_t)i, 0, 1, error);
        else if (tensor->fill == TM_FILL_BLOB)
            good = upload_blob(runner, i, error);
        if (!good)
            return fail(reply, TM_REPLY_HARNESS_FAILED, "input %s: %s", tensor->name, error);
    }
    return true;
}

static bool poison_outputs(tm_runner *runner, uint32_t pattern, tm_reply *reply) {
    char error[TM_BACKEND_ERROR_BYTES] = "";
    for (size_t i = runner->job->input_count; i < runner->job->tensor_count; i++)
        if (!ops->fill_pattern(runner->backend, runner->tensors[i], pattern,
                               runner->job->tensors[i].bytes, error))
            return fail(reply, TM_REPLY_HARNESS_FAILED, "%s", error);
    return true;
}

/* Ends a child that a call of fork() left behind in our code. */
static void end_a_fork(const tm_runner *runner) {
    if (getpid() != runner->process)
        _exit(0);
}

/* One call; its own error code, then whatever the device has to say. */
static bool call(tm_runner *runner, tm_reply *reply) {
    char error[TM_BACKEND_ERROR_BYTES] = "";
    int code = runner->entry(runner->tensors, runner->job->axes, ops->stream(runner->backend));
    if (code == 0)
        return true;
    if (!ops->sync(runner->backend, error))
        return fail(reply, TM_REPLY_ENTRY_FAILED, "the entry returned %d; %.400s", code, error);
    reply->code = code;
    return fail(reply, TM_REPLY_ENTRY_FAILED, "the entry returned %d", code);
}

static bool guards_hold(tm_runner *runner, tm_reply *reply) {
    char error[TM_BACKEND_ERROR_BYTES] = "";
    for (size_t i = 0; i < runner->job->tensor_count; i++) {
        if (!runner->blocks[i])
            continue;
        const tm_job_tensor *tensor = &runner->job->tensors[i];
        const char *const sides[] = {runner->blocks[i],
                                     runner->blocks[i] + GUARD_BYTES + tensor->bytes};
        for (int side = 0; side < 2; side++) {
            uint32_t words[GUARD_BYTES / 4];
            if (!ops->download(runner->backend, words, sides[side], GUARD_BYTES, error))
                return fail(reply, TM_REPLY_DEVICE_FAILED, "%s", error);
            for (size_t w = 0; w < GUARD_BYTES / 4; w++)
                if (words[w] != GUARD_PATTERN)
                    return fail(reply, TM_REPLY_OVERRUN, "wrote %s tensor %s, near byte %lld",
                                side ? "behind" : "before", tensor->name,
                                side ? (long long)(tensor->bytes + w * 4)
                                     : (long long)(w * 4) - GUARD_BYTES);
        }
    }
    return true;
}

/* After the last call: everything done, nothing overrun, outputs where the judge reads them. */
static bool deliver(tm_runner *runner, tm_reply *reply) {
    char error[TM_BACKEND_ERROR_BYTES] = "";
    if (!ops->sync(runner->backend, error))
        return fail(reply, TM_REPLY_DEVICE_FAILED, "%s", error);
    if (!guards_hold(runner, reply))
        return false;
    for (size_t i = runner->job->input_count; i < runner->job->tensor_count; i++) {
        const tm_job_tensor *tensor = &runner->job->tensors[i];
        if (!ops->download(runner->backend, (char *)runner->job + tensor->offset,
                           runner->tensors[i], tensor->bytes, error))
            return fail(reply, TM_REPLY_DEVICE_FAILED, "%s", error);
    }
    return true;
}

void tm_runner_run(tm_runner *runner, const tm_request *request, tm_reply *reply) {
    char error[TM_BACKEND_ERROR_BYTES] = "";
    if (!fill_inputs(runner, request->seed, reply) || !poison_outputs(runner, POISON_RUN, reply))
        return;
    if (!ops->sync(runner->backend, error)) {
        fail(reply, TM_REPLY_HARNESS_FAILED, "%s", error);
        return;
    }
    bool good = call(runner, reply);
    end_a_fork(runner);
    if (good)
        deliver(runner, reply);
}

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* One call between two marks, from a cold cache. */
static bool sample(tm_runner *runner, const size_t *bytes, tm_job_sample *out, tm_reply *reply) {
    char error[TM_BACKEND_ERROR_BYTES] = "";
    if (!ops->flush_cache(runner->backend, runner->tensors, bytes, runner->job->tensor_count,
                          error) ||
        !ops->mark(runner->backend, 0, error))
        return fail(reply, TM_REPLY_DEVICE_FAILED, "%s", error);
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
        return fail(reply, TM_REPLY_DEVICE_FAILED, "%s", error);
    out->device_ns = reading.device_ns;
    out->marks_ns = reading.marks_ns;
    out->activities = reading.activities;
    out->foreign = reading.foreign;
    return true;
}

void tm_runner_time(tm_runner *runner, const tm_request *request, tm_reply *reply) {
    size_t bytes[TM_JOB_MAX_TENSORS] = {0};
    for (size_t i = 0; i < runner->job->tensor_count; i++)
        bytes[i] = runner->blocks[i] ? runner->job->tensors[i].bytes : 0;
    tm_job_sample *samples = (tm_job_sample *)((char *)runner->job + runner->job->samples_offset);
    int64_t wanted =
        request->iterations < TM_JOB_MAX_SAMPLES ? request->iterations : TM_JOB_MAX_SAMPLES;
    uint64_t begin = now_ns();
    for (int i = 0; i < request->warmup; i++) {
        tm_job_sample discarded;
        if (now_ns() - begin > request->cap_ns && i > 0)
            break;
        if (!sample(runner, bytes, &discarded, reply))
            return;
    }
    begin = now_ns();
    bool last = false;
    for (int64_t i = 0; i < wanted && !last; i++) {
        bool late = now_ns() - begin > request->cap_ns && i + 1 >= request->floor;
        last = late || i + 1 == wanted;
        reply->capped = late && i + 1 < wanted;
        if (last && !poison_outputs(runner, POISON_TIME, reply))
            return;
        if (!sample(runner, bytes, &samples[i], reply))
            return;
        reply->samples = i + 1;
    }
    deliver(runner, reply);
}
