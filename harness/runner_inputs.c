#include "harness/runner_inputs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const tm_backend_ops *const ops = &tm_the_backend;

static bool upload_blob(tm_backend *backend, const tm_job *job, const tm_job_tensor *tensor,
                        void *data, char *error) {
    size_t bytes = tensor->bytes / job->repeats;
    int file = open(tensor->path, O_RDONLY | O_CLOEXEC);
    char *host = malloc(bytes ? bytes : 1);
    bool good = file >= 0 && host;
    for (size_t done = 0; good && done < bytes;) {
        ssize_t got = pread(file, host + done, bytes - done, (off_t)(tensor->file_offset + done));
        good = got > 0;
        done += good ? (size_t)got : 0;
    }
    if (!good)
        snprintf(error, TM_BACKEND_ERROR_BYTES, "blob %.300s cannot be read: %s", tensor->path,
                 strerror(errno));
    else
        good = ops->upload(backend, data, host, bytes, error);
    free(host);
    if (file >= 0)
        close(file);
    return good;
}

/* Where a random input is made. */
typedef struct {
    void *data;
    uint32_t tensor;
    tm_backend *backend;
    char *error;
} making;

static bool make(void *context, const tm_random_form *form, uint64_t seed, uint32_t phase,
                 uint32_t stride) {
    making *m = context;
    return ops->fill_random(m->backend, m->data, form, seed, m->tensor, phase, stride, m->error);
}

/* The first of the job's repeats to all others. */
static bool repeat(tm_backend *backend, const tm_job *job, const tm_job_tensor *tensor, char *data,
                   char *error) {
    uint64_t done = tensor->bytes / job->repeats;
    while (done < tensor->bytes) {
        uint64_t some = done < tensor->bytes - done ? done : tensor->bytes - done;
        if (!ops->copy(backend, data + done, data, some, error))
            return false;
        done += some;
    }
    return true;
}

bool tm_runner_inputs_set(tm_runner_inputs *inputs, tm_backend *backend, const tm_job *job,
                          void *const *data, uint64_t seed, int64_t step, char *error) {
    bool goes_on = inputs->are_there && inputs->seed == seed && inputs->step <= step;
    int64_t from = goes_on ? inputs->step : -1;
    inputs->are_there = false;
    for (size_t i = 0; i < job->input_count; i++) {
        const tm_job_tensor *tensor = &job->tensors[i];
        making here = {data[i], (uint32_t)i, backend, error};
        bool good = true;
        if (tensor->fill == TM_FILL_RANDOM)
            good = tm_random_form_advance(&tensor->random, seed, from, step, make, &here);
        else if (tensor->fill == TM_FILL_BLOB && !goes_on)
            good = upload_blob(backend, job, tensor, data[i], error);
        if (good && !tensor->is_scalar && tensor->fill != TM_FILL_ABSENT)
            good = repeat(backend, job, tensor, data[i], error);
        if (!good) {
            char why[TM_BACKEND_ERROR_BYTES];
            memcpy(why, error, sizeof why);
            snprintf(error, TM_BACKEND_ERROR_BYTES, "input %s: %.400s", tensor->name, why);
            return false;
        }
    }
    *inputs = (tm_runner_inputs){true, seed, step};
    return true;
}
