#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/arena.h"
#include "lib/diag.h"

typedef struct {
    tm_arena *arena;
    tm_diag *diag;
} fixture;

static int setup(void **state) {
    fixture *made = malloc(sizeof *made);
    made->arena = tm_arena_create();
    made->diag = tm_diag_create(made->arena);
    *state = made;
    return 0;
}

static int teardown(void **state) {
    fixture *made = *state;
    tm_arena_destroy(made->arena);
    free(made);
    return 0;
}

static tm_source source_of(const char *path, const char *text) {
    return (tm_source){path, text, strlen(text)};
}

/* Asserts what is printed from `least` upwards. */
static void assert_prints(const tm_diag *diag, tm_diag_severity least, const char *expected) {
    char *printed = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&printed, &length);
    tm_diag_print(diag, least, stream);
    fclose(stream);
    assert_string_equal(printed, expected);
    free(printed);
}

static void test_prints_place_where_and_caret(void **state) {
    fixture *made = *state;
    tm_source source = source_of("a.json", "{\n\t\"axes\": 3\n}\n");
    tm_diag_error(made->diag, ((tm_place){&source, 11}), "axes", "expected %s, got %d", "an object",
                  3);
    tm_diag_error(made->diag, ((tm_place){&source, TM_WHOLE_FILE}), NULL, "is faulty");
    tm_diag_error(made->diag, ((tm_place){NULL, 0}), "--rtol", "expected a number, got \"x\"");
    assert_prints(made->diag, TM_DIAG_NOTE,
                  "tracemill: error: --rtol: expected a number, got \"x\"\n"
                  "a.json: error: is faulty\n"
                  "a.json:2:10: error: axes: expected an object, got 3\n"
                  "     \"axes\": 3\n"
                  "             ^\n");
}

static void test_sorts_and_prints_equal_ones_once(void **state) {
    fixture *made = *state;
    tm_source b = source_of("b", "1\n2\n3\n"), a = source_of("a", "x y\n");
    tm_diag_error(made->diag, ((tm_place){&b, 4}), NULL, "third");
    tm_diag_add(made->diag, TM_DIAG_WARNING, (tm_place){&b, 0}, NULL, "zebra");
    tm_diag_error(made->diag, ((tm_place){&b, 0}), NULL, "apple");
    tm_diag_add(made->diag, TM_DIAG_WARNING, (tm_place){&b, 0}, NULL, "zebra");
    tm_diag_add(made->diag, TM_DIAG_NOTE, (tm_place){&a, 2}, NULL, "right");
    tm_diag_add(made->diag, TM_DIAG_WARNING, (tm_place){&a, 0}, NULL, "left");
    tm_diag_error(made->diag, ((tm_place){&b, 4}), NULL, "third");
    assert_prints(made->diag, TM_DIAG_NOTE,
                  "a:1:1: warning: left\n    x y\n    ^\n"
                  "a:1:3: note: right\n    x y\n      ^\n"
                  "b:1:1: warning: zebra\n    1\n    ^\n"
                  "b:1:1: error: apple\n    1\n    ^\n"
                  "b:3:1: error: third\n    3\n    ^\n");
    assert_prints(made->diag, TM_DIAG_ERROR,
                  "b:1:1: error: apple\n    1\n    ^\n"
                  "b:3:1: error: third\n    3\n    ^\n");
    assert_int_equal(tm_diag_count(made->diag, TM_DIAG_ERROR), 3);
    assert_int_equal(tm_diag_count(made->diag, TM_DIAG_WARNING), 3);
    assert_int_equal(tm_diag_count(made->diag, TM_DIAG_NOTE), 1);
    const tm_diag_entry *entries;
    assert_int_equal(tm_diag_entries(made->diag, &entries), 7);
    assert_string_equal(entries[0].message, "third");
    assert_int_equal(entries[4].severity, TM_DIAG_NOTE);
}

static void test_prints_nothing_of_nothing(void **state) {
    fixture *made = *state;
    assert_prints(made->diag, TM_DIAG_NOTE, "");
}

static void test_cuts_long_lines_around_the_place(void **state) {
    fixture *made = *state;
    char text[1001];
    for (size_t i = 0; i < 1000; i++)
        text[i] = (char)('0' + i % 10);
    text[1000] = '\0';
    tm_source source = {"long", text, 1000};
    for (size_t offset = 0; offset <= 1000; offset++)
        tm_diag_error(made->diag, ((tm_place){&source, offset}), NULL, "here");
    const tm_diag_entry *entries;
    size_t count = tm_diag_entries(made->diag, &entries);
    assert_int_equal(count, 1001);
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(entries[i].excerpt);
        assert_true(length >= 120 && length <= 126);
        assert_in_range(entries[i].caret, 0, length);
        /* The caret points at the very byte. */
        if (i < 1000)
            assert_int_equal(entries[i].excerpt[entries[i].caret], text[i]);
        assert_int_equal(entries[i].column, i + 1);
    }
    assert_memory_equal(entries[500].excerpt, "...", 3);
    assert_string_equal(entries[500].excerpt + strlen(entries[500].excerpt) - 3, "...");
    assert_int_equal(entries[0].excerpt[0], '0');
    assert_int_equal(entries[1000].excerpt[strlen(entries[1000].excerpt) - 1], '9');
}

static void test_excerpt_is_one_column_per_character(void **state) {
    fixture *made = *state;
    /* A two-byte character, a broken byte, an escape byte and a carriage return. */
    tm_source source = source_of("u", "\xc3\xa9\xff\x1b[31mX\r\nnext");
    tm_diag_error(made->diag, ((tm_place){&source, 8}), NULL, "a\nb");
    assert_prints(made->diag, TM_DIAG_ERROR,
                  "u:1:9: error: a?b\n    \xc3\xa9? [31mX\n           ^\n");
}

static void test_empty_line_has_no_excerpt(void **state) {
    fixture *made = *state;
    tm_source source = source_of("e", "a\n");
    tm_diag_error(made->diag, ((tm_place){&source, 2}), NULL, "end");
    tm_diag_error(made->diag, ((tm_place){&source, 99}), NULL, "beyond the end");
    assert_prints(made->diag, TM_DIAG_ERROR,
                  "e:2:1: error: end\n"
                  "e:2:1: error: beyond the end\n");
}

static void test_resolves_lines_and_columns(void **state) {
    (void)state;
    tm_source source = source_of("r", "ab\n\ncd");
    static const int expected[][2] = {{1, 1}, {1, 2}, {1, 3}, {2, 1}, {3, 1}, {3, 2}, {3, 3}};
    for (size_t offset = 0; offset < 7; offset++) {
        int line, column;
        tm_place_resolve((tm_place){&source, offset}, &line, &column);
        assert_int_equal(line, expected[offset][0]);
        assert_int_equal(column, expected[offset][1]);
    }
    int line = 7, column = 7;
    tm_place_resolve((tm_place){&source, TM_WHOLE_FILE}, &line, &column);
    assert_int_equal(line, 0);
    tm_place_resolve((tm_place){NULL, 3}, &line, &column);
    assert_int_equal(column, 0);
}

/* Two files of a million lines, faults in turn and backwards: reading each file once per fault
 * would take hours. */
static void test_many_diagnostics_stay_linear(void **state) {
    fixture *made = *state;
    enum { ROWS = 1000000, FAULTS = 100000 };
    char *text = malloc(ROWS * 8 + 1);
    for (size_t i = 0; i < ROWS; i++)
        memcpy(text + i * 8, "{\"a\":1}\n", 8);
    text[ROWS * 8] = '\0';
    tm_source sources[2] = {{"one", text, ROWS * 8}, {"two", text, ROWS * 8}};
    for (size_t i = 0; i < FAULTS; i++) {
        size_t row = ROWS - 1 - i * 7;
        tm_diag_error(made->diag, ((tm_place){&sources[i % 2], row * 8 + 5}), "a", "is faulty");
    }
    const tm_diag_entry *entries;
    size_t count = tm_diag_entries(made->diag, &entries);
    assert_int_equal(count, FAULTS);
    for (size_t i = 0; i < count; i++) {
        if (entries[i].line != (int)(ROWS - i * 7) || entries[i].column != 6)
            fail_msg("fault %zu is at %d:%d", i, entries[i].line, entries[i].column);
    }
    free(text);
}

/* A name of a megabyte, in the path or in the words, makes a message of a line. */
static void test_long_messages_are_cut(void **state) {
    fixture *made = *state;
    tm_source source = source_of("f", "\nx");
    static char name[3001], expected[2100];
    for (size_t i = 0; i + 2 < sizeof name; i += 2)
        memcpy(name + i, "\xc3\xa9", 2);
    tm_diag_error(made->diag, ((tm_place){&source, 1}), name, "got \"%s\"", name);
    tm_diag_error(made->diag, ((tm_place){&source, 1}), "w", "%.1996s", name);
    tm_diag_error(made->diag, ((tm_place){&source, 1}), "w", "%.1998s", name);
    const tm_diag_entry *entries;
    assert_int_equal(tm_diag_entries(made->diag, &entries), 3);
    /* 300 bytes for the path and 2000 in all, less what would cut a character in two. */
    snprintf(expected, sizeof expected, "%.298s...: got \"%.1688s...", name, name);
    assert_string_equal(entries[0].message, expected);
    snprintf(expected, sizeof expected, "w: %.1996s", name);
    assert_string_equal(entries[1].message, expected);
    snprintf(expected, sizeof expected, "w: %.1994s...", name);
    assert_string_equal(entries[2].message, expected);
    assert_int_equal(tm_diag_line(made->diag, (tm_place){&source, 1}), 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_prints_place_where_and_caret, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sorts_and_prints_equal_ones_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_prints_nothing_of_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cuts_long_lines_around_the_place, setup, teardown),
        cmocka_unit_test_setup_teardown(test_excerpt_is_one_column_per_character, setup, teardown),
        cmocka_unit_test_setup_teardown(test_empty_line_has_no_excerpt, setup, teardown),
        cmocka_unit_test_setup_teardown(test_resolves_lines_and_columns, setup, teardown),
        cmocka_unit_test_setup_teardown(test_many_diagnostics_stay_linear, setup, teardown),
        cmocka_unit_test_setup_teardown(test_long_messages_are_cut, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
