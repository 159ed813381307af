/* job: what a judge and one worker share: a desk of plain data, a delivery of outputs, messages.
 *
 * Both are memfds: the desk, which lives as long as the worker, has the job and the samples; the
 * delivery, which grows with the jobs, has the outputs. The judge keeps its own copy of everything
 * it decides on and takes only outputs and samples from there. Both are sealed: a worker can
 * scribble over them, but not shorten them under the judge. */
#ifndef TM_JOB_H
#define TM_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/random_form.h"
#include "harness/table.h"
#include "harness/window.h"
#include "lib/definition.h"
#include "lib/diag.h"
#include "lib/node.h"
#include "lib/solution.h"

#define TM_JOB_MAX_SAMPLES 100000 /* per request */
/* A delivery is made this large at least, so that it seldom has to grow. */
#define TM_JOB_DELIVERY_BYTES ((size_t)16 << 20)
/* What outputs are filled with before an untimed and a timed call. All ones: NaN in every floating
 * dtype that has one, -1 in integers. The other differs in its last bits, so that an answer left
 * from the call before is not taken for a new one. */
#define TM_JOB_POISON_RUN 0xffffffffu
#define TM_JOB_POISON_TIME 0xfffefffeu

typedef struct {
    char name[64];
    int32_t dtype;
    int32_t fill; /* tm_fill */
    int32_t is_scalar;
    int32_t is_overwritten; /* an input that the solution says it changes */
    int64_t elems;
    uint64_t bytes;
    uint64_t offset;         /* outputs: within a delivery */
    tm_random_form random;   /* TM_FILL_RANDOM */
    unsigned char scalar[8]; /* by-value inputs, in the type of the contract */
    char path[4096];         /* TM_FILL_BLOB */
    uint64_t file_offset;    /* TM_FILL_BLOB: where its bytes start */
    int32_t rank;
    int64_t shape[TM_TABLE_MAX_RANK];
    double number;   /* of a floating by-value input, as the row has it */
    int64_t integer; /* of another one */
} tm_job_tensor;

typedef struct {
    char object[4096];    /* the shared object to load */
    char signature[8192]; /* which it must have been compiled for, behind contract.h */
    int32_t binding;      /* tm_binding */
    int32_t returns;      /* behind tvm-ffi: outputs are what a call returns, no arguments */
    char entry[256];      /* behind tvm-ffi: the name that it exports */
    char library[4096];   /* behind tvm-ffi: what serves the object, loaded before it */
    int32_t device;
    uint32_t input_count, tensor_count;
    uint32_t repeats;           /* so many times the row's inputs stand one behind the other */
    unsigned char axes[64 * 8]; /* tm_axes of the contract */
    uint64_t output_bytes;      /* of one delivery of all outputs */
    tm_job_tensor tensors[TM_MAX_TENSORS];
} tm_job;

/* One timed call. */
typedef struct {
    double device_ns;   /* tm_reading: the figure */
    double marks_ns;    /* tm_reading: its cross-check */
    double wall_ns;     /* host time from before the call until its work was done */
    int64_t activities; /* tm_reading: what the clock saw on the device; 0: it cannot see */
} tm_job_sample;

typedef struct {
    tm_job job;
    int32_t is_warm; /* TM_REQUEST_WARM is done; atomic */
    tm_job_sample samples[TM_JOB_MAX_SAMPLES];
} tm_desk;

typedef enum {
    TM_REQUEST_OPEN, /* take the job on the desk: open the device, allocate; nothing of the solution
                        is loaded by this. A new delivery's descriptor comes with it */
    TM_REQUEST_LOAD, /* load the object */
    TM_REQUEST_RUN,  /* inputs from `seed`, perturbed `steps` times; one call */
    TM_REQUEST_TIME, /* inputs as for a run, `warmup` calls; timed calls, each on inputs that are
                        perturbed once more */
    TM_REQUEST_FETCH,   /* outputs of the last call to the delivery (tm_job_delivered_at) */
    TM_REQUEST_COUNT,   /* inputs from `seed`; calls whose samples are counted, from zero */
    TM_REQUEST_COUNTED, /* counts of some rows to the delivery */
    TM_REQUEST_CLOSE,   /* give back the job's memory */
    TM_REQUEST_QUIT,    /* end, without a reply */
    TM_REQUEST_WARM     /* open the desk's device, use all of it once; no reply, but the desk says
                           when. A delivery's descriptor comes with it */
} tm_request_kind;

typedef struct {
    int32_t kind;
    int32_t warmup;
    uint64_t number; /* drawn by the judge; the reply repeats it */
    int64_t iterations;
    int64_t steps;
    int64_t floor;   /* samples that are taken whatever the cap */
    uint64_t cap_ns; /* no further sample after this long */
    uint64_t seed;
    uint64_t offset;
    int64_t rows, vocabulary; /* of counts; of TM_REQUEST_COUNTED: `rows` from row `offset` on */
    uint64_t window_seed;     /* of TM_REQUEST_FETCH: which parts of large outputs (window.h) */
    int32_t secret;  /* of TM_REQUEST_OPEN: the outputs are answers, for nobody to look at */
    int32_t windows; /* of TM_REQUEST_FETCH: parts only */
    int32_t status;  /* of TM_REQUEST_QUIT: the exit status */
} tm_request;

typedef enum {
    TM_REPLY_OK,
    TM_REPLY_NOT_LOADED,     /* the shared object, its symbols or its signature */
    TM_REPLY_ENTRY_FAILED,   /* the entry returned `code` */
    TM_REPLY_RAISED,         /* the entry raised an error, which the message is */
    TM_REPLY_WRONG_SHAPE,    /* of an output that was returned */
    TM_REPLY_WRONG_DTYPE,    /* the same */
    TM_REPLY_DEVICE_FAILED,  /* an error of the device after a call of the solution */
    TM_REPLY_OVERRUN,        /* wrote outside a buffer, or to an input */
    TM_REPLY_HARNESS_FAILED, /* our own fault, or the environment's */
    TM_REPLY_OUT_OF_MEMORY   /* the workload does not fit the device, or what is left of it; `code`
                                1: nor does the harness itself */
} tm_reply_kind;

typedef struct {
    int32_t kind;
    int32_t code;
    uint64_t number;      /* of the request */
    int64_t samples;      /* of TM_REQUEST_TIME; of TM_REQUEST_COUNT: calls */
    int32_t capped;       /* the time cap ended the samples early */
    char clock[16];       /* of TM_REQUEST_OPEN: tm_backend_ops.clock */
    uint64_t protocol_ns; /* spent on what the protocol asks: flushes and calls */
    char message[512];
} tm_reply;

/* Bytes of an output that a delivery has: all of it, or its parts. */
static inline uint64_t tm_job_delivered(const tm_job_tensor *output, bool windows) {
    return windows ? tm_window_delivered(output->bytes) : output->bytes;
}
/* Where output `index` of the tensors lies in a delivery: all of it, or behind all of all of them
 * its parts, so that both can be looked at. */
static inline uint64_t tm_job_delivered_at(const tm_job *job, size_t index, bool windows) {
    if (!windows)
        return job->tensors[index].offset;
    uint64_t at = job->output_bytes;
    for (size_t i = job->input_count; i < index; i++)
        at += (tm_job_delivered(&job->tensors[i], true) + 255) / 256 * 256;
    return at;
}
/* Of a delivery with room for both. */
static inline uint64_t tm_job_delivery_bytes(const tm_job *job) {
    return tm_job_delivered_at(job, job->tensor_count, true);
}

/* File descriptors as a worker finds them. */
#define TM_WORKER_SOCKET 3
#define TM_WORKER_DESK 4
/* Exit status of a worker that cannot reach its judge any more. */
#define TM_WORKER_CUT_OFF 4

/* What must be known of a solution, from build/solutions/<name>.json. */
typedef struct {
    const char *name, *author, *definition, *log;
    tm_binding binding;
    const char *entry;       /* behind tvm-ffi: its name; else NULL */
    bool returns;            /* behind tvm-ffi: its outputs */
    const char *const *axes; /* names, in the order of tm_axes */
    size_t axis_count;
    double constants[16]; /* after the axes */
    size_t constant_count;
    const char *const *overwrites; /* inputs that it says it changes */
    size_t overwrite_count;
    const tm_node *baked; /* axis -> value that is compiled in, or NULL */
} tm_facts;

/* False after appending an error. Borrows from the node. */
bool tm_facts_parse(tm_facts *facts, tm_node_reader *reader, const tm_node *node);

/* Makes the job of a table and a solution for a device, blobs located. NULL after appending an
 * error. In the arena. */
const tm_job *tm_job_make(const tm_table *table, const tm_facts *facts, const char *object,
                          const char *root, int device, tm_arena *arena, tm_diag *diag);
/* The same job of a row `repeats` times as large: every tensor that is no scalar has an axis
 * `axis` in front, and all of them stand one behind the other. In the arena. */
const tm_job *tm_job_repeat(const tm_job *job, const tm_facts *facts, const char *axis,
                            int64_t repeats, tm_arena *arena);

#endif
