/* backend_cpu: the backend for kernels that run on the host. Memory is host memory, the clock is
 * the monotonic one, a stream does not exist. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

#include "harness/backend.h"
#include "harness/backend_cpu_cores.h"
#include "harness/hash_bytes.h"
#include "harness/pool.h"
#include "harness/random_fill.h"
#include "lib/dtype.h"

struct tm_backend {
    uint64_t marks_ns[2];
    tm_pool pool;
    bool has_clflushopt;
    char *sweep; /* where lines cannot be flushed one by one: memory to read instead */
};

#define SWEEP_BYTES ((size_t)64 << 20)
#define LINE_BYTES 64
#define GUARD_BYTES ((size_t)16 << 20)

/* The value of a "key : value" line of /proc/cpuinfo. */
static bool cpuinfo(const char *key, char *value, size_t size) {
    FILE *file = fopen("/proc/cpuinfo", "r");
    char line[512];
    bool found = false;
    while (file && !found && fgets(line, sizeof line, file)) {
        char *colon = strchr(line, ':');
        if (!colon || strncmp(line, key, strlen(key)) != 0)
            continue;
        colon += 1 + strspn(colon + 1, " \t");
        colon[strcspn(colon, "\n")] = '\0';
        snprintf(value, size, "%s", colon);
        found = true;
    }
    if (file)
        fclose(file);
    return found;
}

static tm_json *cpu_describe(char *error) {
    (void)error;
    char name[256];
    struct utsname system;
    tm_json *json = tm_json_object(), *devices = tm_json_array(), *device = tm_json_object();
    tm_json *libs = tm_json_object();
    if (!cpuinfo("model name", name, sizeof name) && !cpuinfo("Model", name, sizeof name))
        snprintf(name, sizeof name, "CPU");
    tm_json_set_string(json, "backend", "cpu");
    tm_json_set_int(device, "index", 0);
    tm_json_set_string(device, "name", name);
    tm_json_set_string(device, "uuid", "cpu-0");
    tm_cores_describe(device);
    tm_json_push(devices, device);
    tm_json_set(json, "devices", devices);
    tm_json_set_string(json, "clock", "monotonic");
    if (uname(&system) == 0)
        tm_json_set_string(libs, "linux", system.release);
    tm_json_set_string(libs, "compiler", __VERSION__);
    tm_json_set(json, "libs", libs);
    return json;
}

/* Addresses to both sides that nothing may touch. They cost no memory, and a page would let a write
 * a little farther away land in the next mapping. */
static bool map_guarded(void *owner, size_t bytes, tm_pool_mapping *mapping) {
    (void)owner;
    char *base = mmap(NULL, bytes + 2 * GUARD_BYTES, PROT_NONE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (base == MAP_FAILED)
        return false;
    *mapping = (tm_pool_mapping){base + GUARD_BYTES, bytes};
    if (mprotect(mapping->base, bytes, PROT_READ | PROT_WRITE) == 0)
        return true;
    munmap(base, bytes + 2 * GUARD_BYTES);
    return false;
}

static void unmap_guarded(void *owner, const tm_pool_mapping *mapping) {
    (void)owner;
    munmap(mapping->base - GUARD_BYTES, mapping->bytes + 2 * GUARD_BYTES);
}

/* A quarter of what this process could still have. */
static size_t idle_bytes_max(void) {
    struct rlimit data;
    long pages = sysconf(_SC_AVPHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    size_t bytes = pages > 0 && page > 0 ? (size_t)pages * (size_t)page : 0;
    if (getrlimit(RLIMIT_DATA, &data) == 0 && data.rlim_cur < bytes)
        bytes = (size_t)data.rlim_cur;
    return bytes / 4;
}

static void *cpu_alloc(tm_backend *backend, size_t bytes, char *error) {
    void *memory = tm_pool_take(&backend->pool, bytes);
    if (!memory)
        snprintf(error, TM_BACKEND_ERROR_BYTES, "%zu bytes of host memory cannot be had", bytes);
    return memory;
}

static void cpu_free(tm_backend *backend, void *memory) {
    tm_pool_give(&backend->pool, memory);
}

static bool cpu_copy(tm_backend *backend, void *to, const void *from, size_t bytes, char *error) {
    (void)backend;
    (void)error;
    if (bytes)
        memcpy(to, from, bytes);
    return true;
}

static bool cpu_download_parts(tm_backend *backend, void *host, const void *device,
                               const uint64_t *begins, size_t count, size_t bytes, char *error) {
    for (size_t i = 0; i < count; i++)
        cpu_copy(backend, (char *)host + i * bytes, (const char *)device + begins[i], bytes, error);
    return true;
}

static bool cpu_pin(tm_backend *backend, void *host, size_t bytes, char *error) {
    (void)backend;
    (void)host;
    (void)bytes;
    (void)error;
    return true;
}

static void cpu_unpin(tm_backend *backend, void *host) {
    (void)backend;
    (void)host;
}

static bool cpu_fill_random(tm_backend *backend, void *device, const tm_random_form *form,
                            uint64_t seed, uint32_t tensor, uint32_t phase, uint32_t stride,
                            char *error) {
    (void)backend;
    if (phase >= stride) {
        snprintf(error, TM_BACKEND_ERROR_BYTES,
                 "fill_random: expected a phase below the stride, got phase %u of %u", phase,
                 stride);
        return false;
    }
    tm_random_fill(seed, tensor, form, device, phase, stride);
    return true;
}

static bool cpu_fill_pattern(tm_backend *backend, void *device, uint32_t pattern, size_t bytes,
                             char *error) {
    (void)backend;
    (void)error;
    char *at = device;
    for (; bytes >= 4; at += 4, bytes -= 4)
        memcpy(at, &pattern, 4);
    memcpy(at, &pattern, bytes);
    return true;
}

static bool cpu_count(tm_backend *backend, void *counts, const void *samples, int dtype,
                      int64_t sample_count, int64_t rows, int64_t vocabulary, char *error) {
    (void)backend;
    (void)error;
    for (int64_t i = 0; i < sample_count; i++) {
        int64_t sample;
        tm_dtype_read_ints((tm_dtype)dtype, samples, i, 1, &sample);
        sample = sample >= 0 && sample < vocabulary ? sample : vocabulary;
        ((uint32_t *)counts)[i % rows * (vocabulary + 1) + sample]++;
    }
    return true;
}

static bool cpu_hash(tm_backend *backend, const void *device, size_t bytes, uint64_t *hash,
                     char *error) {
    (void)backend;
    (void)error;
    *hash = tm_hash_bytes(device, bytes);
    return true;
}

static bool cpu_sync(tm_backend *backend, char *error) {
    (void)backend;
    (void)error;
    return true;
}

#if defined(__x86_64__)
static bool has_clflushopt(void) {
    unsigned eax, ebx, ecx, edx;
    return __get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) && ebx & bit_CLFLUSHOPT;
}

__attribute__((target("clflushopt"))) static void flush_unordered(uintptr_t at, uintptr_t end) {
    for (; at < end; at += LINE_BYTES)
        _mm_clflushopt((void *)at);
}

static void flush_ordered(uintptr_t at, uintptr_t end) {
    for (; at < end; at += LINE_BYTES)
        _mm_clflush((const void *)at);
}

static bool cpu_flush_cache(tm_backend *backend, void *const *buffers, const size_t *bytes,
                            size_t count, char *error) {
    (void)error;
    for (size_t i = 0; i < count; i++) {
        /* From the start of its line, or the loop would step over a line that the end reaches. */
        uintptr_t begin = (uintptr_t)buffers[i], end = begin + bytes[i];
        (backend->has_clflushopt ? flush_unordered : flush_ordered)(begin / LINE_BYTES * LINE_BYTES,
                                                                    bytes[i] ? end : 0);
    }
    _mm_mfence();
    return true;
}
#else
static bool has_clflushopt(void) {
    return false;
}

static bool cpu_flush_cache(tm_backend *backend, void *const *buffers, const size_t *bytes,
                            size_t count, char *error) {
    (void)buffers;
    (void)bytes;
    (void)count;
    if (!backend->sweep && !(backend->sweep = calloc(1, SWEEP_BYTES))) {
        snprintf(error, TM_BACKEND_ERROR_BYTES, "%zu bytes of host memory cannot be had",
                 SWEEP_BYTES);
        return false;
    }
    for (size_t at = 0; at < SWEEP_BYTES; at += LINE_BYTES)
        (void)*(volatile char *)(backend->sweep + at);
    return true;
}
#endif

static tm_backend *cpu_open(int index, bool *full, char *error) {
    tm_backend *backend = index == 0 ? calloc(1, sizeof *backend) : NULL;
    *full = index == 0 && !backend;
    if (!backend) {
        snprintf(error, TM_BACKEND_ERROR_BYTES, "expected CPU device 0, got %d", index);
        return NULL;
    }
    backend->pool = (tm_pool){.owner = backend,
                              .map = map_guarded,
                              .unmap = unmap_guarded,
                              .granule = (size_t)sysconf(_SC_PAGESIZE),
                              .idle_bytes_max = idle_bytes_max()};
    backend->has_clflushopt = has_clflushopt();
    tm_cores_free_new_threads();
    return backend;
}

static void cpu_close(tm_backend *backend) {
    tm_pool_free(&backend->pool);
    free(backend->sweep);
    free(backend);
}

static void *cpu_stream(tm_backend *backend) {
    (void)backend;
    return NULL;
}

static const char *cpu_clock(tm_backend *backend) {
    (void)backend;
    return "monotonic";
}

static bool cpu_mark(tm_backend *backend, int which, char *error) {
    (void)error;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    backend->marks_ns[which] = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    return true;
}

static bool cpu_elapsed(tm_backend *backend, tm_reading *reading, char *error) {
    (void)error;
    double ns = (double)(backend->marks_ns[1] - backend->marks_ns[0]);
    *reading = (tm_reading){.device_ns = ns, .marks_ns = ns};
    return true;
}

const tm_backend_ops tm_the_backend = {
    .name = "cpu",
    .prepare = tm_cores_prepare,
    .open = cpu_open,
    .close = cpu_close,
    .describe = cpu_describe,
    .alloc = cpu_alloc,
    .free = cpu_free,
    .upload = cpu_copy,
    .download = cpu_copy,
    .download_parts = cpu_download_parts,
    .copy = cpu_copy,
    .pin = cpu_pin,
    .unpin = cpu_unpin,
    .fill_random = cpu_fill_random,
    .fill_pattern = cpu_fill_pattern,
    .count = cpu_count,
    .hash = cpu_hash,
    .sync = cpu_sync,
    .wait = cpu_sync,
    .flush_cache = cpu_flush_cache,
    .stream = cpu_stream,
    .clock = cpu_clock,
    .mark = cpu_mark,
    .elapsed = cpu_elapsed,
};
