/* backend_cuda: harness/backend.h on one NVIDIA GPU.
 *
 * Knows: a cold L2, and event pairs as the clock. Deliberately does not know: solutions, how memory
 * is mapped and copied (backend_cuda_memory), random numbers (backend_cuda_fill), CUPTI. Written as
 * C; nvcc compiles it as C++17. */
#include "harness/backend.h"

#include <cuda_runtime.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/backend_cuda_cupti.h"
#include "harness/backend_cuda_describe.h"
#include "harness/backend_cuda_error.h"
#include "harness/backend_cuda_fill.h"
#include "harness/backend_cuda_memory.h"
#include "harness/hash.h"
#include "lib/dtype.h"

#define THREADS 256
/* Grid-stride kernels get at most this many thread blocks per multiprocessor: enough to fill it. */
#define BLOCKS_PER_MULTIPROCESSOR 16
/* Evicting the L2 touches this many times its size. */
#define FLUSH_FACTOR 2
/* The last kernel of a flush, by which a call's records are told from ours. */
#define FLUSH_KERNEL "tm_cuda_flush_read"

struct tm_backend {
    int index;
    int64_t grid_max;
    bool has_persisting_l2;
    cudaStream_t stream;
    tm_cuda_memory *memory;
    cudaEvent_t marks[2];
    bool marked[2];
    bool has_cupti;               /* else events alone are the clock */
    size_t flushes;               /* since the last reading */
    size_t flush_bytes;           /* of each of the next two */
    void *flush_written;          /* leaves the L2 full of its dirty lines */
    void *flush_read;             /* holds zeros; reading it leaves clean lines instead */
    unsigned *flush_sink;         /* one word that keeps the reading from being optimised away */
    unsigned long long *hash_sum; /* one word */
};

/* ---- open and close ---- */

static void backend_close(tm_backend *backend) {
    if (!backend)
        return;
    /* Nobody is left to hear of a failure here: a sticky error was reported by the call before. */
    for (int i = 0; i < 2; i++)
        if (backend->marks[i])
            (void)cudaEventDestroy(backend->marks[i]);
    tm_cuda_memory_close(backend->memory);
    (void)cudaFree(backend->hash_sum);
    (void)cudaFree(backend->flush_written);
    (void)cudaFree(backend->flush_read);
    (void)cudaFree(backend->flush_sink);
    if (backend->stream)
        (void)cudaStreamDestroy(backend->stream);
    free(backend);
}

static bool select_device(int index, char *error) {
    int count = 0;
    if (!tm_cuda_describe_count(&count, error))
        return false;
    if (index < 0 || index >= count) {
        tm_cuda_say(error, "CUDA device: expected an index from 0 to %d, got %d", count - 1, index);
        return false;
    }
    return tm_cuda_passed(cudaSetDevice(index), "cudaSetDevice", error);
}

/* Memory and sizes that flush_cache uses. */
static bool open_flush(tm_backend *backend, char *error) {
    int l2_bytes = 0;
    int persisting_bytes = 0;
    if (!tm_cuda_passed(cudaDeviceGetAttribute(&l2_bytes, cudaDevAttrL2CacheSize, backend->index),
                        "cudaDeviceGetAttribute(L2CacheSize)", error) ||
        !tm_cuda_passed(cudaDeviceGetAttribute(&persisting_bytes,
                                               cudaDevAttrMaxPersistingL2CacheSize, backend->index),
                        "cudaDeviceGetAttribute(MaxPersistingL2CacheSize)", error))
        return false;
    if (l2_bytes <= 0) {
        tm_cuda_say(error,
                    "CUDA device %d: expected the size of its L2 cache, got %d bytes; "
                    "calls cannot be timed cold on it",
                    backend->index, l2_bytes);
        return false;
    }
    backend->has_persisting_l2 = persisting_bytes > 0;
    backend->flush_bytes = FLUSH_FACTOR * (size_t)l2_bytes;
    if (!tm_cuda_passed(cudaMalloc(&backend->flush_written, backend->flush_bytes),
                        "cudaMalloc of the L2 flush buffers", error) ||
        !tm_cuda_passed(cudaMalloc(&backend->flush_read, backend->flush_bytes),
                        "cudaMalloc of the L2 flush buffers", error) ||
        !tm_cuda_passed(cudaMalloc((void **)&backend->flush_sink, sizeof *backend->flush_sink),
                        "cudaMalloc of the L2 flush buffers", error))
        return false;
    /* The first kernel of a process: a build for another architecture fails here, with its name. */
    return tm_cuda_passed(tm_backend_cuda_fill_pattern(backend->stream, backend->grid_max,
                                                       backend->flush_read, 0,
                                                       backend->flush_bytes),
                          "first kernel launch", error) &&
           tm_cuda_passed(cudaStreamSynchronize(backend->stream), "cudaStreamSynchronize", error);
}

/* Whether what tm_cuda_passed said is that the device has no memory: a context takes some hundred
 * MB of it, the L2 flush more, the first kernel its code. */
static bool is_full(const char *error) {
    return strstr(error, cudaGetErrorName(cudaErrorMemoryAllocation)) != NULL;
}

static tm_backend *backend_open(int index, bool *full, char *error) {
    *full = false;
    if (!select_device(index, error)) {
        *full = is_full(error);
        return NULL;
    }
    tm_backend *backend = (tm_backend *)calloc(1, sizeof *backend);
    if (!backend) {
        tm_cuda_say(error, "out of host memory");
        return NULL;
    }
    backend->index = index;
    char without[TM_BACKEND_ERROR_BYTES]; /* a machine may have no CUPTI: events do then */
    backend->has_cupti = tm_cupti_start(without, sizeof without);
    if (!backend->has_cupti) {
        tm_cupti_stop();
        fprintf(stderr, "tracemill: note: the clock is CUDA events: %s\n", without);
    }
    int multiprocessors = 0;
    /* A blocking stream on purpose: honest solutions may launch on the legacy default stream, and
     * only a blocking stream is ordered with it, so that such work lies inside the event pair. */
    if (!tm_cuda_passed(
            cudaDeviceGetAttribute(&multiprocessors, cudaDevAttrMultiProcessorCount, index),
            "cudaDeviceGetAttribute(MultiProcessorCount)", error) ||
        !tm_cuda_passed(cudaStreamCreate(&backend->stream), "cudaStreamCreate", error) ||
        !tm_cuda_passed(cudaEventCreate(&backend->marks[0]), "cudaEventCreate", error) ||
        !tm_cuda_passed(cudaEventCreate(&backend->marks[1]), "cudaEventCreate", error))
        goto failed;
    backend->grid_max = (int64_t)multiprocessors * BLOCKS_PER_MULTIPROCESSOR;
    if (!tm_cuda_passed(cudaMalloc((void **)&backend->hash_sum, sizeof *backend->hash_sum),
                        "cudaMalloc of a word", error) ||
        !open_flush(backend, error))
        goto failed;
    backend->memory = tm_cuda_memory_open(index, backend->stream, error);
    if (!backend->memory)
        goto failed;
    return backend;
failed:
    *full = is_full(error);
    backend_close(backend);
    return NULL;
}

/* ---- memory ---- */

static void backend_prepare(char *const *argv) {
    (void)argv; /* nothing that CUDA would read */
}

static void *backend_alloc(tm_backend *backend, size_t bytes, char *error) {
    return tm_cuda_memory_alloc(backend->memory, bytes, error);
}

static void backend_free(tm_backend *backend, void *memory) {
    tm_cuda_memory_free(backend->memory, memory);
}

static bool backend_upload(tm_backend *backend, void *device, const void *host, size_t bytes,
                           char *error) {
    return tm_cuda_memory_upload(backend->memory, device, host, bytes, error);
}

static bool backend_download(tm_backend *backend, void *host, const void *device, size_t bytes,
                             char *error) {
    return tm_cuda_memory_download(backend->memory, host, device, bytes, error);
}

static bool backend_download_parts(tm_backend *backend, void *host, const void *device,
                                   const uint64_t *begins, size_t count, size_t bytes,
                                   char *error) {
    return tm_cuda_memory_download_parts(backend->memory, host, device, begins, count, bytes,
                                         error);
}

static bool backend_copy(tm_backend *backend, void *to, const void *from, size_t bytes,
                         char *error) {
    return tm_cuda_memory_copy(backend->memory, to, from, bytes, error);
}

static bool backend_pin(tm_backend *backend, void *host, size_t bytes, char *error) {
    return tm_cuda_memory_pin(backend->memory, host, bytes, error);
}

static void backend_unpin(tm_backend *backend, void *host) {
    tm_cuda_memory_unpin(backend->memory, host);
}

/* ---- contents ---- */

static bool backend_fill_random(tm_backend *backend, void *device, const tm_random_form *form,
                                uint64_t seed, uint32_t tensor, uint32_t phase, uint32_t stride,
                                char *error) {
    if (form->dtype < 0 || form->dtype >= TM_DTYPE_COUNT || form->elems < 0) {
        tm_cuda_say(error,
                    "fill_random: expected a dtype below %d and a count, got dtype %d, count %lld",
                    (int)TM_DTYPE_COUNT, form->dtype, (long long)form->elems);
        return false;
    }
    if (phase >= stride) {
        tm_cuda_say(error, "fill_random: expected a phase below the stride, got phase %u of %u",
                    phase, stride);
        return false;
    }
    return tm_cuda_passed((cudaError_t)tm_backend_cuda_fill_random(backend->stream,
                                                                   backend->grid_max, device, form,
                                                                   seed, tensor, phase, stride),
                          "cudaLaunchKernel of fill_random", error);
}

static bool backend_fill_pattern(tm_backend *backend, void *device, uint32_t pattern, size_t bytes,
                                 char *error) {
    return tm_cuda_passed(
        tm_backend_cuda_fill_pattern(backend->stream, backend->grid_max, device, pattern, bytes),
        "cudaLaunchKernel of fill_pattern", error);
}

static bool backend_count(tm_backend *backend, void *counts, const void *samples, int dtype,
                          int64_t sample_count, int64_t rows, int64_t vocabulary, char *error) {
    bool is_wide = dtype == TM_DTYPE_INT64;
    return tm_cuda_passed((cudaError_t)tm_backend_cuda_fill_count(
                              backend->stream, backend->grid_max, (unsigned *)counts, samples,
                              is_wide, sample_count, rows, vocabulary),
                          "cudaLaunchKernel of count", error);
}

static bool backend_hash(tm_backend *backend, const void *device, size_t bytes, uint64_t *hash,
                         char *error) {
    unsigned long long sum = 0;
    if (!tm_cuda_passed(cudaMemsetAsync(backend->hash_sum, 0, sizeof sum, backend->stream),
                        "cudaMemsetAsync", error) ||
        !tm_cuda_passed(tm_backend_cuda_fill_hash(backend->stream, backend->grid_max, device, bytes,
                                                  backend->hash_sum),
                        "cudaLaunchKernel of hash", error) ||
        !tm_cuda_passed(cudaMemcpyAsync(&sum, backend->hash_sum, sizeof sum, cudaMemcpyDeviceToHost,
                                        backend->stream),
                        "cudaMemcpyAsync from the device", error) ||
        !tm_cuda_passed(cudaStreamSynchronize(backend->stream), "cudaStreamSynchronize", error))
        return false;
    *hash = tm_hash_end(sum, bytes);
    return true;
}

/* Waits for all streams of the device, also those that were never joined with ours. The pending
 * error is that of this process's shared runtime: a library with a runtime of its own (nvcc's
 * default is a static one) keeps failed launches to itself; faults on the device are seen here. */
static bool backend_sync(tm_backend *backend, char *error) {
    /* A solution may have selected another device for this thread. */
    if (!tm_cuda_passed(cudaSetDevice(backend->index), "cudaSetDevice", error) ||
        !tm_cuda_passed(cudaDeviceSynchronize(), "cudaDeviceSynchronize", error))
        return false;
    return tm_cuda_passed(cudaGetLastError(), "an earlier CUDA call or launch", error);
}

/* A solution may capture the stream; waiting for it then would break the capture. */
static bool backend_wait(tm_backend *backend, char *error) {
    cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
    return tm_cuda_passed(cudaStreamIsCapturing(backend->stream, &status), "cudaStreamIsCapturing",
                          error) &&
           (status != cudaStreamCaptureStatusNone ||
            tm_cuda_passed(cudaStreamSynchronize(backend->stream), "cudaStreamSynchronize", error));
}

/* ---- the clock ---- */

/* Reads `vectors` 16-byte words. The sum of zeros never equals the magic word, so nothing is
 * written; the compiler cannot know. */
static __global__ void tm_cuda_flush_read(const uint4 *data, size_t vectors, unsigned *sink) {
    unsigned sum = 0;
    size_t step = (size_t)gridDim.x * blockDim.x;
#pragma unroll 4
    for (size_t i = (size_t)blockIdx.x * blockDim.x + threadIdx.x; i < vectors; i += step) {
        uint4 word = data[i];
        sum += word.x ^ word.y ^ word.z ^ word.w;
    }
    if (sum == 0x5eed1e55u)
        *sink = sum;
}

/* Other memory of twice the L2's size is written, which evicts every line of the call before, and
 * then as much is read, which writes the dirty lines back: else the next kernel pays for them (copy
 * of 64 MB on an H200: 37.9 us after a write alone, 33.4 us after the read). Nothing is waited for:
 * the host queues mark 0, the call and mark 1 while these kernels run, so that the time to launch
 * is no part of what the events measure. */
static bool backend_flush_cache(tm_backend *backend, void *const *buffers, const size_t *bytes,
                                size_t count, char *error) {
    (void)buffers;
    (void)bytes;
    (void)count;
    /* First, because it may wait for the device: lines that a call made persisting become normal.
     */
    if (backend->has_persisting_l2 &&
        !tm_cuda_passed(cudaCtxResetPersistingL2Cache(), "cudaCtxResetPersistingL2Cache", error))
        return false;
    if (!tm_cuda_passed(tm_backend_cuda_fill_pattern(backend->stream, backend->grid_max,
                                                     backend->flush_written, 0xf1u,
                                                     backend->flush_bytes),
                        "cudaLaunchKernel of the L2 flush", error))
        return false;
    size_t vectors = backend->flush_bytes / sizeof(uint4);
    void *arguments[] = {&backend->flush_read, &vectors, &backend->flush_sink};
    backend->flushes++;
    return tm_cuda_passed(cudaLaunchKernel((const void *)tm_cuda_flush_read,
                                           dim3((unsigned)backend->grid_max), dim3(THREADS),
                                           arguments, 0, backend->stream),
                          "cudaLaunchKernel of the L2 flush", error);
}

static void *backend_stream(tm_backend *backend) {
    return backend->stream;
}

static const char *backend_clock(tm_backend *backend) {
    return tm_cuda_describe_clock(backend->has_cupti);
}

/* Mark 0 follows a flush of the cache. With CUPTI the device is idle then, so that whatever runs
 * from then on is the call's; without it nothing waits here (see backend_flush_cache). */
static bool backend_mark(tm_backend *backend, int which, char *error) {
    if (which != 0 && which != 1) {
        tm_cuda_say(error, "mark: expected 0 or 1, got %d", which);
        return false;
    }
    if (which == 0) {
        backend->marked[1] = false;
        if (backend->has_cupti && !backend_sync(backend, error))
            return false;
    }
    backend->marked[which] = tm_cuda_passed(cudaEventRecord(backend->marks[which], backend->stream),
                                            "cudaEventRecord", error);
    return backend->marked[which];
}

static bool backend_elapsed(tm_backend *backend, tm_reading *reading, char *error) {
    if (!backend->marked[0] || !backend->marked[1]) {
        tm_cuda_say(error, "elapsed: expected mark 0 and then mark 1 before it, got %s",
                    backend->marked[0] ? "mark 0 only" : "no mark 0");
        return false;
    }
    float milliseconds = 0;
    /* The sync waits for what a call left running on streams of its own: it must not run into the
     * next sample. That such work lies outside the pair is not detected here. */
    if (!tm_cuda_passed(cudaEventSynchronize(backend->marks[1]), "cudaEventSynchronize", error) ||
        !backend_sync(backend, error) ||
        !tm_cuda_passed(cudaEventElapsedTime(&milliseconds, backend->marks[0], backend->marks[1]),
                        "cudaEventElapsedTime", error))
        return false;
    memset(reading, 0, sizeof *reading);
    reading->device_ns = reading->marks_ns = (double)milliseconds * 1e6;
    tm_cupti_window window;
    if (!backend->has_cupti)
        return true;
    size_t flushes = backend->flushes;
    backend->flushes = 0;
    if (!tm_cupti_end(FLUSH_KERNEL, flushes, &window, error, TM_BACKEND_ERROR_BYTES))
        return false;
    if (window.activities > 0)
        reading->device_ns = window.span_ns;
    reading->activities = (int64_t)window.activities;
    return true;
}

extern "C" {
/* In the order of tm_backend_ops: C++17 has no designated initialisers. */
const tm_backend_ops tm_the_backend = {
    "cuda",         backend_prepare, backend_open,   backend_close,       tm_cuda_describe,
    backend_alloc,  backend_free,    backend_upload, backend_download,    backend_download_parts,
    backend_copy,   backend_pin,     backend_unpin,  backend_fill_random, backend_fill_pattern,
    backend_count,  backend_hash,    backend_sync,   backend_wait,        backend_flush_cache,
    backend_stream, backend_clock,   backend_mark,   backend_elapsed,
};
}
