/* Reading and writing safetensors files: every refusal with its whole message. */
#include <endian.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/safetensors.h"
#include "lib/text.h"

typedef struct {
    char folder[64];
    char path[96]; /* the file under test */
    tm_arena *arena;
    tm_diag *diag;
} fixture;

static int set_up(void **state) {
    fixture *f = calloc(1, sizeof *f);
    if (f == NULL)
        return -1;
    snprintf(f->folder, sizeof f->folder, "/tmp/tm_safetensors.XXXXXX");
    if (mkdtemp(f->folder) == NULL) {
        free(f);
        return -1;
    }
    snprintf(f->path, sizeof f->path, "%s/x.safetensors", f->folder);
    f->arena = tm_arena_create();
    f->diag = tm_diag_create(f->arena);
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    fixture *f = *state;
    if (remove(f->path) != 0 && errno != ENOENT)
        return -1;
    if (rmdir(f->folder) != 0) /* also fails when a temporary file was left behind */
        return -1;
    tm_arena_destroy(f->arena);
    free(f);
    return 0;
}

static void write_bytes(const fixture *f, const void *bytes, size_t length) {
    FILE *stream = fopen(f->path, "wb");
    assert_non_null(stream);
    assert_int_equal(fwrite(bytes, 1, length, stream), length);
    assert_int_equal(fclose(stream), 0);
}

/* A file with this header and `data_bytes` bytes 0, 1, 2, ... */
static void write_file(const fixture *f, const char *header, size_t data_bytes) {
    tm_text text = {0};
    uint64_t length = htole64(strlen(header));
    tm_text_add_bytes(&text, (const char *)&length, sizeof length);
    tm_text_add(&text, header);
    for (size_t i = 0; i < data_bytes; i++)
        tm_text_add_bytes(&text, &(char){(char)i}, 1);
    write_bytes(f, text.data, text.length);
    tm_text_free(&text);
}

/* Opens the file, which must give exactly one error, at this line and column. */
static void expect_error(fixture *f, int line, int column, const char *message) {
    tm_diag *diag = tm_diag_create(f->arena);
    assert_null(tm_safetensors_open(f->arena, f->path, diag));
    const tm_diag_entry *entries;
    assert_int_equal(tm_diag_entries(diag, &entries), 1);
    assert_int_equal(entries[0].severity, TM_DIAG_ERROR);
    assert_string_equal(entries[0].message, message);
    assert_string_equal(entries[0].path, f->path);
    assert_int_equal(entries[0].line, line);
    assert_int_equal(entries[0].column, column);
}

static void expect_header_error(fixture *f, const char *header, size_t data_bytes, int column,
                                const char *message) {
    write_file(f, header, data_bytes);
    expect_error(f, column > 0, column, message);
}

static void test_reads(void **state) {
    fixture *f = *state;
    write_file(f,
               "{\"__metadata__\":{\"format\":\"pt\"},"
               "\"b\":{\"dtype\":\"BF16\",\"shape\":[2,3],\"data_offsets\":[4,16]},"
               "\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]},"
               "\"none\":{\"dtype\":\"I64\",\"shape\":[0,7],\"data_offsets\":[16,16]},"
               "\"odd\":{\"dtype\":\"F4\",\"shape\":[3],\"data_offsets\":[16,18]},"
               "\"new\":{\"dtype\":\"F8_E8M0\",\"shape\":[3],\"data_offsets\":[18,21]}}  ",
               21);
    tm_safetensors *file = tm_safetensors_open(f->arena, f->path, f->diag);
    assert_non_null(file);
    assert_int_equal(tm_diag_count(f->diag, TM_DIAG_ERROR), 0);
    const tm_safetensor *all;
    assert_int_equal(tm_safetensors_list(file, &all), 5);
    assert_string_equal(all[0].name, "b");
    assert_string_equal(all[1].name, "a");

    const tm_safetensor *b = tm_safetensors_find(file, "b");
    assert_ptr_equal(b, &all[0]);
    assert_true(b->dtype_known);
    assert_int_equal(b->dtype, TM_DTYPE_BFLOAT16);
    assert_int_equal(b->rank, 2);
    assert_int_equal(b->shape[0], 2);
    assert_int_equal(b->shape[1], 3);
    assert_int_equal(b->bytes, 12);
    assert_memory_equal(b->data, "\4\5\6\7\10\11\12\13\14\15\16\17", 12);
    assert_int_equal(tm_safetensors_find(file, "a")->rank, 0);
    assert_int_equal(tm_safetensors_find(file, "none")->bytes, 0);
    assert_int_equal(tm_safetensors_find(file, "odd")->dtype, TM_DTYPE_FLOAT4_E2M1);
    const tm_safetensor *unknown = tm_safetensors_find(file, "new");
    assert_false(unknown->dtype_known);
    assert_string_equal(unknown->dtype_name, "F8_E8M0");
    assert_int_equal(unknown->bytes, 3);
    assert_null(tm_safetensors_find(file, "c"));
    assert_null(tm_safetensors_find(file, "__metadata__"));
    tm_safetensors_close(file);
}

static void test_empty_header(void **state) {
    fixture *f = *state;
    write_file(f, "{}", 0);
    tm_safetensors *file = tm_safetensors_open(f->arena, f->path, f->diag);
    assert_non_null(file);
    const tm_safetensor *all;
    assert_int_equal(tm_safetensors_list(file, &all), 0);
    tm_safetensors_close(file);
    tm_safetensors_close(NULL);
}

static void test_no_file(void **state) {
    fixture *f = *state;
    expect_error(f, 0, 0, "expected a safetensors file, cannot open it: No such file or directory");
    assert_int_equal(mkdir(f->path, 0755), 0);
    expect_error(f, 0, 0, "expected a safetensors file, got a folder");
    assert_int_equal(rmdir(f->path), 0);
    assert_int_equal(mkfifo(f->path, 0644), 0);
    expect_error(f, 0, 0, "expected a safetensors file, got something that is no regular file");
}

static void test_length(void **state) {
    fixture *f = *state;
    write_bytes(f, "", 0);
    expect_error(f, 0, 0, "expected a safetensors file of at least 8 bytes, got 0 bytes");
    write_bytes(f, "\2\0\0\0\0\0\0", 7);
    expect_error(f, 0, 0, "expected a safetensors file of at least 8 bytes, got 7 bytes");
    write_bytes(f, "\0\0\0\0\0\0\0\0{}", 10);
    expect_error(f, 0, 0,
                 "expected a header length of 1 to 2 bytes, got 0; the file is cut short or no "
                 "safetensors file");
    write_bytes(f, "\3\0\0\0\0\0\0\0{}", 10);
    expect_error(f, 0, 0,
                 "expected a header length of 1 to 2 bytes, got 3; the file is cut short or no "
                 "safetensors file");
    write_bytes(f, "\377\377\377\377\377\377\377\377{}", 10);
    expect_error(f, 0, 0,
                 "expected a header length of 1 to 2 bytes, got 18446744073709551615; the file is "
                 "cut short or no safetensors file");
    /* Over 100 MB, and the file (a hole) is long enough. */
    uint64_t length = htole64(100000001);
    write_bytes(f, &length, sizeof length);
    assert_int_equal(truncate(f->path, 200000000), 0);
    expect_error(f, 0, 0,
                 "expected a header length of 1 to 100000000 bytes, got 100000001; the file is cut "
                 "short or no safetensors file");
}

static void test_git_lfs(void **state) {
    fixture *f = *state;
    static const char pointer[] = "version https://git-lfs.github.com/spec/v1\n"
                                  "oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2"
                                  "ca24d17e2393\nsize 12345\n";
    write_bytes(f, pointer, sizeof pointer - 1);
    expect_error(f, 0, 0,
                 "expected a safetensors file, got a git-lfs pointer; run \"git lfs pull\" in the "
                 "dataset");
}

static void test_header_types(void **state) {
    fixture *f = *state;
    expect_header_error(f, "[1]", 0, 1, "expected a header that is an object, got an array");
    expect_header_error(f, "{\"a\":3}", 0, 6, "a: expected an object, got 3");
    expect_header_error(f, "{\"__metadata__\":[]}", 0, 17,
                        "__metadata__: expected an object of strings, got an array");
    expect_header_error(f, "{\"__metadata__\":{\"k\":1}}", 0, 22,
                        "__metadata__.k: expected a string, got 1");
    /* Syntax and duplicate names are the JSON reader's; here only that they are refused. */
    static const char *const broken[] = {
        "{", "{}x", "xx",
        "{\"a\":{\"dtype\":\"I8\",\"shape\":[1],\"data_offsets\":[0,1]},"
        "\"a\":{\"dtype\":\"I8\",\"shape\":[1],\"data_offsets\":[0,1]}}"};
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        tm_diag *diag = tm_diag_create(f->arena);
        write_file(f, broken[i], 1);
        assert_null(tm_safetensors_open(f->arena, f->path, diag));
        assert_true(tm_diag_count(diag, TM_DIAG_ERROR) > 0);
    }
}

static void test_missing_members(void **state) {
    fixture *f = *state;
    write_file(f, "{\"a\":{}}", 0);
    assert_null(tm_safetensors_open(f->arena, f->path, f->diag));
    assert_int_equal(tm_diag_count(f->diag, TM_DIAG_ERROR), 3); /* dtype, shape, data_offsets */
    tm_diag *diag = tm_diag_create(f->arena);
    write_file(f, "{\"a\":{\"dtype\":1,\"shape\":\"2\",\"data_offsets\":{}}}", 0);
    assert_null(tm_safetensors_open(f->arena, f->path, diag));
    assert_int_equal(tm_diag_count(diag, TM_DIAG_ERROR), 3);
}

static void test_shapes(void **state) {
    fixture *f = *state;
    expect_header_error(f, "{\"a\":{\"dtype\":\"I8\",\"shape\":[-1],\"data_offsets\":[0,0]}}", 0,
                        29, "a.shape: expected an integer of at least 0, got -1");
    expect_header_error(f, "{\"a\":{\"dtype\":\"I8\",\"shape\":[1.5],\"data_offsets\":[0,0]}}", 0,
                        29, "a.shape: expected an integer of at least 0, got 1.5");
    expect_header_error(
        f, "{\"a\":{\"dtype\":\"I8\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,0]}}", 0,
        28, "a.shape: expected a size below 2^63 elements, got more");
    /* 2^62 elements of 8 bytes: the elements fit, their bytes do not. */
    expect_header_error(
        f, "{\"a\":{\"dtype\":\"I64\",\"shape\":[4611686018427387904],\"data_offsets\":[0,0]}}", 0,
        6, "a: expected the bytes of 4611686018427387904 elements of I64, got 0 bytes");
    expect_header_error(f,
                        "{\"a\":{\"dtype\":\"I8\",\"shape\":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1],"
                        "\"data_offsets\":[0,1]}}",
                        1, 28, "a.shape: expected at most 16 dimensions, got 17");
    expect_header_error(f, "{\"a\":{\"dtype\":\"F16\",\"shape\":[3],\"data_offsets\":[0,4]}}", 4, 6,
                        "a: expected the bytes of 3 elements of F16, got 4 bytes");
}

static void test_offsets(void **state) {
    fixture *f = *state;
    expect_header_error(f, "{\"a\":{\"dtype\":\"I8\",\"shape\":[4],\"data_offsets\":[0]}}", 4, 47,
                        "a.data_offsets: expected [begin, end], got 1 values");
    expect_header_error(f, "{\"a\":{\"dtype\":\"I8\",\"shape\":[4],\"data_offsets\":[-4,0]}}", 4,
                        48, "a.data_offsets: expected an integer of at least 0, got -4");
    expect_header_error(f, "{\"a\":{\"dtype\":\"I8\",\"shape\":[4],\"data_offsets\":[0,5]}}", 4, 47,
                        "a.data_offsets: expected 0 <= begin <= end <= 4 (the bytes behind the "
                        "header), got [0, 5]; the file may be cut short");
    expect_header_error(
        f, "{\"a\":{\"dtype\":\"I8\",\"shape\":[4],\"data_offsets\":[0,9223372036854775807]}}", 4,
        47,
        "a.data_offsets: expected 0 <= begin <= end <= 4 (the bytes behind the header), got [0, "
        "9223372036854775807]; the file may be cut short");
    expect_header_error(f, "{\"a\":{\"dtype\":\"I8\",\"shape\":[4],\"data_offsets\":[4,0]}}", 4, 47,
                        "a.data_offsets: expected 0 <= begin <= end <= 4 (the bytes behind the "
                        "header), got [4, 0]; the file may be cut short");
}

static void test_coverage(void **state) {
    fixture *f = *state;
    expect_header_error(f,
                        "{\"a\":{\"dtype\":\"I8\",\"shape\":[4],\"data_offsets\":[0,4]},"
                        "\"b\":{\"dtype\":\"I8\",\"shape\":[4],\"data_offsets\":[3,7]}}",
                        7, 58,
                        "b: expected data that begins at byte 4, where the tensor before it ends, "
                        "got byte 3: two tensors overlap");
    expect_header_error(f,
                        "{\"b\":{\"dtype\":\"I8\",\"shape\":[4],\"data_offsets\":[5,9]},"
                        "\"a\":{\"dtype\":\"I8\",\"shape\":[4],\"data_offsets\":[0,4]}}",
                        9, 6,
                        "b: expected data that begins at byte 4, where the tensor before it ends, "
                        "got byte 5: there is a hole");
    expect_header_error(f, "{\"a\":{\"dtype\":\"I8\",\"shape\":[1],\"data_offsets\":[1,2]}}", 2, 6,
                        "a: expected data that begins at byte 0, where the tensor before it ends, "
                        "got byte 1: there is a hole");
    expect_header_error(f, "{\"a\":{\"dtype\":\"I8\",\"shape\":[4],\"data_offsets\":[0,4]}}", 6, 0,
                        "expected 4 bytes of data behind the header, as its tensors have, got 6");
    expect_header_error(f, "{}", 1, 0,
                        "expected 0 bytes of data behind the header, as its tensors have, got 1");
}

/* What is laid out is read back as it was meant, wide elements first and every tensor aligned. */
static void test_laid_out(void **state) {
    fixture *f = *state;
    tm_safetensor tensors[] = {
        {.name = "odd", .dtype = TM_DTYPE_BOOL, .rank = 1, .shape = {3}},
        {.name = "half", .dtype = TM_DTYPE_BFLOAT16, .rank = 2, .shape = {3, 1}},
        {.name = "empty", .dtype = TM_DTYPE_INT32, .rank = 2, .shape = {0, 7}},
        {.name = "point", .dtype = TM_DTYPE_INT64, .rank = 0},
        {.name = "a \"word\"", .dtype = TM_DTYPE_INT32, .rank = 1, .shape = {2}},
        {.name = "packed", .dtype = TM_DTYPE_FLOAT4_E2M1, .rank = 1, .shape = {4}},
    };
    size_t count = sizeof tensors / sizeof *tensors, length;
    char *file = tm_safetensors_lay_out(tensors, count, &length);
    assert_non_null(file);
    for (size_t i = 0; i < count; i++) {
        char *data = tm_safetensors_data(file, &tensors[i]);
        assert_int_equal((uintptr_t)data % (((size_t)tm_dtype_bits(tensors[i].dtype) + 7) / 8), 0);
        assert_in_range(data - file + (ptrdiff_t)tensors[i].bytes, 8, length);
        memset(data, 'a' + (int)i, tensors[i].bytes);
    }
    write_bytes(f, file, length);
    tm_safetensors *opened = tm_safetensors_open(f->arena, f->path, f->diag);
    assert_non_null(opened);
    assert_int_equal(tm_safetensors_list(opened, &(const tm_safetensor *){NULL}), count);
    for (size_t i = 0; i < count; i++) {
        const tm_safetensor *found = tm_safetensors_find(opened, tensors[i].name);
        assert_non_null(found);
        assert_true(found->dtype_known && found->dtype == tensors[i].dtype);
        assert_int_equal(found->rank, tensors[i].rank);
        assert_memory_equal(found->shape, tensors[i].shape, sizeof found->shape);
        assert_int_equal(found->bytes, tensors[i].bytes);
        for (size_t b = 0; b < found->bytes; b++)
            assert_int_equal(((const char *)found->data)[b], 'a' + (int)i);
    }
    tm_safetensors_close(opened);
    free(file);
    /* Sizes that do not fit. */
    tensors[1].shape[0] = INT64_MAX;
    assert_null(tm_safetensors_lay_out(tensors, count, &length));
    assert_int_equal(errno, EOVERFLOW);
    tensors[1].shape[0] = -1;
    assert_null(tm_safetensors_lay_out(tensors, count, &length));
    assert_int_equal(errno, EOVERFLOW);
}

#define CASE(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void) {
    const struct CMUnitTest tests[] = {
        CASE(test_reads),   CASE(test_empty_header), CASE(test_no_file),         CASE(test_length),
        CASE(test_git_lfs), CASE(test_header_types), CASE(test_missing_members), CASE(test_shapes),
        CASE(test_offsets), CASE(test_coverage),     CASE(test_laid_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
