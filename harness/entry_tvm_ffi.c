/* entry_tvm_ffi: a solution that exports `__tvm_ffi_<name>`, called from C.
 *
 * Tensors are passed as owning objects, made once for a job: a call costs what the call costs. What
 * a solution returns is looked at, copied and released after it. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/entry.h"
#include "harness/entry_memory.h"
#include "harness/ffi_tensor.h"
#include "harness/reply.h"

/* Of the library. */
typedef struct {
    int (*set_stream)(int32_t device_type, int32_t device_id, void *stream, void **old);
    void (*move_error)(void **error);
    int (*set_allocator)(tm_dl_allocator allocator, int for_all_threads, tm_dl_allocator *old);
} library;

typedef struct {
    tm_entry base;
    library library;
    tm_ffi_call function;
    const tm_job *job;
    tm_backend *backend;
    void *const *tensors;
    tm_dl_device device;
    tm_ffi_any arguments[TM_MAX_TENSORS];
    int32_t argument_count;
    tm_ffi_any result; /* of the last call, until it is collected */
} ffi_entry;

/* What an allocator of DLPack gives has no argument for whom it serves, and a solution may hold it
 * as long as the process lives. */
static tm_entry_memory *the_memory;
static tm_dl_device the_device;

static const tm_backend_ops *const ops = &tm_the_backend;

static tm_dl_device device_of(const tm_job *job) {
    bool is_cuda = strcmp(ops->name, "cuda") == 0;
    return (tm_dl_device){is_cuda ? TM_DL_CUDA : TM_DL_CPU, is_cuda ? job->device : 0};
}

/* ---- memory that a solution asks for ---- */

typedef struct {
    tm_dl_managed managed;
    bool is_ours;      /* else of the host, by malloc */
    int64_t numbers[]; /* the shape, then the strides */
} allocated;

static void delete_allocated(tm_dl_managed *managed) {
    allocated *own = (allocated *)managed;
    if (own->is_ours)
        tm_entry_memory_return(the_memory, managed->tensor.data);
    else
        free(managed->tensor.data);
    free(own);
}

static int allocate(tm_dl_tensor *prototype, tm_dl_managed **out, void *error_context,
                    void (*set_error)(void *error_context, const char *kind, const char *message)) {
    char error[TM_BACKEND_ERROR_BYTES] = "its size is none";
    size_t rank = prototype->rank > 0 ? (size_t)prototype->rank : 0, bytes;
    allocated *made = calloc(1, sizeof *made + 2 * rank * sizeof(int64_t));
    bool is_ours = prototype->device.type == the_device.type;
    void *data = NULL;
    if (made && tm_ffi_tensor_bytes(prototype, &bytes)) {
        if (is_ours)
            data = tm_entry_memory_take(the_memory, bytes, error);
        else if (prototype->device.type == TM_DL_CPU) /* beside a GPU */
            data = aligned_alloc(256, (bytes / 256 + 1) * 256);
        else
            snprintf(error, sizeof error, "a device of another kind");
    }
    if (!data) {
        char message[TM_BACKEND_ERROR_BYTES + 32];
        snprintf(message, sizeof message, "a tensor was asked for: %s", error);
        set_error(error_context, "RuntimeError", message);
        free(made);
        return -1;
    }
    made->is_ours = is_ours;
    made->managed = (tm_dl_managed){.major = 1, .minor = 2, .deleter = delete_allocated};
    tm_dl_tensor *tensor = &made->managed.tensor;
    *tensor = (tm_dl_tensor){.data = data,
                             .device = prototype->device,
                             .rank = prototype->rank,
                             .dtype = prototype->dtype,
                             .shape = made->numbers,
                             .strides = made->numbers + rank};
    if (rank)
        memcpy(tensor->shape, prototype->shape, rank * sizeof(int64_t));
    tm_dl_strides(tensor->rank, tensor->shape, tensor->strides);
    *out = &made->managed;
    return 0;
}

/* ---- the call ---- */

static bool ffi_prepare(tm_entry *entry, uint32_t pattern, tm_reply *reply) {
    ffi_entry *own = (ffi_entry *)entry;
    char error[TM_BACKEND_ERROR_BYTES] = "";
    if (!tm_entry_memory_poison(the_memory, pattern, error))
        return tm_reply_fail(reply, TM_REPLY_HARNESS_FAILED, "%s", error);
    /* Each time: the call before may have set another. */
    if (own->device.type != TM_DL_CPU)
        own->library.set_stream(own->device.type, own->device.id, ops->stream(own->backend), NULL);
    return true;
}

/* The error that was raised, as "kind: message"; its whole text and where it was go to the log. */
static bool fail_raised(ffi_entry *own, tm_reply *reply) {
    tm_ffi_error *error = NULL;
    own->library.move_error((void **)&error);
    if (!error)
        return tm_reply_fail(reply, TM_REPLY_RAISED, "it says that it failed, and raised no error");
    fprintf(stderr, "%.*s: %.*s\n%.*s", (int)error->kind.size, error->kind.data,
            (int)error->message.size, error->message.data, (int)error->backtrace.size,
            error->backtrace.data);
    tm_reply_fail(reply, TM_REPLY_RAISED, "%.*s: %.*s", (int)error->kind.size, error->kind.data,
                  (int)error->message.size, error->message.data);
    tm_ffi_release(&error->object);
    return false;
}

static bool ffi_call(tm_entry *entry, tm_reply *reply) {
    ffi_entry *own = (ffi_entry *)entry;
    int code = own->function(NULL, own->arguments, own->argument_count, &own->result);
    if (code == 0)
        return true;
    reply->code = code;
    return code == -1 ? fail_raised(own, reply)
                      : tm_reply_fail(reply, TM_REPLY_ENTRY_FAILED, "the entry returned %d", code);
}

/* ---- what it returned ---- */

/* A single tensor stands for an array of one. */
static size_t returned(const tm_ffi_any *result, const tm_ffi_any **values) {
    bool is_many = result->type == TM_FFI_ARRAY || result->type == TM_FFI_LIST;
    const tm_ffi_array *array = (const tm_ffi_array *)result->object;
    *values = is_many ? array->items : result;
    return is_many ? (size_t)array->size : result->type != TM_FFI_NONE;
}

static bool collect_output(ffi_entry *own, size_t index, const tm_ffi_any *value, tm_reply *reply) {
    const tm_job_tensor *output = &own->job->tensors[index];
    char error[TM_BACKEND_ERROR_BYTES] = "";
    if (value->type != TM_FFI_TENSOR)
        return tm_reply_fail(reply, TM_REPLY_RAISED,
                             "output %s: expected a tensor, got a value of tvm-ffi's type %d in "
                             "what it returned",
                             output->name, value->type);
    const tm_dl_tensor *tensor = &((const tm_ffi_tensor *)value->object)->tensor;
    if (!tm_ffi_tensor_fits(tensor, output, own->device, reply))
        return false;
    if (output->bytes == 0 ||
        ops->copy(own->backend, own->tensors[index], (char *)tensor->data + tensor->byte_offset,
                  output->bytes, error))
        return true;
    return tm_reply_fail(reply, TM_REPLY_DEVICE_FAILED, "%s", error);
}

/* A tensor that the solution holds and returns at each call: what the next one leaves unwritten is
 * no answer of this one. */
static bool spoil_outputs(const tm_ffi_any *values, size_t count, tm_reply *reply) {
    char error[TM_BACKEND_ERROR_BYTES] = "";
    for (size_t i = 0; i < count; i++) {
        const tm_dl_tensor *tensor = &((const tm_ffi_tensor *)values[i].object)->tensor;
        size_t bytes;
        if (tm_ffi_tensor_bytes(tensor, &bytes) &&
            !tm_entry_memory_spoil(the_memory, (char *)tensor->data + tensor->byte_offset, bytes,
                                   error))
            return tm_reply_fail(reply, TM_REPLY_DEVICE_FAILED, "%s", error);
    }
    return true;
}

static bool collect_outputs(ffi_entry *own, tm_reply *reply) {
    const tm_ffi_any *values;
    size_t count = returned(&own->result, &values);
    size_t expected = own->job->tensor_count - own->job->input_count;
    if (count == 0)
        return tm_reply_fail(reply, TM_REPLY_RAISED,
                             "expected what it returns to be %zu output%s, got nothing; are they "
                             "arguments (destination_passing_style)?",
                             expected, expected == 1 ? "" : "s");
    if (count != expected)
        return tm_reply_fail(reply, TM_REPLY_WRONG_SHAPE,
                             "expected what it returns to be %zu output%s, got %zu", expected,
                             expected == 1 ? "" : "s", count);
    for (size_t i = 0; i < count; i++)
        if (!collect_output(own, own->job->input_count + i, &values[i], reply))
            return false;
    return spoil_outputs(values, count, reply);
}

static bool ffi_collect(tm_entry *entry, tm_reply *reply) {
    ffi_entry *own = (ffi_entry *)entry;
    bool good = !own->job->returns || collect_outputs(own, reply);
    tm_ffi_any_clear(&own->result);
    return good;
}

static size_t ffi_blocks(tm_entry *entry, tm_entry_block *blocks, size_t room) {
    (void)entry;
    return tm_entry_memory_blocks(the_memory, blocks, room);
}

static void ffi_destroy(tm_entry *entry) {
    ffi_entry *own = (ffi_entry *)entry;
    tm_ffi_any_clear(&own->result);
    for (int32_t i = 0; i < own->argument_count; i++)
        tm_ffi_any_clear(&own->arguments[i]);
    tm_entry_memory_trim(the_memory);
    free(own);
}

static const tm_entry_ops ffi_ops = {ffi_prepare, ffi_call, ffi_collect, ffi_blocks, ffi_destroy};

/* ---- loading ---- */

static tm_ffi_any scalar_of(const tm_job_tensor *tensor) {
    tm_ffi_any value = {.type = TM_FFI_INT, .integer = tensor->integer};
    if (tm_dtype_is_float((tm_dtype)tensor->dtype))
        value = (tm_ffi_any){.type = TM_FFI_FLOAT, .number = tensor->number};
    else if (tensor->dtype == TM_DTYPE_BOOL)
        value = (tm_ffi_any){.type = TM_FFI_BOOL, .integer = tensor->integer != 0};
    return value;
}

/* Inputs, and outputs unless they are returned, in the order of the definition. */
static bool make_arguments(ffi_entry *own, tm_reply *reply) {
    const tm_job *job = own->job;
    size_t count = job->returns ? job->input_count : job->tensor_count;
    for (size_t i = 0; i < count; i++) {
        const tm_job_tensor *tensor = &job->tensors[i];
        tm_ffi_any *value = &own->arguments[own->argument_count++];
        if (tensor->fill == TM_FILL_ABSENT)
            continue;
        if (tensor->is_scalar) {
            *value = scalar_of(tensor);
            continue;
        }
        tm_ffi_tensor *made = tm_ffi_tensor_make(tensor, own->tensors[i], own->device);
        if (!made)
            return tm_reply_fail(reply, TM_REPLY_NOT_LOADED,
                                 "%s cannot be passed: its last axis has an odd number of elements "
                                 "of four bits",
                                 tensor->name);
        *value = (tm_ffi_any){.type = TM_FFI_TENSOR, .object = &made->object};
    }
    return true;
}

bool tm_entry_tvm_ffi_library(const tm_job *job, tm_reply *reply) {
    if (dlopen(job->library, RTLD_NOW | RTLD_LOCAL))
        return true;
    return tm_reply_fail(reply, TM_REPLY_HARNESS_FAILED, "the library of tvm-ffi: %.400s",
                         dlerror());
}

static bool find_library(library *found, const char *path, tm_reply *reply) {
    void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (object) {
        *(void **)&found->set_stream = dlsym(object, "TVMFFIEnvSetStream");
        *(void **)&found->move_error = dlsym(object, "TVMFFIErrorMoveFromRaised");
        *(void **)&found->set_allocator = dlsym(object, "TVMFFIEnvSetDLPackManagedTensorAllocator");
    }
    if (object && found->set_stream && found->move_error && found->set_allocator)
        return true;
    return tm_reply_fail(reply, TM_REPLY_HARNESS_FAILED,
                         "%.300s is not the library of tvm-ffi that was configured; run configure "
                         "again",
                         path);
}

tm_entry *tm_entry_tvm_ffi(void *object, const tm_job *job, tm_backend *backend,
                           void *const *tensors, tm_reply *reply) {
    char symbol[sizeof TM_FFI_SYMBOL_PREFIX + sizeof job->entry];
    library found = {NULL, NULL, NULL};
    tm_ffi_call function;
    snprintf(symbol, sizeof symbol, "%s%s", TM_FFI_SYMBOL_PREFIX, job->entry);
    *(void **)&function = dlsym(object, symbol);
    if (!function) {
        tm_reply_fail(reply, TM_REPLY_NOT_LOADED,
                      "the shared object has no %s; export it with TVM_FFI_DLL_EXPORT_TYPED_FUNC",
                      symbol);
        return NULL;
    }
    if (!find_library(&found, job->library, reply))
        return NULL;
    ffi_entry *own = calloc(1, sizeof *own);
    if (!own)
        abort();
    own->base.ops = &ffi_ops;
    own->library = found;
    own->function = function;
    own->job = job;
    own->backend = backend;
    own->tensors = tensors;
    own->device = the_device = device_of(job);
    if (!the_memory)
        the_memory = tm_entry_memory_create(backend);
    found.set_allocator(allocate, 1, NULL);
    if (make_arguments(own, reply))
        return &own->base;
    ffi_destroy(&own->base);
    return NULL;
}
