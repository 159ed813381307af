/* test_table: tables that fit what they are written to, and what a terminal says of itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <fcntl.h>
#include <sys/ioctl.h>

#include <cmocka.h>

#include "lib/arena.h"
#include "reports/figure.h"
#include "reports/table.h"
#include "reports/terminal.h"

static int set_up(void **state) {
    *state = tm_arena_create();
    return 0;
}

static int tear_down(void **state) {
    tm_arena_destroy(*state);
    return 0;
}

static const char *print(tm_arena *arena, const tm_table *table, size_t width) {
    const tm_terminal terminal = {width, width, false};
    tm_text text = {0};
    tm_table_print(table, &terminal, &text);
    const char *result = tm_arena_copy(arena, tm_text_get(&text), text.length);
    tm_text_free(&text);
    return result;
}

/* Columns, not bytes and not characters. */
static void test_width(void **state) {
    tm_arena *arena = *state;
    assert_int_equal(tm_figure_width("gémm"), 4);
    assert_int_equal(tm_figure_width("融合_gemm"), 9);
    assert_int_equal(tm_figure_width("e\u0301"), 1);
    assert_int_equal(tm_figure_width("🚀"), 2);
    assert_int_equal(tm_figure_width("\xff\xc3"), 2);
    assert_string_equal(tm_figure_cut(arena, "äöüäöü", 5), "äöü..");
    assert_string_equal(tm_figure_cut(arena, "äöüäö", 5), "äöüäö");
    assert_string_equal(tm_figure_cut(arena, "融合融合", 7), "融合..");
    assert_string_equal(tm_figure_cut(arena, "融合融合", 6), "融合..");
    assert_string_equal(tm_figure_cut(arena, "融合融合", 5), "融..");
    assert_string_equal(tm_figure_middle(arena, "gemm_fast_h4096", 15), "gemm_fast_h4096");
    assert_string_equal(tm_figure_middle(arena, "gemm_fast_h4096", 10), "gemm..4096");
    assert_string_equal(tm_figure_middle(arena, "gemm_fast_h4096", 9), "gemm..096");
    assert_string_equal(tm_figure_middle(arena, "融合融合", 7), "融..合");
    assert_string_equal(tm_figure_middle(arena, "abcdefe\u0301g", 6), "ab..e\u0301g");
    assert_int_equal(tm_figure_break("融合 融合", 7), 6);
    assert_string_equal(tm_figure_wrap(arena, "one two three", 13, 2), "one two three");
    assert_string_equal(tm_figure_wrap(arena, "one two three", 8, 2), "one two\n  three");
    assert_string_equal(tm_figure_wrap(arena, "one two three", 6, 2), "one\n  two\n  thre\n  e");
}

static void test_table(void **state) {
    static const tm_table_column columns[] = {
        {.title = "name"}, {.title = "n", .to_the_right = true}, {.title = "note"}};
    tm_table *table = tm_table_create(*state, columns, 3, 5);
    tm_table_add_heading(table, "a heading that is wider than the columns");
    tm_table_add(table, (const char *const[]){"é", "1", "x"});
    tm_table_add(table, (const char *const[]){"合", "1", "x"});
    tm_table_add_note(table, "is not the last one");
    tm_table_add(table, (const char *const[]){"longer", "100", ""});
    assert_string_equal(print(*state, table, 100), "name      n  note\n"
                                                   "a heading that is wider than the columns\n"
                                                   "é         1  x\n"
                                                   "合        1  x\n"
                                                   "    is not the last one\n"
                                                   "longer  100\n");
    assert_string_equal(print(*state, table, 17), "name      n  note\n"
                                                  "a heading that ..\n"
                                                  "é         1  x\n"
                                                  "合        1  x\n"
                                                  "    is not the ..\n"
                                                  "longer  100\n");
}

/* The longest is shortened first, then columns go in their order, and only then it is too wide. */
static void test_fit(void **state) {
    static const tm_table_column columns[] = {{.title = "name", .least = 6},
                                              {.title = "by", .least = 4, .drop = 1},
                                              {.title = "ms", .to_the_right = true},
                                              {.title = "p", .to_the_right = true, .drop = 2}};
    tm_table *table = tm_table_create(*state, columns, 4, 2);
    tm_table_add(table, (const char *const[]){"abcdefghijkl", "somebody", "1.5", "0.01"});
    tm_table_add(table, (const char *const[]){"short", "me", "2", ""});
    assert_string_equal(print(*state, table, 33), "name          by         ms     p\n"
                                                  "abcdefghijkl  somebody  1.5  0.01\n"
                                                  "short         me          2\n");
    assert_string_equal(print(*state, table, 30), "name       by         ms     p\n"
                                                  "abcd..jkl  somebody  1.5  0.01\n"
                                                  "short      me          2\n");
    assert_string_equal(print(*state, table, 22), "name     by         ms\n"
                                                  "abc..kl  somebody  1.5\n"
                                                  "short    me          2\n");
    assert_string_equal(print(*state, table, 12), "name      ms\n"
                                                  "abc..kl  1.5\n"
                                                  "short      2\n");
    assert_string_equal(print(*state, table, 5), "name     ms\n"
                                                 "ab..kl  1.5\n"
                                                 "short     2\n");
}

static void test_style(void **state) {
    static const tm_table_column columns[] = {{.title = "status"}, {.title = "cell"}};
    const tm_terminal terminal = {40, 40, true};
    tm_table *table = tm_table_create(*state, columns, 2, 2);
    tm_table_add(table, (const char *const[]){"PASSED", "a"});
    tm_table_style(table, 0, TM_STYLE_GOOD);
    tm_text text = {0};
    tm_table_print(table, &terminal, &text);
    assert_string_equal(tm_text_get(&text), "\x1b[2mstatus\x1b[0m  \x1b[2mcell\x1b[0m\n"
                                            "\x1b[32mPASSED\x1b[0m  a\n");
    tm_text_free(&text);
    assert_string_equal(print(*state, table, 40), "status  cell\nPASSED  a\n");
}

static tm_terminal look(tm_arena *arena, int descriptor, const char *colour) {
    tm_terminal terminal;
    tm_diag *diag = tm_diag_create(arena);
    assert_true(tm_terminal_look(diag, descriptor, colour, &terminal));
    assert_int_equal(tm_diag_count(diag, TM_DIAG_NOTE), 0);
    return terminal;
}

static void test_terminal(void **state) {
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    unsetenv("COLUMNS");
    unsetenv("NO_COLOR");
    setenv("TERM", "xterm", 1);
    tm_terminal to = look(*state, ends[1], NULL);
    assert_int_equal(to.width, tm_terminal_file.width);
    assert_true(to.table_width >= 1000); /* whoever looks for a name finds it */
    assert_int_equal(tm_terminal_name_width(&to, 20), to.table_width);
    assert_int_equal(tm_terminal_name_width(&tm_terminal_file, 20), 20);
    assert_false(to.has_colour);
    assert_true(look(*state, ends[1], "always").has_colour);
    assert_false(look(*state, ends[1], "auto").has_colour);
    setenv("COLUMNS", "132", 1);
    assert_int_equal(look(*state, ends[1], NULL).width, 132);
    assert_int_equal(look(*state, ends[1], NULL).table_width, 132);
    setenv("COLUMNS", "3", 1);
    assert_int_equal(look(*state, ends[1], NULL).width, 40);
    setenv("COLUMNS", "wide", 1);
    assert_int_equal(look(*state, ends[1], NULL).width, tm_terminal_file.width);
    unsetenv("COLUMNS");
    tm_diag *diag = tm_diag_create(*state);
    assert_false(tm_terminal_look(diag, ends[1], "yes", &to));
    const tm_diag_entry *entries;
    assert_int_equal(tm_diag_entries(diag, &entries), 1);
    assert_string_equal(entries[0].message, "--color: expected auto, always or never, got \"yes\"");
    close(ends[0]);
    close(ends[1]);
}

/* A terminal of our own: 72 columns. */
static void test_pty(void **state) {
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    assert_true(master >= 0);
    assert_int_equal(grantpt(master), 0);
    assert_int_equal(unlockpt(master), 0);
    int slave = open(ptsname(master), O_RDWR | O_NOCTTY);
    assert_true(slave >= 0);
    const struct winsize size = {.ws_col = 72, .ws_row = 24};
    assert_int_equal(ioctl(master, TIOCSWINSZ, &size), 0);
    unsetenv("COLUMNS");
    unsetenv("NO_COLOR");
    setenv("TERM", "xterm", 1);
    tm_terminal to = look(*state, slave, NULL);
    assert_int_equal(to.width, 72);
    assert_true(to.has_colour);
    assert_false(look(*state, slave, "never").has_colour);
    setenv("TERM", "dumb", 1);
    assert_false(look(*state, slave, NULL).has_colour);
    setenv("TERM", "xterm", 1);
    setenv("NO_COLOR", "1", 1);
    assert_false(look(*state, slave, NULL).has_colour);
    setenv("NO_COLOR", "", 1);
    assert_true(look(*state, slave, NULL).has_colour);
    close(slave);
    close(master);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_width, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_table, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_fit, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_style, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_terminal, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_pty, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
