#include "harness/entry.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

#include "harness/reply.h"

typedef int (*native_function)(void *const *tensors, const void *axes, void *stream);

typedef struct {
    tm_entry base;
    native_function function;
    void *const *tensors;
    const void *axes;
    tm_backend *backend;
} native;

static bool native_prepare(tm_entry *entry, uint32_t pattern, tm_reply *reply) {
    (void)entry, (void)pattern, (void)reply;
    return true;
}

static bool native_call(tm_entry *entry, tm_reply *reply) {
    const native *own = (const native *)entry;
    int code = own->function(own->tensors, own->axes, tm_the_backend.stream(own->backend));
    if (code == 0)
        return true;
    reply->code = code;
    return tm_reply_fail(reply, TM_REPLY_ENTRY_FAILED, "the entry returned %d", code);
}

static bool native_collect(tm_entry *entry, tm_reply *reply) {
    (void)entry, (void)reply;
    return true;
}

static size_t native_blocks(tm_entry *entry, tm_entry_block *blocks, size_t room) {
    (void)entry, (void)blocks, (void)room;
    return 0;
}

static void native_destroy(tm_entry *entry) {
    free(entry);
}

static const tm_entry_ops native_ops = {native_prepare, native_call, native_collect, native_blocks,
                                        native_destroy};

static tm_entry *load_native(void *object, const tm_job *job, tm_backend *backend,
                             void *const *tensors, tm_reply *reply) {
    const char *(*signature)(void);
    native_function function;
    *(void **)&signature = dlsym(object, "tm_signature");
    *(void **)&function = dlsym(object, "tm_call");
    if (!signature || !function) {
        tm_reply_fail(reply, TM_REPLY_NOT_LOADED,
                      "the shared object has no tm_call; it must be compiled against contract.h");
        return NULL;
    }
    if (strcmp(signature(), job->signature) != 0) {
        tm_reply_fail(reply, TM_REPLY_NOT_LOADED,
                      "the shared object was compiled for another definition: %.300s", signature());
        return NULL;
    }
    native *own = malloc(sizeof *own);
    if (!own)
        abort();
    *own = (native){{&native_ops}, function, tensors, job->axes, backend};
    return &own->base;
}

tm_entry *tm_entry_load(const tm_job *job, tm_backend *backend, void *const *tensors,
                        tm_reply *reply) {
    bool is_ffi = job->binding == TM_BINDING_TVM_FFI;
    if (is_ffi && !tm_entry_tvm_ffi_library(job, reply))
        return NULL;
    /* Loaded already for another row of the same solution: the same object, nothing runs. */
    void *object = dlopen(job->object, RTLD_NOW | RTLD_LOCAL);
    if (!object) {
        tm_reply_fail(reply, TM_REPLY_NOT_LOADED, "the shared object does not load: %.400s",
                      dlerror());
        return NULL;
    }
    return (is_ffi ? tm_entry_tvm_ffi : load_native)(object, job, backend, tensors, reply);
}

void tm_entry_destroy(tm_entry *entry) {
    if (entry)
        entry->ops->destroy(entry);
}
