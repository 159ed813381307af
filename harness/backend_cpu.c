/* backend_cpu: the backend for kernels that run on the host. Memory is host memory, the clock is
 * the monotonic one, a stream does not exist. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "harness/backend.h"
#include "harness/random_fill.h"

struct tm_backend {
    uint64_t marks_ns[2];
    char *sweep; /* where lines cannot be flushed one by one: memory to read instead */
};

#define SWEEP_BYTES ((size_t)64 << 20)
#define LINE_BYTES 64

static tm_backend *cpu_open(int index, char *error) {
    tm_backend *backend = index == 0 ? calloc(1, sizeof *backend) : NULL;
    if (!backend)
        snprintf(error, TM_BACKEND_ERROR_BYTES, "expected CPU device 0, got %d", index);
    return backend;
}

static void cpu_close(tm_backend *backend) {
    free(backend->sweep);
    free(backend);
}

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
    tm_json_set_int(device, "cores", sysconf(_SC_NPROCESSORS_ONLN));
    tm_json_push(devices, device);
    tm_json_set(json, "devices", devices);
    tm_json_set_string(json, "clock", "monotonic");
    if (uname(&system) == 0)
        tm_json_set_string(libs, "linux", system.release);
    tm_json_set_string(libs, "compiler", __VERSION__);
    tm_json_set(json, "libs", libs);
    return json;
}

static void *cpu_alloc(tm_backend *backend, size_t bytes, char *error) {
    (void)backend;
    size_t whole = bytes ? (bytes + 255) / 256 * 256 : 256;
    void *memory = whole >= bytes ? aligned_alloc(256, whole) : NULL;
    if (!memory)
        snprintf(error, TM_BACKEND_ERROR_BYTES, "%zu bytes of host memory cannot be had", bytes);
    return memory;
}

static void cpu_free(tm_backend *backend, void *memory) {
    (void)backend;
    free(memory);
}

static bool cpu_copy(tm_backend *backend, void *to, const void *from, size_t bytes, char *error) {
    (void)backend;
    (void)error;
    if (bytes)
        memcpy(to, from, bytes);
    return true;
}

static bool cpu_fill_random(tm_backend *backend, void *device, int dtype, int64_t elems,
                            uint64_t seed, uint32_t tensor, char *error) {
    (void)backend;
    (void)error;
    tm_random_fill(seed, tensor, (tm_dtype)dtype, device, elems);
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

static bool cpu_sync(tm_backend *backend, char *error) {
    (void)backend;
    (void)error;
    return true;
}

static bool cpu_flush_cache(tm_backend *backend, void *const *buffers, const size_t *bytes,
                            size_t count, char *error) {
#if defined(__x86_64__)
    (void)backend;
    (void)error;
    for (size_t i = 0; i < count; i++)
        for (size_t at = 0; at < bytes[i]; at += LINE_BYTES)
            _mm_clflush((const char *)buffers[i] + at);
    _mm_mfence();
    return true;
#else
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
#endif
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
    .open = cpu_open,
    .close = cpu_close,
    .describe = cpu_describe,
    .alloc = cpu_alloc,
    .free = cpu_free,
    .upload = cpu_copy,
    .download = cpu_copy,
    .fill_random = cpu_fill_random,
    .fill_pattern = cpu_fill_pattern,
    .sync = cpu_sync,
    .flush_cache = cpu_flush_cache,
    .stream = cpu_stream,
    .clock = cpu_clock,
    .mark = cpu_mark,
    .elapsed = cpu_elapsed,
};
