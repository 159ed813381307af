/* trace: the result of one cell (FlashInfer-Trace Trace plus our `tracemill` key).
 *
 * The harness fills one and writes it; the report reads it back. */
#ifndef TM_TRACE_H
#define TM_TRACE_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/arena.h"
#include "lib/json.h"
#include "lib/node.h"

#define TM_TRACE_LOG_LIMIT_BYTES ((size_t)5 << 20)

typedef enum {
    TM_STATUS_PASSED,
    TM_STATUS_INCORRECT_SHAPE,
    TM_STATUS_INCORRECT_NUMERICAL,
    TM_STATUS_INCORRECT_DTYPE,
    TM_STATUS_RUNTIME_ERROR,
    TM_STATUS_COMPILE_ERROR,
    TM_STATUS_TIMEOUT,
    /* Ours: nothing to compare (every output is empty). Written as evaluation null. */
    TM_STATUS_VOID,
    TM_STATUS_COUNT
} tm_status;

/* "PASSED", ...; "VOID" for ours. Static. */
const char *tm_status_name(tm_status status);
bool tm_status_parse(const char *name, tm_status *status);

/* One library and its version, as in environment.libs. */
typedef struct {
    const char *name, *version;
} tm_trace_lib;

typedef struct {
    const char *definition;
    const char *op_type; /* `tracemill.op_type` */
    const char *solution;
    const char *author;      /* `tracemill.author` */
    const tm_node *workload; /* the workload object, embedded as read */
    tm_status status;
    const char *reason; /* one line, why it is not PASSED; "" when it is */
    const char *hardware;
    tm_trace_lib libs[16];
    size_t lib_count;
    const char *timestamp; /* ISO 8601 */
    const char *log;       /* cut to TM_TRACE_LOG_LIMIT_BYTES when written */

    bool has_correctness;
    double max_relative_error, max_absolute_error;
    tm_json *correctness_extra;      /* or NULL; written, then belongs to the written tree */
    const tm_node *correctness_node; /* when read: the `extra` object or NULL */

    bool has_performance;
    double latency_ms, reference_latency_ms, speedup_factor;

    tm_json *details;            /* members of `tracemill` beyond the above, or NULL */
    const tm_node *details_node; /* when read: the `tracemill` object or NULL */
} tm_trace;

/* Writes one trace as a JSON file by rename: a reader sees the old file or the whole new one.
 * Takes correctness_extra and details, also on failure. Of a VOID trace, environment, timestamp and
 * log stand under `tracemill`. False with errno; EINVAL when definition, workload, solution,
 * hardware or timestamp is missing, when correctness or performance does not go with the status
 * (docs/FORMATS.md: Trace), or when `details` repeats a member that is written anyway. */
bool tm_trace_write(const char *path, tm_trace *trace);
/* Reads a trace object (a file, or a row of a JSONL). False after appending an error; strings
 * borrow from the node, and are "" where the trace says nothing. Accepts what flashinfer-bench
 * writes: without `tracemill`, author and op_type are ""; a row without a result (evaluation null,
 * as in a workload file) is VOID, with solution "" when that is null. */
bool tm_trace_parse(tm_node_reader *reader, const tm_node *node, tm_trace *trace);

/* What lies beside a trace: its path with another ending in place of ".json", such as ".samples".
 * NULL of a path that does not end so, as of a JSONL. */
const char *tm_trace_beside(tm_arena *arena, const char *path, const char *ending);

#endif
