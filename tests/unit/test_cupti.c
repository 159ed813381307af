/* Which records a window takes, from a CUPTI that is made up here. Skipped where the toolkit's
 * headers are missing: there is nothing to test then. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#if !__has_include(<cupti.h>)

static void test_nothing(void **state) {
    (void)state;
    skip();
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_nothing)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

#include <dlfcn.h>

static void *open_fake(const char *name, int flags);
static void *find_fake(void *library, const char *name);
#define dlopen open_fake
#define dlsym find_fake
#include "harness/backend_cuda_cupti.c"
#undef dlopen
#undef dlsym

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static kernel_record records[8];
static size_t record_count, lost_count;
static CUpti_BuffersCallbackRequestFunc request_buffer;
static CUpti_BuffersCallbackCompleteFunc complete_buffer;

static CUptiResult switch_kind(CUpti_ActivityKind kind) {
    (void)kind;
    return CUPTI_SUCCESS;
}

static CUptiResult take_callbacks(CUpti_BuffersCallbackRequestFunc request,
                                  CUpti_BuffersCallbackCompleteFunc complete) {
    request_buffer = request;
    complete_buffer = complete;
    return CUPTI_SUCCESS;
}

static CUptiResult next_fake(uint8_t *buffer, size_t bytes, CUpti_Activity **record) {
    kernel_record *next = *record ? (kernel_record *)*record + 1 : (kernel_record *)buffer;
    if ((uint8_t *)(next + 1) > buffer + bytes)
        return CUPTI_ERROR_MAX_LIMIT_REACHED;
    *record = (CUpti_Activity *)next;
    return CUPTI_SUCCESS;
}

static CUptiResult count_lost(CUcontext context, uint32_t stream, size_t *count) {
    (void)context, (void)stream;
    *count = lost_count;
    return CUPTI_SUCCESS;
}

static CUptiResult deliver(uint32_t flags) {
    (void)flags;
    uint8_t *buffer;
    size_t bytes, most;
    request_buffer(&buffer, &bytes, &most);
    memcpy(buffer, records, record_count * sizeof *records);
    complete_buffer(NULL, 0, buffer, bytes, record_count * sizeof *records);
    record_count = 0;
    return CUPTI_SUCCESS;
}

static CUptiResult describe_fake(CUptiResult result, const char **text) {
    (void)result;
    *text = "made up";
    return CUPTI_SUCCESS;
}

static void *open_fake(const char *name, int flags) {
    (void)flags;
    return (void *)(uintptr_t)name;
}

static void *find_fake(void *library, const char *name) {
    (void)library;
    static const struct {
        const char *name;
        void (*function)(void);
    } fakes[] = {{"cuptiActivityEnable", (void (*)(void))switch_kind},
                 {"cuptiActivityDisable", (void (*)(void))switch_kind},
                 {"cuptiActivityRegisterCallbacks", (void (*)(void))take_callbacks},
                 {"cuptiActivityGetNextRecord", (void (*)(void))next_fake},
                 {"cuptiActivityGetNumDroppedRecords", (void (*)(void))count_lost},
                 {"cuptiActivityFlushAll", (void (*)(void))deliver},
                 {"cuptiGetResultString", (void (*)(void))describe_fake}};
    for (size_t i = 0; i < COUNT(fakes); i++)
        if (strcmp(fakes[i].name, name) == 0) {
            void *found;
            memcpy(&found, &fakes[i].function, sizeof found);
            return found;
        }
    return NULL;
}

static void add(uint64_t start, uint64_t end, const char *name) {
    records[record_count++] = (kernel_record){
        .kind = CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL, .start = start, .end = end, .name = name};
}

static const char flush[] = "_Z10our_flushv";

static tm_cupti_window window_after(size_t flushes) {
    tm_cupti_window window;
    char error[256] = "";
    if (!tm_cupti_end("our_flush", flushes, &window, error, sizeof error))
        fail_msg("%s", error);
    return window;
}

static tm_cupti_window window_of_records(void) {
    return window_after(1);
}

static int start(void **state) {
    (void)state;
    char error[256];
    return tm_cupti_start(error, sizeof error) ? 0 : -1;
}

/* From the first start to the last end of what came after the flush, in whatever order. */
static void test_window(void **state) {
    (void)state;
    add(500, 600, "call");
    add(100, 200, "fill");
    add(700, 950, "call");
    add(200, 300, flush);
    tm_cupti_window window = window_of_records();
    assert_int_equal(window.activities, 2);
    assert_true(window.span_ns == 450);
}

static void test_nothing_ran(void **state) {
    (void)state;
    add(100, 200, "fill");
    add(200, 300, flush);
    tm_cupti_window window = window_of_records();
    assert_int_equal(window.activities, 0);
    assert_true(window.span_ns == 0);
}

/* Nothing of a window is left for the next one. */
static void test_next_window(void **state) {
    (void)state;
    add(200, 300, flush);
    add(400, 500, "call");
    window_of_records();
    add(600, 700, flush);
    add(800, 900, "call");
    tm_cupti_window window = window_of_records();
    assert_int_equal(window.activities, 1);
    assert_true(window.span_ns == 100);
}

/* A call whose kernels have our kernel's name does not cut its own window short. */
static void test_borrowed_name(void **state) {
    (void)state;
    add(200, 300, flush);
    add(400, 500, "call");
    add(600, 700, flush);
    add(800, 810, "call");
    tm_cupti_window window = window_of_records();
    assert_int_equal(window.activities, 3);
    assert_true(window.span_ns == 410);
}

/* A cache that was flushed twice: what lay between is no part of the window. */
static void test_flushed_twice(void **state) {
    (void)state;
    add(900, 950, "call");
    add(600, 700, flush);
    add(400, 500, "fill");
    add(200, 300, flush);
    tm_cupti_window window = window_after(2);
    assert_int_equal(window.activities, 1);
    assert_true(window.span_ns == 50);
}

static void test_lost(void **state) {
    (void)state;
    tm_cupti_window window;
    char error[256] = "";
    add(400, 500, "call");
    assert_false(tm_cupti_end("our_flush", 1, &window, error, sizeof error));
    assert_string_equal(error, "CUPTI lost 0 records, or that of the cache flush");
    lost_count = 3;
    add(200, 300, flush);
    assert_false(tm_cupti_end("our_flush", 1, &window, error, sizeof error));
    assert_string_equal(error, "CUPTI lost 3 records");
    lost_count = 0;
    add(200, 300, flush);
    add(400, 500, "call");
    assert_int_equal(window_of_records().activities, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_window),        cmocka_unit_test(test_nothing_ran),
        cmocka_unit_test(test_next_window),   cmocka_unit_test(test_borrowed_name),
        cmocka_unit_test(test_flushed_twice), cmocka_unit_test(test_lost),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}

#endif
