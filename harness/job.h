/* job: what a judge and one worker share: a block of memory and a few messages.
 *
 * Plain data in one memfd: the job first, then the samples, then the outputs. The judge keeps its
 * own copy of everything it decides on and takes only outputs and samples from here. The memfd is
 * sealed: a worker can scribble over it, but not shorten it under the judge. */
#ifndef TM_JOB_H
#define TM_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/table.h"
#include "lib/config.h"
#include "lib/diag.h"
#include "lib/node.h"

#define TM_JOB_MAX_TENSORS 48
#define TM_JOB_MAX_SAMPLES 100000 /* per trial */

typedef struct {
    char name[64];
    int32_t dtype;
    int32_t fill; /* tm_fill */
    int32_t is_scalar;
    int64_t elems;
    uint64_t bytes;
    uint64_t offset;         /* outputs: from the start of the shared memory */
    unsigned char scalar[8]; /* by-value inputs, in the type of the contract */
    char path[4096];         /* TM_FILL_BLOB */
    uint64_t file_offset;    /* TM_FILL_BLOB: where its bytes start */
} tm_job_tensor;

typedef struct {
    char object[4096];    /* the shared object to load */
    char signature[8192]; /* which it must have been compiled for */
    int32_t device;
    uint32_t input_count, tensor_count;
    unsigned char axes[64 * 8]; /* tm_axes of the contract */
    uint64_t samples_offset;    /* TM_JOB_MAX_SAMPLES tm_job_sample */
    uint64_t total_bytes;
    tm_job_tensor tensors[TM_JOB_MAX_TENSORS];
} tm_job;

/* One timed call. */
typedef struct {
    double device_ns;   /* tm_reading: the figure */
    double marks_ns;    /* tm_reading: its cross-check */
    double wall_ns;     /* host time from before the call until its work was done */
    int64_t activities; /* tm_reading: what the clock saw on the device; 0: it cannot see */
    int64_t foreign;    /* tm_reading: of them, running before the call began */
} tm_job_sample;

typedef enum {
    TM_REQUEST_OPEN, /* open the device, allocate; nothing of the solution is loaded yet */
    TM_REQUEST_LOAD, /* load the object */
    TM_REQUEST_RUN,  /* new inputs from `seed`, one call, outputs to the shared memory */
    TM_REQUEST_TIME, /* timed calls on the same inputs, then outputs again */
    TM_REQUEST_QUIT  /* end, without a reply */
} tm_request_kind;

typedef struct {
    int32_t kind;
    int32_t warmup;
    uint64_t number; /* 1, 2, ... as sent; the reply repeats it */
    int64_t iterations;
    int64_t floor;   /* samples that are taken whatever the cap */
    uint64_t cap_ns; /* no further sample after this long */
    uint64_t seed;
    int32_t status; /* of TM_REQUEST_QUIT: the exit status */
} tm_request;

typedef enum {
    TM_REPLY_OK,
    TM_REPLY_NOT_LOADED,     /* the shared object, its symbols or its signature */
    TM_REPLY_ENTRY_FAILED,   /* the entry returned `code` */
    TM_REPLY_DEVICE_FAILED,  /* an error of the device after a call of the solution */
    TM_REPLY_OVERRUN,        /* wrote outside a buffer */
    TM_REPLY_HARNESS_FAILED, /* our own fault, or the environment's */
    TM_REPLY_OUT_OF_MEMORY   /* the workload does not fit the device, or what is left of it */
} tm_reply_kind;

typedef struct {
    int32_t kind;
    int32_t code;
    uint64_t number; /* of the request */
    int64_t samples; /* of TM_REQUEST_TIME */
    int32_t capped;  /* the time cap ended the samples early */
    char clock[16];  /* of TM_REQUEST_OPEN: tm_backend_ops.clock */
    char message[512];
} tm_reply;

/* File descriptors as a worker finds them. */
#define TM_WORKER_SOCKET 3
#define TM_WORKER_MEMORY 4
/* Exit status of a worker that cannot reach its judge any more. */
#define TM_WORKER_CUT_OFF 4

/* What must be known of a solution, from build/solutions/<name>.json. */
typedef struct {
    const char *name, *author, *definition, *log;
    const char *const *axes; /* names, in the order of tm_axes */
    size_t axis_count;
    double constants[16]; /* after the axes */
    size_t constant_count;
} tm_facts;

/* False after appending an error. Borrows from the node. */
bool tm_facts_parse(tm_facts *facts, tm_node_reader *reader, const tm_node *node);

/* A job in shared memory; the judge's end of it. */
typedef struct {
    const tm_job *own; /* the judge's copy, in the arena: where things lie in the map */
    tm_job *map;       /* what the worker sees, and may have scribbled over */
    size_t bytes;
    int memfd;
} tm_shared_job;

/* Makes the shared memory of a table and a solution for a device, blobs located. False after
 * appending an error. Released by tm_shared_job_close. */
bool tm_shared_job_open(tm_shared_job *shared, const tm_table *table, const tm_facts *facts,
                        const char *object, const char *root, int device, tm_arena *arena,
                        tm_diag *diag);
void tm_shared_job_close(tm_shared_job *shared);
/* An output's bytes, borrowed from the map. */
static inline void *tm_shared_job_output(const tm_shared_job *shared, size_t tensor) {
    return (char *)shared->map + shared->own->tensors[tensor].offset;
}
/* The samples' start, borrowed from the map. */
static inline const tm_job_sample *tm_shared_job_samples(const tm_shared_job *shared) {
    return (const tm_job_sample *)((const char *)shared->map + shared->own->samples_offset);
}

#endif
