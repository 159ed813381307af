/* backend_cuda: harness/backend.h on one NVIDIA GPU.
 *
 * Knows: memory, staged copies, a cold L2, and event pairs as the clock. Deliberately does not
 * know: solutions, random numbers (backend_cuda_fill), CUPTI. Written as C; nvcc compiles it as
 * C++17. */
#include "harness/backend.h"

#include <ctype.h>
#include <cuda_runtime.h>
#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/backend_cuda_fill.h"
#include "harness/backend_cuda_cupti.h"
#include "lib/dtype.h"

/* Of each of two pinned buffers: the host copies one while the device copies the other. */
#define STAGING_BYTES ((size_t)16 << 20)
#define THREADS 256
/* Grid-stride kernels get at most this many thread blocks per multiprocessor: enough to fill it. */
#define BLOCKS_PER_MULTIPROCESSOR 16
#define VERSION_BYTES 96
/* Evicting the L2 touches this many times its size. */
#define FLUSH_FACTOR 2

struct tm_backend {
    int index;
    int64_t grid_max;
    bool has_persisting_l2;
    cudaStream_t stream;
    cudaEvent_t marks[2];
    bool marked[2];
    bool has_cupti;            /* else events alone are the clock */
    size_t flush_bytes;        /* of each of the next two */
    void *flush_written;       /* leaves the L2 full of its dirty lines */
    void *flush_read;          /* holds zeros; reading it leaves clean lines instead */
    unsigned *flush_sink;      /* one word that keeps the reading from being optimised away */
    unsigned char *staging[2]; /* NULL until the first copy */
    cudaEvent_t staged[2];     /* the device is done with that staging buffer */
};

static void say(char *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void say(char *error, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error, TM_BACKEND_ERROR_BYTES, format, arguments);
    va_end(arguments);
}

/* True on success; else says which call failed and how. Reporting an error takes it off the
 * runtime's pending error; a sticky one comes back with every later call. */
static bool passed(cudaError_t status, const char *call, char *error) {
    if (status == cudaSuccess)
        return true;
    say(error, "%s: %s: %s", call, cudaGetErrorName(status), cudaGetErrorString(status));
    (void)cudaGetLastError();
    return false;
}

/* ---- what is there ---- */

/* "13.0" of 13000. */
static void format_version(int version, char *text) {
    snprintf(text, VERSION_BYTES, "%d.%d", version / 1000, version % 1000 / 10);
}

/* The number of devices, at least 1. The message begins with "no CUDA device: " where the machine
 * simply has none. */
static bool count_devices(int *count, char *error) {
    cudaError_t status = cudaGetDeviceCount(count);
    if (status == cudaSuccess && *count > 0)
        return true;
    if (status == cudaSuccess)
        status = cudaErrorNoDevice;
    (void)cudaGetLastError();
    int driver = 0; /* stays 0 without an installed driver */
    if (cudaDriverGetVersion(&driver) != cudaSuccess)
        (void)cudaGetLastError();
    if (status == cudaErrorInsufficientDriver && driver > 0) {
        char have[VERSION_BYTES];
        char need[VERSION_BYTES];
        format_version(driver, have);
        format_version(CUDART_VERSION, need);
        say(error,
            "NVIDIA driver: expected one for CUDA %s, got one for CUDA %s; update the driver, "
            "or build with an older toolkit",
            need, have);
    } else if (status == cudaErrorInsufficientDriver || status == cudaErrorNoDevice) {
        say(error,
            "no CUDA device: cudaGetDeviceCount: %s: %s; run on a machine with a GPU or "
            "configure with --arch=cpu",
            cudaGetErrorName(status), cudaGetErrorString(status));
    } else {
        (void)passed(status, "cudaGetDeviceCount", error);
    }
    return false;
}

static tm_json *describe_device(int index, char *error) {
    struct cudaDeviceProp properties;
    if (!passed(cudaGetDeviceProperties(&properties, index), "cudaGetDeviceProperties", error))
        return NULL;
    char uuid[48];
    size_t length = (size_t)snprintf(uuid, sizeof uuid, "GPU");
    for (int i = 0; i < 16; i++) {
        bool group = i == 0 || i == 4 || i == 6 || i == 8 || i == 10;
        length += (size_t)snprintf(uuid + length, sizeof uuid - length, "%s%02x", group ? "-" : "",
                                   (unsigned char)properties.uuid.bytes[i]);
    }
    char capability[VERSION_BYTES];
    snprintf(capability, sizeof capability, "%d.%d", properties.major, properties.minor);
    tm_json *device = tm_json_object();
    tm_json_set_int(device, "index", index);
    tm_json_set_string(device, "name", properties.name);
    tm_json_set_string(device, "uuid", uuid);
    tm_json_set_string(device, "compute_capability", capability);
    tm_json_set_int(device, "multiprocessors", properties.multiProcessorCount);
    tm_json_set_int(device, "l2_bytes", properties.l2CacheSize);
    tm_json_set_int(device, "memory_bytes", (int64_t)properties.totalGlobalMem);
    return device;
}

/* The first line reads "NVRM version: NVIDIA UNIX x86_64 Kernel Module  580.159.04  <date>"; the
 * version is its first word of digits and dots. */
static bool driver_from_proc(char *text) {
    FILE *file = fopen("/proc/driver/nvidia/version", "r");
    if (!file)
        return false;
    char line[256];
    bool found = false;
    if (fgets(line, sizeof line, file)) {
        char *rest = NULL;
        for (char *word = strtok_r(line, " \t\n", &rest); word && !found;
             word = strtok_r(NULL, " \t\n", &rest)) {
            found = isdigit((unsigned char)word[0]) && strchr(word, '.') &&
                    strspn(word, "0123456789.") == strlen(word);
            if (found)
                snprintf(text, VERSION_BYTES, "%s", word);
        }
    }
    fclose(file);
    return found;
}

/* The same from NVML, which comes with the driver; nvml.h is not needed for three functions. */
static bool driver_from_nvml(char *text) {
    void *library = dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!library)
        return false;
    int (*init)(void) = (int (*)(void))dlsym(library, "nvmlInit_v2");
    int (*get)(char *, unsigned) =
        (int (*)(char *, unsigned))dlsym(library, "nvmlSystemGetDriverVersion");
    int (*shutdown)(void) = (int (*)(void))dlsym(library, "nvmlShutdown");
    bool found = false;
    if (init && get && shutdown && init() == 0) {
        found = get(text, VERSION_BYTES) == 0;
        (void)shutdown();
    }
    return found; /* the library stays loaded, so that it is listed among what was used */
}

static const char *clock_name(bool has_cupti) {
    return has_cupti ? "cupti" : "cuda events";
}

/* The clock that a worker will have, by trying it as backend_open does. */
static void describe_clock(tm_json *description, tm_json *libs) {
    char without[TM_BACKEND_ERROR_BYTES], version[VERSION_BYTES];
    bool has_cupti = tm_cupti_start(without, sizeof without);
    tm_json_set_string(description, "clock", clock_name(has_cupti));
    if (tm_cupti_version(version, sizeof version))
        tm_json_set_string(libs, "cupti", version);
    tm_cupti_stop();
}

static tm_json *backend_describe(char *error) {
    int count = 0;
    int runtime = 0;
    int driver = 0;
    if (!count_devices(&count, error) ||
        !passed(cudaRuntimeGetVersion(&runtime), "cudaRuntimeGetVersion", error) ||
        !passed(cudaDriverGetVersion(&driver), "cudaDriverGetVersion", error))
        return NULL;
    tm_json *description = tm_json_object();
    tm_json *devices = tm_json_array();
    tm_json *libs = tm_json_object();
    tm_json_set_string(description, "backend", "cuda");
    tm_json_set(description, "devices", devices);
    tm_json_set(description, "libs", libs);
    for (int i = 0; i < count; i++) {
        tm_json *device = describe_device(i, error);
        if (!device) {
            tm_json_free(description);
            return NULL;
        }
        tm_json_push(devices, device);
    }
    char version[VERSION_BYTES];
    format_version(runtime, version);
    tm_json_set_string(libs, "cuda_runtime", version);
    format_version(driver, version);
    tm_json_set_string(libs, "cuda_driver", version);
    /* Left out where neither source is readable, as in some containers. */
    if (driver_from_proc(version) || driver_from_nvml(version))
        tm_json_set_string(libs, "nvidia_driver", version);
    describe_clock(description, libs);
    return description;
}

/* ---- open and close ---- */

static void backend_close(tm_backend *backend) {
    if (!backend)
        return;
    /* Nobody is left to hear of a failure here: a sticky error was reported by the call before. */
    for (int i = 0; i < 2; i++) {
        if (backend->marks[i])
            (void)cudaEventDestroy(backend->marks[i]);
        if (backend->staged[i])
            (void)cudaEventDestroy(backend->staged[i]);
        if (backend->staging[i])
            (void)cudaFreeHost(backend->staging[i]);
    }
    (void)cudaFree(backend->flush_written);
    (void)cudaFree(backend->flush_read);
    (void)cudaFree(backend->flush_sink);
    if (backend->stream)
        (void)cudaStreamDestroy(backend->stream);
    free(backend);
}

static bool select_device(int index, char *error) {
    int count = 0;
    if (!count_devices(&count, error))
        return false;
    if (index < 0 || index >= count) {
        say(error, "CUDA device: expected an index from 0 to %d, got %d", count - 1, index);
        return false;
    }
    return passed(cudaSetDevice(index), "cudaSetDevice", error);
}

/* Memory and sizes that flush_cache uses. */
static bool open_flush(tm_backend *backend, char *error) {
    int l2_bytes = 0;
    int persisting_bytes = 0;
    if (!passed(cudaDeviceGetAttribute(&l2_bytes, cudaDevAttrL2CacheSize, backend->index),
                "cudaDeviceGetAttribute(L2CacheSize)", error) ||
        !passed(cudaDeviceGetAttribute(&persisting_bytes, cudaDevAttrMaxPersistingL2CacheSize,
                                       backend->index),
                "cudaDeviceGetAttribute(MaxPersistingL2CacheSize)", error))
        return false;
    if (l2_bytes <= 0) {
        say(error,
            "CUDA device %d: expected the size of its L2 cache, got %d bytes; "
            "calls cannot be timed cold on it",
            backend->index, l2_bytes);
        return false;
    }
    backend->has_persisting_l2 = persisting_bytes > 0;
    backend->flush_bytes = FLUSH_FACTOR * (size_t)l2_bytes;
    if (!passed(cudaMalloc(&backend->flush_written, backend->flush_bytes),
                "cudaMalloc of the L2 flush buffers", error) ||
        !passed(cudaMalloc(&backend->flush_read, backend->flush_bytes),
                "cudaMalloc of the L2 flush buffers", error) ||
        !passed(cudaMalloc((void **)&backend->flush_sink, sizeof *backend->flush_sink),
                "cudaMalloc of the L2 flush buffers", error))
        return false;
    /* The first kernel of a process: a build for another architecture fails here, with its name. */
    return passed((cudaError_t)tm_backend_cuda_fill_pattern(backend->stream, backend->grid_max,
                                                            backend->flush_read, 0,
                                                            backend->flush_bytes),
                  "first kernel launch", error) &&
           passed(cudaStreamSynchronize(backend->stream), "cudaStreamSynchronize", error);
}

static tm_backend *backend_open(int index, char *error) {
    if (!select_device(index, error))
        return NULL;
    tm_backend *backend = (tm_backend *)calloc(1, sizeof *backend);
    if (!backend) {
        say(error, "out of host memory");
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
    if (!passed(cudaDeviceGetAttribute(&multiprocessors, cudaDevAttrMultiProcessorCount, index),
                "cudaDeviceGetAttribute(MultiProcessorCount)", error) ||
        !passed(cudaStreamCreate(&backend->stream), "cudaStreamCreate", error) ||
        !passed(cudaEventCreate(&backend->marks[0]), "cudaEventCreate", error) ||
        !passed(cudaEventCreate(&backend->marks[1]), "cudaEventCreate", error))
        goto failed;
    backend->grid_max = (int64_t)multiprocessors * BLOCKS_PER_MULTIPROCESSOR;
    if (!open_flush(backend, error))
        goto failed;
    return backend;
failed:
    backend_close(backend);
    return NULL;
}

/* ---- memory ---- */

static void *backend_alloc(tm_backend *backend, size_t bytes, char *error) {
    (void)backend;
    void *memory = NULL;
    /* cudaMalloc aligns to 256 at least, and gives NULL for 0 bytes. */
    cudaError_t status = cudaMalloc(&memory, bytes > 0 ? bytes : 1);
    if (status == cudaSuccess)
        return memory;
    (void)cudaGetLastError();
    size_t free_bytes = 0;
    size_t total_bytes = 0;
    if (cudaMemGetInfo(&free_bytes, &total_bytes) == cudaSuccess) {
        say(error, "cudaMalloc of %zu bytes: %s: %s; %zu of %zu bytes are free on the device",
            bytes, cudaGetErrorName(status), cudaGetErrorString(status), free_bytes, total_bytes);
    } else {
        (void)cudaGetLastError();
        say(error, "cudaMalloc of %zu bytes: %s: %s", bytes, cudaGetErrorName(status),
            cudaGetErrorString(status));
    }
    return NULL;
}

static void backend_free(tm_backend *backend, void *memory) {
    (void)backend;
    /* A failure, such as memory that a solution has freed, stays pending for the next sync. */
    (void)cudaFree(memory);
}

/* The staging buffers, at the first copy: page-locking them takes milliseconds. */
static bool need_staging(tm_backend *backend, char *error) {
    for (int i = 0; i < 2; i++) {
        if (!backend->staging[i] &&
            !passed(cudaMallocHost((void **)&backend->staging[i], STAGING_BYTES),
                    "cudaMallocHost of a staging buffer", error))
            return false;
        if (!backend->staged[i] &&
            !passed(cudaEventCreateWithFlags(&backend->staged[i], cudaEventDisableTiming),
                    "cudaEventCreateWithFlags", error))
            return false;
    }
    return true;
}

static size_t chunk_bytes(size_t bytes, size_t begin) {
    return bytes - begin < STAGING_BYTES ? bytes - begin : STAGING_BYTES;
}

static bool backend_upload(tm_backend *backend, void *device, const void *host, size_t bytes,
                           char *error) {
    if (bytes == 0)
        return true;
    if (!need_staging(backend, error))
        return false;
    int slot = 0;
    for (size_t begin = 0; begin < bytes; begin += STAGING_BYTES, slot ^= 1) {
        size_t length = chunk_bytes(bytes, begin);
        /* An event that was never recorded, and one of an earlier copy, have passed. */
        if (!passed(cudaEventSynchronize(backend->staged[slot]), "cudaEventSynchronize", error))
            return false;
        memcpy(backend->staging[slot], (const unsigned char *)host + begin, length);
        if (!passed(cudaMemcpyAsync((unsigned char *)device + begin, backend->staging[slot], length,
                                    cudaMemcpyHostToDevice, backend->stream),
                    "cudaMemcpyAsync to the device", error) ||
            !passed(cudaEventRecord(backend->staged[slot], backend->stream), "cudaEventRecord",
                    error))
            return false;
    }
    return passed(cudaStreamSynchronize(backend->stream), "cudaStreamSynchronize", error);
}

/* Queues the copy of the chunk at `begin` into a staging buffer. */
static bool fetch_chunk(tm_backend *backend, int slot, const void *device, size_t bytes,
                        size_t begin, char *error) {
    return passed(cudaMemcpyAsync(backend->staging[slot], (const unsigned char *)device + begin,
                                  chunk_bytes(bytes, begin), cudaMemcpyDeviceToHost,
                                  backend->stream),
                  "cudaMemcpyAsync from the device", error) &&
           passed(cudaEventRecord(backend->staged[slot], backend->stream), "cudaEventRecord",
                  error);
}

static bool backend_download(tm_backend *backend, void *host, const void *device, size_t bytes,
                             char *error) {
    if (bytes == 0)
        return true;
    if (!need_staging(backend, error) || !fetch_chunk(backend, 0, device, bytes, 0, error))
        return false;
    int slot = 0;
    for (size_t begin = 0; begin < bytes; begin += STAGING_BYTES, slot ^= 1) {
        size_t next = begin + STAGING_BYTES;
        if (next < bytes && !fetch_chunk(backend, slot ^ 1, device, bytes, next, error))
            return false;
        if (!passed(cudaEventSynchronize(backend->staged[slot]), "cudaEventSynchronize", error))
            return false;
        memcpy((unsigned char *)host + begin, backend->staging[slot], chunk_bytes(bytes, begin));
    }
    return true;
}

static bool backend_fill_random(tm_backend *backend, void *device, int dtype, int64_t elems,
                                uint64_t seed, uint32_t tensor, char *error) {
    if (dtype < 0 || dtype >= TM_DTYPE_COUNT || elems < 0) {
        say(error, "fill_random: expected a dtype below %d and a count, got dtype %d, count %lld",
            (int)TM_DTYPE_COUNT, dtype, (long long)elems);
        return false;
    }
    return passed((cudaError_t)tm_backend_cuda_fill_random(backend->stream, backend->grid_max,
                                                           device, dtype, elems, seed, tensor),
                  "cudaLaunchKernel of fill_random", error);
}

static bool backend_fill_pattern(tm_backend *backend, void *device, uint32_t pattern, size_t bytes,
                                 char *error) {
    return passed((cudaError_t)tm_backend_cuda_fill_pattern(backend->stream, backend->grid_max,
                                                            device, pattern, bytes),
                  "cudaLaunchKernel of fill_pattern", error);
}

/* Waits for all streams of the device, also those that were never joined with ours. The pending
 * error is that of this process's shared runtime: a library with a runtime of its own (nvcc's
 * default is a static one) keeps failed launches to itself; faults on the device are seen here. */
static bool backend_sync(tm_backend *backend, char *error) {
    /* A solution may have selected another device for this thread. */
    if (!passed(cudaSetDevice(backend->index), "cudaSetDevice", error) ||
        !passed(cudaDeviceSynchronize(), "cudaDeviceSynchronize", error))
        return false;
    return passed(cudaGetLastError(), "an earlier CUDA call or launch", error);
}

/* ---- the clock ---- */

/* Reads `vectors` 16-byte words. The sum of zeros never equals the magic word, so nothing is
 * written; the compiler cannot know. */
static __global__ void read_all(const uint4 *data, size_t vectors, unsigned *sink) {
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
        !passed(cudaCtxResetPersistingL2Cache(), "cudaCtxResetPersistingL2Cache", error))
        return false;
    if (!passed((cudaError_t)tm_backend_cuda_fill_pattern(backend->stream, backend->grid_max,
                                                          backend->flush_written, 0xf1u,
                                                          backend->flush_bytes),
                "cudaLaunchKernel of the L2 flush", error))
        return false;
    size_t vectors = backend->flush_bytes / sizeof(uint4);
    void *arguments[] = {&backend->flush_read, &vectors, &backend->flush_sink};
    return passed(cudaLaunchKernel((const void *)read_all, dim3((unsigned)backend->grid_max),
                                   dim3(THREADS), arguments, 0, backend->stream),
                  "cudaLaunchKernel of the L2 flush", error);
}

static void *backend_stream(tm_backend *backend) {
    return backend->stream;
}

static const char *backend_clock(tm_backend *backend) {
    return clock_name(backend->has_cupti);
}

/* With CUPTI the device is idle at mark 0, so that whatever runs from then on is the call's;
 * without it nothing waits here (see backend_flush_cache). */
static bool backend_mark(tm_backend *backend, int which, char *error) {
    if (which != 0 && which != 1) {
        say(error, "mark: expected 0 or 1, got %d", which);
        return false;
    }
    if (which == 0) {
        backend->marked[1] = false;
        if (backend->has_cupti &&
            (!backend_sync(backend, error) || !tm_cupti_begin(error, TM_BACKEND_ERROR_BYTES)))
            return false;
    }
    backend->marked[which] =
        passed(cudaEventRecord(backend->marks[which], backend->stream), "cudaEventRecord", error);
    return backend->marked[which];
}

static bool backend_elapsed(tm_backend *backend, tm_reading *reading, char *error) {
    if (!backend->marked[0] || !backend->marked[1]) {
        say(error, "elapsed: expected mark 0 and then mark 1 before it, got %s",
            backend->marked[0] ? "mark 0 only" : "no mark 0");
        return false;
    }
    float milliseconds = 0;
    /* The sync waits for what a call left running on streams of its own: it must not run into the
     * next sample. That such work lies outside the pair is not detected here. */
    if (!passed(cudaEventSynchronize(backend->marks[1]), "cudaEventSynchronize", error) ||
        !backend_sync(backend, error) ||
        !passed(cudaEventElapsedTime(&milliseconds, backend->marks[0], backend->marks[1]),
                "cudaEventElapsedTime", error))
        return false;
    memset(reading, 0, sizeof *reading);
    reading->device_ns = reading->marks_ns = (double)milliseconds * 1e6;
    tm_cupti_window window;
    if (!backend->has_cupti)
        return true;
    if (!tm_cupti_end(&window, error, TM_BACKEND_ERROR_BYTES))
        return false;
    if (window.activities > 0)
        reading->device_ns = window.span_ns;
    reading->activities = (int64_t)window.activities;
    reading->foreign = (int64_t)window.foreign;
    return true;
}

extern "C" {
/* In the order of tm_backend_ops: C++17 has no designated initialisers. */
const tm_backend_ops tm_the_backend = {
    "cuda",
    backend_open,
    backend_close,
    backend_describe,
    backend_alloc,
    backend_free,
    backend_upload,
    backend_download,
    backend_fill_random,
    backend_fill_pattern,
    backend_sync,
    backend_flush_cache,
    backend_stream,
    backend_clock,
    backend_mark,
    backend_elapsed,
};
}
