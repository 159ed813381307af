/* child: the judge's end of one worker process: start, ask, time limit, log, end.
 *
 * The worker is not trusted: it may crash, hang, exit, write without end, or answer what was not
 * asked; every question ends with an outcome. Deliberately does not know what the questions mean.
 */
#ifndef TM_CHILD_H
#define TM_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "harness/job.h"
#include "harness/memory.h"
#include "lib/text.h"

typedef struct {
    pid_t pid;  /* also its process group; 0: not running, or not a child (in_process.h) */
    int keeper; /* connection to the keeper whose child it is; -1: it is ours */
    int side;   /* tm_side, for the keeper */
    int socket; /* messages; -1: not connected */
    int output; /* its stdout and stderr; -1: they are not read */
    tm_memory desk;
    tm_memory delivery;     /* none before the first job */
    bool delivery_is_new;   /* the keeper does not know it yet */
    tm_text log;            /* the first TM_CHILD_LOG_BYTES of its output */
    uint64_t dropped_bytes; /* output beyond that */
} tm_child;

#define TM_CHILD_NONE                  \
    ((tm_child){.keeper = -1,          \
                .socket = -1,          \
                .output = -1,          \
                .desk = {.memfd = -1}, \
                .delivery = {.memfd = -1}})
/* What a worker is for. */
enum { TM_SIDE_REFERENCE, TM_SIDE_SOLUTION };

#define TM_CHILD_LOG_BYTES ((size_t)4 << 20)
/* How long a worker that closed its socket may take to end by itself. */
#define TM_CHILD_ENDING_NS UINT64_C(2000000000)

typedef enum {
    TM_CHILD_REPLIED,
    TM_CHILD_EXITED,    /* `code` is the exit status */
    TM_CHILD_KILLED,    /* `code` is the signal */
    TM_CHILD_TIMED_OUT, /* the deadline passed; it has been killed */
    TM_CHILD_ASTRAY     /* it closed its socket, or sent what is no reply; it has been killed */
} tm_child_outcome;

/* Starts `worker` with an empty desk, with at most `memory_bytes` of data (0: no limit). False with
 * errno. */
bool tm_child_start(tm_child *child, const char *worker, uint64_t memory_bytes);
/* Sends a request, with a descriptor unless that is -1, and waits for its reply until `deadline_ns`
 * (tm_clock_ns). Numbers the request. After any outcome but TM_CHILD_REPLIED the worker is gone. */
tm_child_outcome tm_child_ask(tm_child *child, tm_request *request, int attached, tm_reply *reply,
                              uint64_t deadline_ns, int *code);
/* Waits at most `wait_ns` for the end of a worker that is ours, without ending it; false while it
 * runs, else true with its exit status, or its signal. */
bool tm_child_wait(tm_child *child, uint64_t wait_ns, tm_child_outcome *how, int *code);
/* Ends the worker and its process group, keeps the log. Safe to call twice. */
void tm_child_end(tm_child *child);
/* Ends it if it is ours, and frees the log and the memory. */
void tm_child_free(tm_child *child);

/* The monotonic clock in nanoseconds. */
uint64_t tm_clock_ns(void);

#endif
