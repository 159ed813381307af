/* backend_check: does the backend that this program was linked with keep harness/backend.h?
 *
 * Prints one line per check. Exit 0: all good, 1: some failed, 77: a CUDA build without a device.
 * What concerns memory is in backend_check_memory.c. */
#include "tests/unit/backend_check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/random.h"
#include "lib/dtype.h"

#define ALIGNMENT 256
#define EXIT_SKIPPED 77

/* ASan would end the program at the allocation that must fail; other builds never call this. */
const char *__asan_default_options(void);
const char *__asan_default_options(void) {
    return "allocator_may_return_null=1";
}

void tm_suite_report(tm_suite *suite, const char *name, bool good, const char *format, ...) {
    va_list arguments;
    printf("%s %s: ", good ? "ok  " : "FAIL", name);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    putchar('\n');
    if (!good)
        suite->failures++;
}

void *tm_suite_host(size_t bytes) {
    void *memory = malloc(bytes > 0 ? bytes : 1);
    if (!memory) {
        fprintf(stderr, "backend_check: out of host memory\n");
        exit(3);
    }
    return memory;
}

static bool read_clock(tm_suite *suite, double *ns) {
    tm_reading reading;
    bool good = suite->ops->elapsed(suite->backend, &reading, suite->error);
    *ns = good ? reading.device_ns : 0;
    return good;
}

double tm_suite_wall_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

void tm_suite_bytes(unsigned char *bytes, size_t count, uint32_t state) {
    for (size_t i = 0; i < count; i++) {
        state = state * 1664525u + 1013904223u;
        bytes[i] = (unsigned char)(state >> 24);
    }
}

size_t tm_suite_difference(const unsigned char *a, const unsigned char *b, size_t count) {
    if (memcmp(a, b, count) == 0)
        return count;
    size_t i = 0;
    while (a[i] == b[i])
        i++;
    return i;
}

static void check_open_errors(tm_suite *suite) {
    bool full = true;
    suite->error[0] = '\0';
    tm_backend *backend = suite->ops->open(-1, &full, suite->error);
    tm_suite_report(suite, "open(-1) fails", !backend && suite->error[0] && !full, "%s",
                    suite->error);
    if (backend)
        suite->ops->close(backend);
}

static void check_alloc(tm_suite *suite) {
    static const size_t sizes[] = {0, 1, 255, 256, 257, 4099, MIB + 1, 64 * MIB};
    enum { COUNT = sizeof sizes / sizeof *sizes };
    void *memory[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        memory[i] = suite->ops->alloc(suite->backend, sizes[i], suite->error);
        bool aligned = memory[i] && (uintptr_t)memory[i] % ALIGNMENT == 0;
        tm_suite_report(suite, "alloc", aligned, "%zu bytes, %s", sizes[i],
                        !memory[i] ? suite->error
                        : aligned  ? "aligned to 256"
                                   : "not aligned to 256");
    }
    for (size_t i = 0; i < COUNT; i++)
        suite->ops->free(suite->backend, memory[i]);
    suite->error[0] = '\0';
    void *huge = suite->ops->alloc(suite->backend, (size_t)1 << 62, suite->error);
    bool names_size = strstr(suite->error, "4611686018427387904") != NULL;
    tm_suite_report(suite, "alloc of 2^62 bytes fails", !huge && names_size, "%s", suite->error);
    bool usable = suite->ops->sync(suite->backend, suite->error);
    tm_suite_report(suite, "sync after the failed alloc", usable, "%s",
                    usable ? "clean" : suite->error);
}

/* Through the device and back at an offset, within guard bytes on the host. */
static void check_round_trip(tm_suite *suite, size_t bytes, size_t offset) {
    unsigned char *sent = tm_suite_host(bytes);
    unsigned char *got = tm_suite_host(bytes + GUARD_BYTES);
    tm_suite_bytes(sent, bytes, (uint32_t)bytes + 1);
    memset(got, 0xa5, bytes + GUARD_BYTES);
    unsigned char *device = suite->ops->alloc(suite->backend, bytes + offset, suite->error);
    double began = tm_suite_wall_ns();
    bool good =
        device && suite->ops->upload(suite->backend, device + offset, sent, bytes, suite->error);
    double turned = tm_suite_wall_ns();
    good = good && suite->ops->download(suite->backend, got, device + offset, bytes, suite->error);
    double ended = tm_suite_wall_ns();
    if (!good) {
        tm_suite_report(suite, "round trip", false, "%zu bytes, %s", bytes, suite->error);
    } else {
        size_t at = tm_suite_difference(sent, got, bytes);
        size_t guard = 0;
        while (guard < GUARD_BYTES && got[bytes + guard] == 0xa5)
            guard++;
        if (at < bytes)
            tm_suite_report(suite, "round trip", false, "%zu bytes, byte %zu differs", bytes, at);
        else if (bytes >= 16 * MIB)
            tm_suite_report(suite, "round trip", guard == GUARD_BYTES,
                            "%zu bytes, up %.1f GB/s, down %.1f GB/s", bytes,
                            (double)bytes / (turned - began), (double)bytes / (ended - turned));
        else
            tm_suite_report(suite, "round trip", guard == GUARD_BYTES, "%zu bytes at offset %zu",
                            bytes, offset);
    }
    suite->ops->free(suite->backend, device);
    free(sent);
    free(got);
}

static void check_copies(tm_suite *suite) {
    static const size_t sizes[] = {0, 1, 3, 4097, 16 * MIB, 16 * MIB + 1, 40 * MIB + 7, 256 * MIB};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        check_round_trip(suite, sizes[i], i % 2 ? 0 : 5);
}

/* Pattern, and nothing outside [offset, offset + bytes). */
static bool pattern_holds(tm_suite *suite, unsigned char *device, size_t offset, size_t bytes) {
    const uint32_t pattern = 0x8badf00du;
    size_t total = offset + bytes + GUARD_BYTES;
    unsigned char *want = tm_suite_host(total);
    unsigned char *got = tm_suite_host(total);
    memset(want, 0x5a, total);
    bool good =
        suite->ops->upload(suite->backend, device, want, total, suite->error) &&
        suite->ops->fill_pattern(suite->backend, device + offset, pattern, bytes, suite->error) &&
        suite->ops->download(suite->backend, got, device, total, suite->error);
    for (size_t k = 0; k < bytes; k++)
        want[offset + k] = (unsigned char)(pattern >> (8 * (k % 4)));
    if (good) {
        size_t at = tm_suite_difference(want, got, total);
        good = at == total;
        if (!good)
            snprintf(suite->error, sizeof suite->error,
                     "offset %zu, %zu bytes: byte %zu: expected %02x, got %02x", offset, bytes, at,
                     want[at], got[at]);
    }
    free(want);
    free(got);
    return good;
}

static void check_fill_pattern(tm_suite *suite) {
    size_t room = 9 * MIB;
    unsigned char *device = suite->ops->alloc(suite->backend, room, suite->error);
    bool good = device != NULL;
    for (size_t offset = 0; good && offset < 18; offset++)
        for (size_t bytes = 0; good && bytes < 36; bytes++)
            good = pattern_holds(suite, device, offset, bytes);
    tm_suite_report(suite, "fill_pattern", good, "%s",
                    good ? "0 to 35 bytes at offsets 0 to 17" : suite->error);
    good = device && pattern_holds(suite, device, 3, 9 * MIB - 64);
    tm_suite_report(suite, "fill_pattern", good, "%s", good ? "9 MiB at offset 3" : suite->error);
    suite->ops->free(suite->backend, device);
}

/* Elements [0, elems) packed as stored; `out` is zeroed and large enough. */
static void make_random(unsigned char *out, tm_dtype dtype, int64_t elems, uint64_t seed,
                        uint32_t tensor) {
    int bits = tm_dtype_bits(dtype);
    uint64_t value[TM_RANDOM_BLOCK];
    for (int64_t elem = 0; elem < elems; elem++) {
        int lane = (int)(elem % TM_RANDOM_BLOCK);
        if (lane == 0)
            tm_random_block4(seed, tensor, dtype, (uint64_t)(elem / TM_RANDOM_BLOCK), value);
        if (bits == 4)
            out[elem / 2] |= (unsigned char)((value[lane] & 15) << (elem % 2 * 4));
        for (int k = 0; k < bits / 8; k++)
            out[elem * (bits / 8) + k] = (unsigned char)(value[lane] >> (8 * k));
    }
}

/* The same elements as the host's, and nothing after them. */
static bool random_holds(tm_suite *suite, tm_dtype dtype, int64_t elems, size_t offset,
                         uint64_t seed, uint32_t tensor) {
    size_t bytes = 0;
    if (!tm_dtype_bytes(dtype, elems, &bytes))
        return false;
    size_t total = offset + bytes + GUARD_BYTES;
    unsigned char *want = calloc(1, total);
    unsigned char *got = tm_suite_host(total);
    unsigned char *device = suite->ops->alloc(suite->backend, total, suite->error);
    tm_random_form form = tm_random_form_plain(dtype, elems);
    bool good = want && device;
    if (good) {
        memset(want, 0x77, offset);
        memset(want + offset + bytes, 0x77, GUARD_BYTES);
        make_random(want + offset, dtype, elems, seed, tensor);
        good = suite->ops->fill_pattern(suite->backend, device, 0x77777777u, total, suite->error) &&
               suite->ops->fill_random(suite->backend, device + offset, &form, seed, tensor, 0, 1,
                                       suite->error) &&
               suite->ops->download(suite->backend, got, device, total, suite->error);
    }
    if (good) {
        /* What the unused half of a last float4 byte holds is not promised. */
        if (dtype == TM_DTYPE_FLOAT4_E2M1 && elems % 2 == 1)
            got[offset + bytes - 1] &= 15;
        size_t at = tm_suite_difference(want, got, total);
        good = at == total;
        if (!good)
            snprintf(suite->error, sizeof suite->error,
                     "%lld elements at offset %zu: byte %zu: expected %02x, got %02x",
                     (long long)elems, offset, at, want[at], got[at]);
    }
    suite->ops->free(suite->backend, device);
    free(want);
    free(got);
    return good;
}

static void check_fill_random(tm_suite *suite) {
    /* 3,000,003 elements: more than one turn of a grid, several threads of a CPU. */
    static const int64_t counts[] = {0, 1, 2, 3, 4, 5, 7, 1021, 4099, 3000003};
    enum { COUNT = sizeof counts / sizeof *counts };
    for (int dtype = 0; dtype < TM_DTYPE_COUNT; dtype++) {
        bool good = true;
        for (size_t i = 0; good && i < COUNT; i++)
            good = random_holds(suite, (tm_dtype)dtype, counts[i], 0, 0xfeedfacecafe0001u + i,
                                (uint32_t)i + 3);
        /* A tensor against the end of its pages starts at a multiple of its element only. */
        size_t element_bytes = (size_t)(tm_dtype_bits((tm_dtype)dtype) + 7) / 8;
        good = good && random_holds(suite, (tm_dtype)dtype, 1023, 3 * element_bytes, 42, 0);
        tm_suite_report(suite, "fill_random", good, "%s%s%s", tm_dtype_name((tm_dtype)dtype),
                        good ? "" : ", ", good ? "" : suite->error);
    }
}

/* The last block of so many elements that their index passes 2^32; too slow for a CPU. */
static void check_fill_random_large(tm_suite *suite) {
    const int64_t elems = ((int64_t)1 << 33) + 4;
    const uint64_t last_block = (uint64_t)elems / TM_RANDOM_BLOCK - 1;
    if (strcmp(suite->ops->name, "cpu") == 0)
        return;
    size_t bytes = (size_t)elems; /* int8 */
    unsigned char *device = suite->ops->alloc(suite->backend, bytes, suite->error);
    if (!device) {
        printf("note fill_random past 2^32: not checked: %s\n", suite->error);
        return;
    }
    unsigned char got[TM_RANDOM_BLOCK];
    uint64_t want[TM_RANDOM_BLOCK];
    tm_random_form form = tm_random_form_plain(TM_DTYPE_INT8, elems);
    double ns = 0;
    bool good =
        suite->ops->flush_cache(suite->backend, (void *const *)&device, &bytes, 1, suite->error) &&
        suite->ops->mark(suite->backend, 0, suite->error) &&
        suite->ops->fill_random(suite->backend, device, &form, 9, 1, 0, 1, suite->error) &&
        suite->ops->mark(suite->backend, 1, suite->error) && read_clock(suite, &ns) &&
        suite->ops->download(suite->backend, got, device + bytes - sizeof got, sizeof got,
                             suite->error);
    tm_random_block4(9, 1, TM_DTYPE_INT8, last_block, want);
    bool equal = good;
    for (int i = 0; equal && i < TM_RANDOM_BLOCK; i++)
        equal = got[i] == (unsigned char)want[i];
    tm_suite_report(suite, "fill_random past 2^32", equal, "int8, %.0f GB/s%s%s",
                    (double)bytes / ns, good ? "" : ", ", good ? "" : suite->error);
    suite->ops->free(suite->backend, device);
}

static void check_fill_random_streams(tm_suite *suite) {
    enum { ELEMS = 256 };
    static const struct {
        uint64_t seed;
        uint32_t tensor;
    } streams[] = {{1, 0}, {1, 1}, {2, 0}, {(uint64_t)1 << 32 | 1, 0}};
    enum { COUNT = sizeof streams / sizeof *streams };
    unsigned char got[COUNT][ELEMS];
    void *device = suite->ops->alloc(suite->backend, ELEMS, suite->error);
    tm_random_form form = tm_random_form_plain(TM_DTYPE_INT8, ELEMS);
    bool good = device != NULL;
    for (size_t i = 0; good && i < COUNT; i++)
        good = suite->ops->fill_random(suite->backend, device, &form, streams[i].seed,
                                       streams[i].tensor, 0, 1, suite->error) &&
               suite->ops->download(suite->backend, got[i], device, ELEMS, suite->error);
    bool distinct = good;
    for (size_t i = 0; distinct && i < COUNT; i++)
        for (size_t j = 0; distinct && j < i; j++)
            distinct = memcmp(got[i], got[j], ELEMS) != 0;
    tm_suite_report(suite, "fill_random streams", distinct, "%s",
                    !good ? suite->error : "seeds and tensors differ");
    suite->ops->free(suite->backend, device);
}

/* Flushing must succeed, also repeatedly, and change no buffer. */
static void check_flush(tm_suite *suite) {
    enum { BYTES = 3 << 20 };
    unsigned char *want = tm_suite_host(BYTES);
    unsigned char *got = tm_suite_host(BYTES);
    tm_suite_bytes(want, BYTES, 77);
    void *buffers[2] = {suite->ops->alloc(suite->backend, BYTES, suite->error),
                        suite->ops->alloc(suite->backend, 1, suite->error)};
    const size_t bytes[2] = {BYTES, 1};
    bool good = buffers[0] && buffers[1] &&
                suite->ops->upload(suite->backend, buffers[0], want, BYTES, suite->error);
    for (int i = 0; good && i < 3; i++)
        good = suite->ops->flush_cache(suite->backend, buffers, bytes, 2, suite->error);
    good = good && suite->ops->flush_cache(suite->backend, NULL, NULL, 0, suite->error) &&
           suite->ops->sync(suite->backend, suite->error) &&
           suite->ops->download(suite->backend, got, buffers[0], BYTES, suite->error);
    bool same = good && memcmp(want, got, BYTES) == 0;
    tm_suite_report(suite, "flush_cache", same, "%s",
                    !good  ? suite->error
                    : same ? "contents kept"
                           : "contents changed");
    for (int i = 0; i < 2; i++)
        suite->ops->free(suite->backend, buffers[i]);
    free(want);
    free(got);
}

enum work { WORK_NONE, WORK_FILL, WORK_UPLOAD, WORK_COUNT };

/* One timed call, cold; its wall time covers the marks and the wait. */
static bool time_work(tm_suite *suite, enum work work, void *device, const void *host, size_t bytes,
                      double *ns, double *wall) {
    if (!suite->ops->flush_cache(suite->backend, &device, &bytes, 1, suite->error))
        return false;
    double began = tm_suite_wall_ns();
    bool good = suite->ops->mark(suite->backend, 0, suite->error);
    if (work == WORK_FILL)
        good = good && suite->ops->fill_pattern(suite->backend, device, 1, bytes, suite->error);
    if (work == WORK_UPLOAD)
        good = good && suite->ops->upload(suite->backend, device, host, bytes, suite->error);
    good = good && suite->ops->mark(suite->backend, 1, suite->error) && read_clock(suite, ns);
    *wall = tm_suite_wall_ns() - began;
    return good;
}

static void check_clock(tm_suite *suite) {
    static const char *const names[WORK_COUNT] = {"clock, nothing", "clock, fill of 64 MiB",
                                                  "clock, upload of 64 MiB"};
    /* No memory writes faster than 20 TB/s: 64 MiB take 3.3 us at least. */
    static const double least_ns[WORK_COUNT] = {0, 3300, 3300};
    size_t bytes = 64 * MIB;
    void *host = calloc(1, bytes);
    void *device = suite->ops->alloc(suite->backend, bytes, suite->error);
    bool ready = host && device;
    double shortest[WORK_COUNT] = {0};
    for (int work = 0; ready && work < WORK_COUNT; work++) {
        double ns = 0;
        double wall = 0;
        bool good = true;
        for (int i = 0; good && i < 5; i++) {
            good = time_work(suite, (enum work)work, device, host, bytes, &ns, &wall);
            if (!good) {
                tm_suite_report(suite, names[work], false, "%s", suite->error);
                break;
            }
            if (i == 0 || ns < shortest[work])
                shortest[work] = ns;
            /* Two clocks: a thousandth and 2 us of tolerance. */
            good = ns >= least_ns[work] && ns <= wall * 1.001 + 2000;
            if (!good)
                tm_suite_report(suite, names[work], false,
                                "expected %.0f to %.0f ns (wall time), got %.0f", least_ns[work],
                                wall, ns);
        }
        if (good)
            tm_suite_report(suite, names[work], true, "at least %.0f ns", shortest[work]);
    }
    tm_suite_report(suite, "clock, order", ready && shortest[WORK_NONE] < shortest[WORK_FILL], "%s",
                    ready ? "a fill takes longer than nothing" : "out of memory");
    suite->ops->free(suite->backend, device);
    free(host);
}

static bool check_describe(tm_suite *suite) {
    tm_json *description = suite->ops->describe(suite->error);
    if (!description) {
        tm_suite_report(suite, "describe", false, "%s", suite->error);
        return false;
    }
    char *text = tm_json_print(description, false);
    char backend[64];
    snprintf(backend, sizeof backend, "\"%s\"", suite->ops->name);
    tm_suite_report(suite, "describe",
                    strstr(text, "\"backend\"") && strstr(text, backend) &&
                        strstr(text, "\"devices\"") && strstr(text, "\"name\"") &&
                        strstr(text, "\"libs\""),
                    "%s", text);
    free(text);
    tm_json_free(description);
    return true;
}

int main(int argc, char **argv) {
    tm_suite suite = {.ops = &tm_the_backend};
    bool full;
    suite.ops->prepare(argv);
    if (argc == 3 && strcmp(argv[1], "--overrun") == 0)
        return tm_suite_overrun(&suite, argv[2]);
    setvbuf(stdout, NULL, _IOLBF, 0);
    tm_json *description = suite.ops->describe(suite.error);
    if (!description && strncmp(suite.error, "no CUDA device: ", 16) == 0) {
        printf("SKIPPED: no CUDA device\n");
        return EXIT_SKIPPED;
    }
    tm_json_free(description);
    if (check_describe(&suite)) {
        check_open_errors(&suite);
        suite.backend = suite.ops->open(0, &full, suite.error);
        tm_suite_report(&suite, "open(0)", suite.backend != NULL, "%s",
                        suite.backend ? suite.ops->name : suite.error);
    }
    if (suite.backend) {
        check_alloc(&suite);
        check_copies(&suite);
        check_fill_pattern(&suite);
        check_fill_random(&suite);
        check_fill_random_streams(&suite);
        check_fill_random_large(&suite);
        tm_suite_check_forms(&suite);
        tm_suite_check_count(&suite);
        tm_suite_check_stride(&suite);
        tm_suite_check_hash(&suite);
        tm_suite_check_copy(&suite);
        tm_suite_check_pin(&suite);
        tm_suite_check_pool(&suite);
        tm_suite_check_guard(&suite);
        check_flush(&suite);
        check_clock(&suite);
        bool good = suite.ops->sync(suite.backend, suite.error);
        tm_suite_report(&suite, "sync", good, "%s", good ? "no pending error" : suite.error);
        suite.ops->close(suite.backend);
        suite.backend = suite.ops->open(0, &full, suite.error);
        tm_suite_report(&suite, "open(0) again", suite.backend != NULL, "%s",
                        suite.backend ? suite.ops->name : suite.error);
        if (suite.backend)
            suite.ops->close(suite.backend);
    }
    printf("%s: %d failed\n", suite.ops->name, suite.failures);
    return suite.failures > 0 ? 1 : 0;
}
