/* child: the judge's end of one worker process: start, ask, time limit, log, end.
 *
 * The worker is not trusted: it may crash, hang, exit, or write without end; every question ends with
 * an outcome. Deliberately does not know what the questions mean. */
#ifndef TM_CHILD_H
#define TM_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "harness/job.h"
#include "lib/text.h"

typedef struct {
    pid_t pid;    /* also its process group; 0: not running */
    int socket;   /* messages */
    int output;   /* its stdout and stderr */
    tm_text log;  /* the first TM_CHILD_LOG_BYTES of it */
    uint64_t dropped_bytes; /* output beyond that */
} tm_child;

#define TM_CHILD_LOG_BYTES ((size_t)4 << 20)

typedef enum {
    TM_CHILD_REPLIED,
    TM_CHILD_EXITED,   /* `code` is the exit status */
    TM_CHILD_KILLED,   /* `code` is the signal */
    TM_CHILD_TIMED_OUT /* the deadline passed; it has been killed */
} tm_child_outcome;

/* Starts `worker` on the shared memory. False with errno. */
bool tm_child_start(tm_child *child, const char *worker, int memfd);
/* Sends a request and waits for its reply until `deadline_ns` (tm_clock_ns). After any outcome but
 * TM_CHILD_REPLIED the worker is gone. */
tm_child_outcome tm_child_ask(tm_child *child, const tm_request *request, tm_reply *reply,
                              uint64_t deadline_ns, int *code);
/* Ends the worker and everything it started, keeps the log. Safe to call twice. */
void tm_child_end(tm_child *child);
/* Frees the log. */
void tm_child_free(tm_child *child);

/* The monotonic clock in nanoseconds. */
uint64_t tm_clock_ns(void);

#endif
