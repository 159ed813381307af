/* entry: how a worker calls what it has loaded: behind contract.h, or through tvm-ffi.
 *
 * The runner does not know which. Runs in the worker process. Deliberately does not know seeds,
 * clocks and guards of the job's own tensors. */
#ifndef TM_ENTRY_H
#define TM_ENTRY_H

#include "harness/backend.h"
#include "harness/job.h"

typedef struct tm_entry tm_entry;

/* Memory that the harness gave to a solution, between guards (guards.h). */
typedef struct {
    char *block;
    size_t bytes; /* without the guards */
} tm_entry_block;

typedef struct {
    /* Before a call, and outside of what is timed: fills memory that the solution asked for, and
     * holds no more, with a pattern, and sets the stream of this thread. */
    bool (*prepare)(tm_entry *entry, uint32_t pattern, tm_reply *reply);
    /* The call itself, and nothing else. */
    bool (*call)(tm_entry *entry, tm_reply *reply);
    /* After a call that was good, and outside of what is timed: outputs that it returned go where
     * those are that it was given; in the order of the stream. */
    bool (*collect)(tm_entry *entry, tm_reply *reply);
    /* Memory that it has from the harness: how many blocks there are, of which no more than `room`
     * are filled in. Borrowed until the next call. */
    size_t (*blocks)(tm_entry *entry, tm_entry_block *blocks, size_t room);
    void (*destroy)(tm_entry *entry);
} tm_entry_ops;

/* What both kinds begin with. */
struct tm_entry {
    const tm_entry_ops *ops;
};

/* Loads the job's object and finds its entry: from here on code of the solution may run. The job,
 * and `tensors`, which a call gets, are borrowed until tm_entry_destroy. NULL after filling the
 * reply. */
tm_entry *tm_entry_load(const tm_job *job, tm_backend *backend, void *const *tensors,
                        tm_reply *reply);
/* Lets go of the memory that the solution does not hold any more; its object stays loaded:
 * unloading would run its destructors for nothing. NULL is nothing to do. */
void tm_entry_destroy(tm_entry *entry);

/* The entry behind tvm-ffi, of an object that is loaded already. NULL after filling the reply. */
tm_entry *tm_entry_tvm_ffi(void *object, const tm_job *job, tm_backend *backend,
                           void *const *tensors, tm_reply *reply);
/* Loads the library that its object asks for. False after filling the reply. */
bool tm_entry_tvm_ffi_library(const tm_job *job, tm_reply *reply);

#endif
