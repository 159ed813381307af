#include "harness/inputs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/random_fill.h"
#include "harness/room.h"

/* What is in a tensor's memory. */
typedef struct {
    void *data;    /* NULL: nothing yet */
    bool is_there; /* a random tensor as of `seed` and `step`, a blob */
    uint64_t seed;
    int64_t step;
} holding;

struct tm_inputs {
    const tm_table *table;
    const tm_job *job;        /* NULL: `given` */
    const void *const *given; /* one per input */
    uint64_t seed;
    int64_t step;
    holding held[TM_MAX_TENSORS];
    char error[512];
};

static tm_inputs *create(const tm_table *table) {
    tm_inputs *inputs = calloc(1, sizeof *inputs);
    if (!inputs)
        abort();
    inputs->table = table;
    return inputs;
}

tm_inputs *tm_inputs_create(const tm_table *table, const tm_job *job) {
    tm_inputs *inputs = create(table);
    inputs->job = job;
    return inputs;
}

tm_inputs *tm_inputs_create_given(const tm_table *table, const void *const *data) {
    tm_inputs *inputs = create(table);
    inputs->given = data;
    return inputs;
}

void tm_inputs_destroy(tm_inputs *inputs) {
    for (size_t i = 0; inputs && i < TM_MAX_TENSORS; i++)
        free(inputs->held[i].data);
    free(inputs);
}

void tm_inputs_select(tm_inputs *inputs, uint64_t seed, int64_t step) {
    inputs->seed = seed;
    inputs->step = step;
}

const char *tm_inputs_error(const tm_inputs *inputs) {
    return inputs->error;
}

const tm_table_tensor *tm_inputs_tensor(const tm_inputs *inputs, const char *name) {
    for (size_t i = 0; i < inputs->table->input_count; i++)
        if (strcmp(inputs->table->tensors[i].name, name) == 0)
            return &inputs->table->tensors[i];
    return NULL;
}

typedef struct {
    void *data;
    uint32_t tensor;
} making;

static bool make(void *context, const tm_random_form *form, uint64_t seed, uint32_t phase,
                 uint32_t stride) {
    const making *m = context;
    tm_random_fill(seed, m->tensor, form, m->data, phase, stride);
    return true;
}

static bool read_blob(tm_inputs *inputs, const tm_job_tensor *tensor, char *data) {
    int file = open(tensor->path, O_RDONLY | O_CLOEXEC);
    bool good = file >= 0;
    for (size_t done = 0; good && done < tensor->bytes;) {
        ssize_t got =
            pread(file, data + done, tensor->bytes - done, (off_t)(tensor->file_offset + done));
        good = got > 0;
        done += good ? (size_t)got : 0;
    }
    if (!good)
        snprintf(inputs->error, sizeof inputs->error, "input %s: blob %.300s cannot be read: %s",
                 tensor->name, tensor->path, strerror(errno));
    if (file >= 0)
        close(file);
    return good;
}

/* Memory for a tensor, less than half of what there is. */
static bool hold(tm_inputs *inputs, const tm_job_tensor *tensor, holding *held) {
    if (!held->data && tensor->bytes < tm_room_bytes() / 2)
        held->data = malloc(tensor->bytes ? tensor->bytes : 1);
    if (!held->data)
        snprintf(inputs->error, sizeof inputs->error,
                 "input %s: no host memory for its %llu bytes, which the evaluator looks at",
                 tensor->name, (unsigned long long)tensor->bytes);
    return held->data != NULL;
}

const void *tm_inputs_get(tm_inputs *inputs, const char *name) {
    const tm_table_tensor *found = tm_inputs_tensor(inputs, name);
    if (!found || found->fill == TM_FILL_ABSENT)
        return NULL;
    size_t index = (size_t)(found - inputs->table->tensors);
    if (inputs->given)
        return inputs->given[index];
    const tm_job_tensor *tensor = &inputs->job->tensors[index];
    holding *held = &inputs->held[index];
    if (tensor->is_scalar)
        return tensor->scalar;
    if (!hold(inputs, tensor, held))
        return NULL;
    if (tensor->fill == TM_FILL_BLOB) {
        held->is_there = held->is_there || read_blob(inputs, tensor, held->data);
        return held->is_there ? held->data : NULL;
    }
    making here = {held->data, (uint32_t)index};
    bool goes_on = held->is_there && held->seed == inputs->seed && held->step <= inputs->step;
    tm_random_form_advance(&tensor->random, inputs->seed, goes_on ? held->step : -1, inputs->step,
                           make, &here);
    held->is_there = true;
    held->seed = inputs->seed;
    held->step = inputs->step;
    return held->data;
}
