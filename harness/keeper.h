/* keeper: workers and expected outputs that stay from one cell to the next.
 *
 * tm-keeper is a small process that the first judge starts. There is one for each device, which
 * holds a reference worker and a solution worker and lends them to one judge at a time, and one for
 * all devices, which remembers answers (answers.h). It knows no verdicts, loads no solution and
 * touches no device. It ends, workers and all, when no judge has come for TM_KEEPER_IDLE_S, when
 * its socket is gone, or when a judge finds that it is out of date.
 *
 * A solution worker serves one shared object only, so that solutions never meet; it is not lent
 * again when a judge returns it as spoilt, ends without returning it, or when it has started
 * processes. While it is not lent it is stopped: what it left running does not disturb others. It
 * cannot ask the keeper itself.
 *
 * When no judge has come for a moment, which may be because a solution is being compiled, the
 * keeper starts a spare worker that opens the device and loads nothing. The next solution takes it.
 * So it does while the reference answers for a row, which is not timed.
 */
#ifndef TM_KEEPER_H
#define TM_KEEPER_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/child.h"
#include "harness/gauge.h"

#define TM_KEEPER_IDLE_S 20
/* A judge waits so long for an answer: ending a worker takes some seconds when its device is busy.
 */
#define TM_KEEPER_PATIENCE_S 30
/* Its listening socket, as it finds it. */
#define TM_KEEPER_LISTEN 3

/* What tells a file from another one, or from an edited one. */
typedef struct {
    uint64_t device, inode, bytes;
    int64_t modified_ns;
} tm_identity;

typedef enum {
    TM_KEEPER_HELLO,  /* reply: `identity` of its program */
    TM_KEEPER_BORROW, /* reply: a worker: socket, output, desk and, if it has one, delivery */
    TM_KEEPER_REAP,   /* reply: how the worker of `side` ended; ends it at once if `force` */
    TM_KEEPER_RETURN, /* no reply; `force`: spoilt. A new delivery comes with it */
    TM_KEEPER_RECALL, /* reply: the answers of `name`, to be read, if they are of `stamp`; `code` 1
                         if they are not younger than `after_ns`: forgotten then, to be written */
    TM_KEEPER_STORE,  /* no reply; the answers of `name` come with it */
    TM_KEEPER_GAUGE,  /* reply: clocks of the device */
    TM_KEEPER_USE,    /* reply: done; `force`: nothing is timed until the next of these */
    TM_KEEPER_QUIT    /* no reply; the connection ends when the workers have */
} tm_keeper_kind;

typedef struct {
    int32_t kind;
    int32_t side;
    int32_t force;
    int32_t device_index;  /* of TM_KEEPER_BORROW: that the worker will open */
    uint64_t memory_bytes; /* of TM_KEEPER_BORROW: tm_child_start */
    tm_identity program;   /* of TM_KEEPER_BORROW: the worker's */
    tm_identity object;    /* of TM_KEEPER_BORROW: of the shared object that it will load */
    tm_identity library;   /* of TM_KEEPER_BORROW: of what is loaded before it; zeros: nothing */
    uint64_t stamp;
    int64_t after_ns;  /* CLOCK_REALTIME */
    char name[4096];   /* of the shared object, or of a row */
    char worker[4096]; /* of TM_KEEPER_BORROW: path of its program */
    char lock[4096];   /* of TM_KEEPER_BORROW: the device's lock file, which the judge holds */
} tm_keeper_request;

typedef struct {
    int32_t good;
    int32_t pid, how, code;
    tm_identity identity;
    tm_gauge_reading gauge;
} tm_keeper_reply;

/* The judge's end. */

/* A connection to the keeper of that name (of its socket in `folder`, build/run), started if there
 * is none: `program` is tm-keeper, `backend` and `uuid` the device that it has a gauge of. -1 with
 * errno. Closed by close(). */
int tm_keeper_connect(const char *folder, const char *program, const char *name,
                      const char *backend, const char *uuid);
/* False with errno when no worker can be started. `library`: what is loaded before the object, or
 * NULL. `lock`: what the caller holds of the device. */
bool tm_keeper_borrow(int keeper, tm_child *child, int side, const char *worker, const char *object,
                      const char *library, int device_index, const char *lock,
                      uint64_t memory_bytes);
/* The worker goes back, or is ended when it is spoilt. */
void tm_keeper_return(tm_child *child, bool spoilt);
/* Ends a worker, at once or when it has had a moment to end by itself, and says how that was. False
 * when the keeper does not answer. */
bool tm_keeper_reap(const tm_child *child, bool at_once, tm_child_outcome *how, int *code);
/* A memfd with answers, or -1. `is_old`: their seed is not younger than `after_ns`. */
int tm_keeper_recall(int keeper, const char *row, uint64_t stamp, int64_t after_ns, bool *is_old);
void tm_keeper_store(int keeper, const char *row, uint64_t stamp, int memfd);
/* Between true and false nothing is timed on the device: the keeper may have it opened. */
void tm_keeper_use(int keeper, bool is_free);
/* False when the keeper does not answer; reading->known tells whether there is something. */
bool tm_keeper_gauge(int keeper, tm_gauge_reading *reading);

/* False with errno. */
bool tm_identity_of(const char *path, tm_identity *identity);

#endif
