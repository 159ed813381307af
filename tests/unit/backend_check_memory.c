#include "tests/unit/backend_check.h"

#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/hash.h"
#include "lib/random.h"
#include "lib/dtype.h"

#define BACKGROUND 0x77
#define ALIGNMENT 256
/* Of the child: the device reported the overrun; it did not; something else went wrong. */
#define EXIT_FAULT 42
#define EXIT_NO_FAULT 43
#define EXIT_OTHER 44

/* ---- strided fills ---- */

/* Blocks of this phase are those of a full fill, and the others what was there before. */
static bool stride_holds(tm_suite *suite, tm_dtype dtype, int64_t elems, uint32_t phase,
                         uint32_t stride) {
    const tm_backend_ops *ops = suite->ops;
    size_t bytes = 0, block_bytes = (size_t)tm_dtype_bits(dtype) * TM_RANDOM_BLOCK / 8;
    if (!tm_dtype_bytes(dtype, elems, &bytes))
        return false;
    size_t total = bytes + GUARD_BYTES;
    unsigned char *want = tm_suite_host(total), *got = tm_suite_host(total);
    unsigned char *device = ops->alloc(suite->backend, total, suite->error);
    tm_random_form form = tm_random_form_plain(dtype, elems);
    bool good =
        device && ops->fill_random(suite->backend, device, &form, 11, 5, 0, 1, suite->error) &&
        ops->download(suite->backend, want, device, bytes, suite->error) &&
        ops->fill_pattern(suite->backend, device, BACKGROUND * 0x01010101u, total, suite->error) &&
        ops->fill_random(suite->backend, device, &form, 11, 5, phase, stride, suite->error) &&
        ops->download(suite->backend, got, device, total, suite->error);
    for (size_t at = 0, block = 0; at < bytes; at += block_bytes, block++)
        if (block % stride != phase)
            memset(want + at, BACKGROUND, bytes - at < block_bytes ? bytes - at : block_bytes);
    memset(want + bytes, BACKGROUND, GUARD_BYTES);
    size_t at = good ? tm_suite_difference(want, got, total) : 0;
    if (good && at < total)
        snprintf(suite->error, sizeof suite->error,
                 "%lld elements, phase %u of %u: byte %zu: expected %02x, got %02x",
                 (long long)elems, phase, stride, at, want[at], got[at]);
    ops->free(suite->backend, device);
    free(want);
    free(got);
    return good && at == total;
}

void tm_suite_check_stride(tm_suite *suite) {
    static const struct {
        int64_t elems; /* 1023 and 1025 end in a cut block, of index 255 and 256 */
        uint32_t phase, stride;
    } cases[] = {
        {0, 0, 16},    {1, 0, 16},    {3, 1, 16},       {64, 15, 16},    {1023, 15, 16},
        {1023, 3, 16}, {1025, 0, 16}, {1025, 7, 16},    {1023, 1, 2},    {1023, 0, 2},
        {17, 3, 1000}, {17, 5, 1000}, {3000003, 0, 16}, {3000003, 1, 3},
    };
    for (int dtype = 0; dtype < TM_DTYPE_COUNT; dtype++) {
        bool good = true;
        for (size_t i = 0; good && i < sizeof cases / sizeof *cases; i++)
            good = stride_holds(suite, (tm_dtype)dtype, cases[i].elems, cases[i].phase,
                                cases[i].stride);
        tm_suite_report(suite, "fill_random, stride", good, "%s%s%s",
                        tm_dtype_name((tm_dtype)dtype), good ? "" : ", ", good ? "" : suite->error);
    }
    suite->error[0] = '\0';
    tm_random_form form = tm_random_form_plain(TM_DTYPE_INT8, 0);
    bool refused =
        !suite->ops->fill_random(suite->backend, NULL, &form, 1, 1, 16, 16, suite->error);
    tm_suite_report(suite, "fill_random, phase 16 of 16 fails", refused && suite->error[0], "%s",
                    suite->error);
}

/* ---- hashes ---- */

/* As harness/hash.h describes it, byte by byte. */
static uint64_t naive_hash(const unsigned char *bytes, size_t count) {
    uint64_t sum = 0;
    for (size_t begin = 0; begin < count; begin += 8) {
        uint64_t word = 0;
        for (size_t k = begin; k < begin + 8 && k < count; k++)
            word |= (uint64_t)bytes[k] << (8 * (k - begin));
        sum += tm_hash_word(word, begin / 8);
    }
    return tm_hash_end(sum, count);
}

static bool hash_at(tm_suite *suite, unsigned char *device, const unsigned char *host, size_t bytes,
                    uint64_t *hash) {
    return suite->ops->upload(suite->backend, device, host, bytes, suite->error) &&
           suite->ops->hash(suite->backend, device, bytes, hash, suite->error);
}

/* The naive hash, and another one after each change that it must see. */
static bool hash_holds(tm_suite *suite, size_t bytes, size_t offset) {
    unsigned char *host = tm_suite_host(bytes);
    unsigned char *device = suite->ops->alloc(suite->backend, bytes + offset, suite->error);
    uint64_t plain = 0, changed = 0, naive;
    tm_suite_bytes(host, bytes, (uint32_t)bytes + 3);
    naive = naive_hash(host, bytes);
    bool good = device && hash_at(suite, device + offset, host, bytes, &plain);
    bool equal = good && plain == naive;
    if (good && !equal)
        snprintf(suite->error, sizeof suite->error, "expected %016llx, got %016llx",
                 (unsigned long long)naive, (unsigned long long)plain);
    if (equal && bytes > 0) {
        host[bytes - 1] ^= 1;
        good = hash_at(suite, device + offset, host, bytes, &changed);
        host[bytes - 1] ^= 1;
        if (good && changed == plain)
            snprintf(suite->error, sizeof suite->error, "a change of the last byte is not seen");
        equal = good && changed != plain;
    }
    if (equal && bytes >= 16) {
        unsigned char word[8];
        size_t second = (bytes / 8 - 1) * 8;
        memcpy(word, host, 8);
        memcpy(host, host + second, 8);
        memcpy(host + second, word, 8);
        good = hash_at(suite, device + offset, host, bytes, &changed);
        if (good && changed == plain)
            snprintf(suite->error, sizeof suite->error, "two words that changed places: not seen");
        equal = good && changed != plain;
    }
    suite->ops->free(suite->backend, device);
    free(host);
    return equal;
}

void tm_suite_check_hash(tm_suite *suite) {
    static const size_t sizes[] = {0,  1,  7,    8,    9,       15,      16,          17,
                                   24, 31, 4096, 4099, 2 * MIB, MIB + 5, 16 * MIB + 9};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        for (size_t offset = 0; offset < 2; offset++) {
            if (offset == 1 && sizes[i] > 2 * MIB)
                continue;
            bool good = hash_holds(suite, sizes[i], offset * 3);
            tm_suite_report(suite, "hash", good, "%zu bytes at offset %zu%s%s", sizes[i],
                            offset * 3, good ? "" : ": ", good ? "" : suite->error);
        }
    /* Zeros of other lengths are other tensors. */
    uint64_t hashes[2] = {0, 0};
    unsigned char *device = suite->ops->alloc(suite->backend, 64, suite->error);
    bool good = device && suite->ops->fill_pattern(suite->backend, device, 0, 64, suite->error);
    for (size_t i = 0; good && i < 2; i++)
        good = suite->ops->hash(suite->backend, device, 57 + i, &hashes[i], suite->error);
    tm_suite_report(suite, "hash", good && hashes[0] != hashes[1], "%s",
                    good ? "57 zeros are not 58 zeros" : suite->error);
    suite->ops->free(suite->backend, device);
}

/* ---- copies ---- */

void tm_suite_check_copy(tm_suite *suite) {
    static const size_t sizes[] = {0, 1, 4099, 16 * MIB + 1};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        const tm_backend_ops *ops = suite->ops;
        size_t bytes = sizes[i], total = bytes + GUARD_BYTES;
        unsigned char *want = tm_suite_host(total), *got = tm_suite_host(total);
        unsigned char *from = ops->alloc(suite->backend, total, suite->error);
        unsigned char *to = ops->alloc(suite->backend, total, suite->error);
        tm_suite_bytes(want, bytes, 19);
        memset(want + bytes, BACKGROUND, GUARD_BYTES);
        /* In the stream's order: what happens to the source afterwards is too late. */
        bool good =
            from && to &&
            ops->fill_pattern(suite->backend, to, BACKGROUND * 0x01010101u, total, suite->error) &&
            ops->upload(suite->backend, from, want, bytes, suite->error) &&
            ops->copy(suite->backend, to, from, bytes, suite->error) &&
            ops->fill_pattern(suite->backend, from, 0, total, suite->error) &&
            ops->download(suite->backend, got, to, total, suite->error);
        bool same = good && memcmp(want, got, total) == 0;
        tm_suite_report(suite, "copy", same, "%zu bytes%s%s", bytes, good ? "" : ": ",
                        good ? "" : suite->error);
        ops->free(suite->backend, from);
        ops->free(suite->backend, to);
        free(want);
        free(got);
    }
}

/* ---- pinned host memory ---- */

/* Up and down between the device and `host`, of which some may be pinned. */
static bool host_round_trip(tm_suite *suite, unsigned char *device, unsigned char *host,
                            size_t bytes, uint32_t state, double *ns) {
    const tm_backend_ops *ops = suite->ops;
    unsigned char *want = tm_suite_host(bytes);
    tm_suite_bytes(want, bytes, state);
    memcpy(host, want, bytes);
    bool good = ops->upload(suite->backend, device, host, bytes, suite->error);
    memset(host, 0, bytes);
    double began = tm_suite_wall_ns();
    good = good && ops->download(suite->backend, host, device, bytes, suite->error);
    *ns = tm_suite_wall_ns() - began;
    if (good && memcmp(want, host, bytes) != 0) {
        snprintf(suite->error, sizeof suite->error, "%zu bytes came back changed", bytes);
        good = false;
    }
    free(want);
    return good;
}

void tm_suite_check_pin(tm_suite *suite) {
    const tm_backend_ops *ops = suite->ops;
    const size_t bytes = 64 * MIB, pinned = 48 * MIB;
    unsigned char *host = aligned_alloc(4096, bytes);
    unsigned char *device = ops->alloc(suite->backend, bytes, suite->error);
    double staged = 0, direct = 0, ns = 0;
    bool good =
        host && device && host_round_trip(suite, device, host, pinned, 1, &staged) &&
        ops->pin(suite->backend, host, pinned, suite->error) &&
        ops->pin(suite->backend, host, pinned, suite->error) && /* refused, yet true */
        host_round_trip(suite, device, host, pinned, 2, &direct) &&
        host_round_trip(suite, device, host + 4099, 5 * MIB + 1, 3, &ns) &&
        host_round_trip(suite, device, host + MIB, bytes - MIB, 4, &ns) && /* over its end */
        host_round_trip(suite, device, host + pinned, bytes - pinned, 5, &ns);
    ops->unpin(suite->backend, host);
    good = good && host_round_trip(suite, device, host, pinned, 6, &ns) &&
           ops->sync(suite->backend, suite->error);
    if (good)
        tm_suite_report(suite, "pin", true, "%zu MiB down: %.1f GB/s, pinned %.1f GB/s",
                        pinned / MIB, (double)pinned / staged, (double)pinned / direct);
    else
        tm_suite_report(suite, "pin", false, "%s", suite->error);
    ops->free(suite->backend, device);
    free(host);
}

/* ---- reuse ---- */

/* Bytes that this process or, where that counts, its device has in use. */
static size_t bytes_in_use(void) {
    int (*info)(size_t *, size_t *);
    *(void **)&info = dlsym(RTLD_DEFAULT, "cudaMemGetInfo");
    size_t free_bytes = 0, total_bytes = 0, pages = 0;
    if (info)
        return info(&free_bytes, &total_bytes) == 0 ? total_bytes - free_bytes : 0;
    FILE *file = fopen("/proc/self/statm", "re");
    /* The sixth is writable memory; guards are not. */
    if (file && fscanf(file, "%*u %*u %*u %*u %*u %zu", &pages) != 1)
        pages = 0;
    if (file)
        fclose(file);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

void tm_suite_check_pool(tm_suite *suite) {
    enum { LIVE = 8, SETTLED = 100, ROUNDS = 1000 };
    void *live[LIVE] = {NULL};
    size_t before = 0;
    uint32_t state = 1;
    bool good = true;
    double ns = 0;
    for (int i = 0; good && i < ROUNDS; i++) {
        state = state * 1664525u + 1013904223u;
        size_t bytes = (i % 2 ? MIB : 1) + state % (4 * MIB);
        if (i == SETTLED)
            before = bytes_in_use();
        double began = tm_suite_wall_ns();
        suite->ops->free(suite->backend, live[i % LIVE]);
        live[i % LIVE] = suite->ops->alloc(suite->backend, bytes, suite->error);
        if (i >= SETTLED)
            ns += tm_suite_wall_ns() - began;
        /* Both ends are there, whatever it was before. */
        unsigned char last = (unsigned char)i, got[2] = {0, 0};
        unsigned char *device = live[i % LIVE];
        good = device && suite->ops->upload(suite->backend, device, &last, 1, suite->error) &&
               suite->ops->upload(suite->backend, device + bytes - 1, &last, 1, suite->error) &&
               suite->ops->download(suite->backend, &got[0], device, 1, suite->error) &&
               suite->ops->download(suite->backend, &got[1], device + bytes - 1, 1, suite->error);
        if (good && (got[0] != last || got[1] != last)) {
            snprintf(suite->error, sizeof suite->error, "%zu bytes cannot be written", bytes);
            good = false;
        }
    }
    size_t after = bytes_in_use();
    for (int i = 0; i < LIVE; i++)
        suite->ops->free(suite->backend, live[i]);
    /* All that lives at a time is 40 MiB at most. */
    bool flat = good && after <= before + 40 * MIB;
    tm_suite_report(suite, "alloc, reuse", flat, "%s%.1f MiB in use, then %.1f; %.1f us a pair",
                    good ? "" : suite->error, (double)before / (double)MIB,
                    (double)after / (double)MIB, ns / (ROUNDS - SETTLED) / 1e3);
}

/* ---- guard pages ---- */

/* `first` bytes are allocated and freed before, so that there is something to reuse. */
static const struct {
    size_t first, bytes;
} overruns[] = {{0, 1}, {0, 4097}, {0, 2 * MIB}, {3 * MIB, 2 * MIB + 257}};
enum { OVERRUNS = sizeof overruns / sizeof *overruns };

int tm_suite_overrun(tm_suite *suite, const char *which) {
    const tm_backend_ops *ops = suite->ops;
    size_t number = strtoul(which, NULL, 10);
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    signal(SIGSEGV, SIG_DFL); /* a sanitizer has its own */
    bool full;
    if (number >= OVERRUNS || !(suite->backend = ops->open(0, &full, suite->error)))
        return EXIT_OTHER;
    size_t bytes = overruns[number].bytes;
    size_t whole = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    if (overruns[number].first)
        ops->free(suite->backend, ops->alloc(suite->backend, overruns[number].first, suite->error));
    unsigned char *device = ops->alloc(suite->backend, bytes, suite->error);
    if (!device || !ops->fill_pattern(suite->backend, device, 1, whole, suite->error) ||
        !ops->sync(suite->backend, suite->error)) {
        printf("%s\n", suite->error);
        return EXIT_OTHER;
    }
    bool silent = ops->fill_pattern(suite->backend, device + whole, 1, 1, suite->error) &&
                  ops->sync(suite->backend, suite->error);
    printf("%s\n", silent ? "nothing was noticed" : suite->error);
    return silent ? EXIT_NO_FAULT : EXIT_FAULT;
}

void tm_suite_check_guard(tm_suite *suite) {
    bool is_cpu = strcmp(suite->ops->name, "cpu") == 0;
    for (int i = 0; i < OVERRUNS; i++) {
        char which[16];
        int status = 0;
        snprintf(which, sizeof which, "%d", i);
        fflush(NULL);
        pid_t child = fork();
        if (child == 0) {
            execl("/proc/self/exe", "backend_check", "--overrun", which, (char *)NULL);
            _exit(EXIT_OTHER);
        }
        bool ended = child > 0 && waitpid(child, &status, 0) == child;
        bool faulted = ended && (is_cpu ? WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV
                                        : WIFEXITED(status) && WEXITSTATUS(status) == EXIT_FAULT);
        tm_suite_report(suite, "write behind the end faults", faulted, "%zu bytes%s: status %#x",
                        overruns[i].bytes, overruns[i].first ? ", reused" : "", (unsigned)status);
    }
}
