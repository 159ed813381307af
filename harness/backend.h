/* backend: what the worker needs from a device; two implementations, CPU and CUDA.
 *
 * All functions are mandatory. Failures return false and leave a message in `error`
 * (NUL-terminated, cut to fit). Everything else (random inputs, the loop, statistics, comparison)
 * exists once, above this interface. Deliberately does not know: cells, solutions, verdicts. */
#ifndef TM_BACKEND_H
#define TM_BACKEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/random_form.h"
#include "lib/json.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TM_BACKEND_ERROR_BYTES 512

typedef struct tm_backend tm_backend;

/* What the clock saw of one call, between two marks. */
typedef struct {
    double device_ns;   /* the figure: first start to last end on the device where that can be
                           seen, else the time between the marks */
    double marks_ns;    /* between the marks themselves, the cross-check */
    int64_t activities; /* kernels, copies and fills; 0 where they cannot be seen */
} tm_reading;

typedef struct tm_backend_ops {
    const char *name; /* "cpu", "cuda" */

    /* The first thing that main() of a process calls which will open a backend: puts into the
     * environment what libraries read as they are loaded, and if something was missing there,
     * starts this program again with it, in the same process. Returns when all is in place or
     * cannot be had; then calls are timed all the same, only less steadily. */
    void (*prepare)(char *const *argv);
    /* Opens device number `index`. NULL with a message on failure; `full` then says whether that is
     * for want of the device's memory, which other programs may hold. Closed by `close`. */
    tm_backend *(*open)(int index, bool *full, char *error);
    void (*close)(tm_backend *backend);
    /* What device.json holds: {"backend", "devices": [{"name", "uuid", ...}], "libs": {...}}.
     * Caller frees with tm_json_free. NULL with a message. Needs no open backend. */
    tm_json *(*describe)(char *error);

    /* `bytes` of device memory aligned to 256, NULL with a message; freed by `free`. Its end lies
     * at most 255 bytes before memory that faults on access, where the device can do that. What it
     * holds is anybody's guess: `free` keeps memory for the next `alloc`, within a bound. */
    void *(*alloc)(tm_backend *backend, size_t bytes, char *error);
    void (*free)(tm_backend *backend, void *memory);
    /* Host to device and back, complete when they return. */
    bool (*upload)(tm_backend *backend, void *device, const void *host, size_t bytes, char *error);
    bool (*download)(tm_backend *backend, void *host, const void *device, size_t bytes,
                     char *error);
    /* `count` parts of `bytes` each that begin at device + begins[i], side by side; one wait for
     * all of them where that is possible. */
    bool (*download_parts)(tm_backend *backend, void *host, const void *device,
                           const uint64_t *begins, size_t count, size_t bytes, char *error);
    /* Device to device, without overlap; enqueued on the stream and not waited for. */
    bool (*copy)(tm_backend *backend, void *to, const void *from, size_t bytes, char *error);
    /* Host memory that upload and download then use in place. Where the system refuses that, true
     * all the same: they go through memory of their own. `unpin` before it is unmapped. */
    bool (*pin)(tm_backend *backend, void *host, size_t bytes, char *error);
    void (*unpin)(tm_backend *backend, void *host);
    /* Writes those units of `form` whose index is `phase` modulo `stride`, the cut one at the end
     * included, with the values that lib/random.h and harness/random_rows.h define for (seed,
     * stream number, form): the same bits on every backend. Phase 0 of stride 1 is everything. What
     * is not plain starts at a multiple of four bytes. */
    bool (*fill_random)(tm_backend *backend, void *device, const tm_random_form *form,
                        uint64_t seed, uint32_t tensor, uint32_t phase, uint32_t stride,
                        char *error);
    /* Sets bytes to a repeated 4-byte pattern; `bytes` need not be a multiple of 4. */
    bool (*fill_pattern)(tm_backend *backend, void *device, uint32_t pattern, size_t bytes,
                         char *error);
    /* Adds one to a cell of `counts`, uint32 [rows][vocabulary + 1], for each of so many samples:
     * sample i, an int32 or int64 (`dtype`), in row i % rows; the last column is for what is
     * outside the vocabulary. Enqueued on the stream and not waited for. */
    bool (*count)(tm_backend *backend, void *counts, const void *samples, int dtype,
                  int64_t sample_count, int64_t rows, int64_t vocabulary, char *error);
    /* What harness/hash.h defines for these bytes, the same on every backend; waits. */
    bool (*hash)(tm_backend *backend, const void *device, size_t bytes, uint64_t *hash,
                 char *error);
    /* Waits for all work of the device and reports any pending error of it. */
    bool (*sync)(tm_backend *backend, char *error);
    /* Waits for what is enqueued on the stream; where a graph is being captured from it, for
     * nothing. */
    bool (*wait)(tm_backend *backend, char *error);
    /* Makes the next call start cold: none of these buffers in cache, no dirty lines. */
    bool (*flush_cache)(tm_backend *backend, void *const *buffers, const size_t *bytes,
                        size_t count, char *error);

    /* The stream that a native solution gets. */
    void *(*stream)(tm_backend *backend);
    /* What `elapsed` reads in this process: "monotonic", "cuda events" or "cupti". Static. */
    const char *(*clock)(tm_backend *backend);
    /* Marks begin (0), after flush_cache, and end (1) of a timed call on the stream. */
    bool (*mark)(tm_backend *backend, int which, char *error);
    /* What lay between mark 0 and mark 1; waits for all work of the device. */
    bool (*elapsed)(tm_backend *backend, tm_reading *reading, char *error);
} tm_backend_ops;

/* The one backend a worker binary was linked with. */
extern const tm_backend_ops tm_the_backend;

#ifdef __cplusplus
}
#endif

#endif
