/* test_variants: tables of macro values and the axes that are compiled in, and each complaint about
 * either. */
#include "tests/unit/model_check.h"

#include "lib/solution.h"

#define SOLUTION                                                                           \
    "{'name': 'a', 'definition': 'd', 'author': 'x', 'sources': [{'path': 'a.c'}],\n"      \
    " 'spec': {'language': 'c', 'target_hardware': ['cpu'], 'entry_point': 'a.c::run'},\n" \
    " 'tracemill': {\n"                                                                    \
    "TRACEMILL}}"

static const tm_solution *parse(tm_node_reader *reader, const char *tracemill) {
    const char *text = model_replace(reader, SOLUTION, "TRACEMILL", tracemill);
    const tm_solution *solution = tm_solution_parse(reader, model_parse(reader, text), "f");
    assert_string_equal(model_messages(reader), "");
    assert_non_null(solution);
    return solution;
}

static void check_suffixes(const char *tracemill, const char *const *suffixes, size_t count) {
    tm_node_reader reader = model_begin();
    const tm_solution *solution = parse(&reader, tracemill);
    assert_int_equal(solution->variant_count, count);
    for (size_t i = 0; i < count; i++)
        assert_string_equal(solution->variants[i].suffix, suffixes[i]);
    model_end(&reader);
}

static void test_products(void **state) {
    (void)state;
    const char *const all[] = {"+M=64+S=2", "+M=64+S=3", "+M=128+S=2", "+M=128+S=3"};
    check_suffixes("'variants': {'M': [64, 128], 'S': [2, 3]}", all, 4);
    const char *const words[] = {"+T=float", "+T=0.5f", "+T=-1"};
    check_suffixes("'variants': {'T': ['float', '0.5f', -1]}", words, 3);
    check_suffixes("'variants': null", NULL, 0);
    check_suffixes("'generic': true", NULL, 0);
}

/* The order of macros is that of the first row. */
static void test_rows(void **state) {
    (void)state;
    const char *const rows[] = {"+B=1+A=2", "+B=3+A=4"};
    check_suffixes("'variants': [{'B': 1, 'A': 2}, {'A': 4, 'B': 3}]", rows, 2);
}

static void test_macros(void **state) {
    (void)state;
    tm_node_reader reader = model_begin();
    const tm_variant *last =
        &parse(&reader, "'variants': {'M': [1, 2], 'T': ['x', 'y']}")->variants[3];
    assert_int_equal(last->macro_count, 2);
    assert_string_equal(last->macros[0].name, "M");
    assert_string_equal(last->macros[0].value, "2");
    assert_int_equal(last->macros[0].node->type, TM_NODE_NUMBER);
    assert_string_equal(last->macros[1].name, "T");
    assert_string_equal(last->macros[1].value, "y");
    model_end(&reader);
}

static void test_baked(void **state) {
    (void)state;
    tm_node_reader reader = model_begin();
    const tm_solution *solution = parse(&reader, "'compile_time_axes': ['m', 'n']");
    assert_int_equal(solution->baked_count, 2);
    assert_string_equal(solution->baked[0], "m");
    assert_string_equal(solution->baked[1], "n");
    assert_int_equal(parse(&reader, "'compile_time_axes': [], 'generic': true")->baked_count, 0);
    model_end(&reader);
}

static bool is_good(tm_node_reader *reader, const tm_node *node) {
    return tm_solution_parse(reader, node, "f") != NULL;
}

#define SEVENTEEN                                                                                \
    "'A': [1], 'B': [1], 'C': [1], 'D': [1], 'E': [1], 'F': [1], 'G': [1], 'H': [1], 'I': [1], " \
    "'J': [1], 'K': [1], 'L': [1], 'M': [1], 'N': [1], 'O': [1], 'P': [1], 'Q': [1]"

static void test_complaints_about_variants(void **state) {
    (void)state;
    static const model_case cases[] = {
        {"TRACEMILL", "'variants': 2",
         "4:13: error: tracemill.variants: expected macros with lists of values, or a list of "
         "rows, got 2; write for example {'TILE_M': [64, 128]}\n"},
        {"TRACEMILL", "'variants': {}",
         "4:13: error: tracemill.variants: expected at least one macro, got none; add one or "
         "remove the key\n"},
        {"TRACEMILL", "'variants': []",
         "4:13: error: tracemill.variants: expected at least one row, got none; add one or remove "
         "the key\n"},
        {"TRACEMILL", "'variants': {'M': 64}",
         "4:19: error: tracemill.variants.M: expected a list of values, got 64; write for example "
         "[64, 128]\n"},
        {"TRACEMILL", "'variants': {'M': []}",
         "4:19: error: tracemill.variants.M: expected at least one value, got none; add one or "
         "remove the key\n"},
        {"TRACEMILL", "'variants': {'M': [1, 2, 1]}",
         "4:26: error: tracemill.variants.M[2]: expected each value once, got 1 twice; remove "
         "one\n"},
        {"TRACEMILL", "'variants': {'M': [1, '1']}",
         "4:23: error: tracemill.variants.M[1]: expected each value once, got 1 twice; remove "
         "one\n"},
        {"TRACEMILL", "'variants': {'M': [1.0, 'a b', '', null, true]}",
         "4:20: error: tracemill.variants.M[0]: expected an integer, or a string of letters, "
         "digits, '_', '.' and '-', got 1 with a fraction or an exponent; write for example 64 or "
         "'0.5f'\n"
         "4:25: error: tracemill.variants.M[1]: expected an integer, or a string of letters, "
         "digits, '_', '.' and '-', got 'a b'; write for example 64 or '0.5f'\n"
         "4:32: error: tracemill.variants.M[2]: expected an integer, or a string of letters, "
         "digits, '_', '.' and '-', got ''; write for example 64 or '0.5f'\n"
         "4:36: error: tracemill.variants.M[3]: expected an integer, or a string of letters, "
         "digits, '_', '.' and '-', got null; write for example 64 or '0.5f'\n"
         "4:42: error: tracemill.variants.M[4]: expected an integer, or a string of letters, "
         "digits, '_', '.' and '-', got true; write for example 64 or '0.5f'\n"},
        {"TRACEMILL", "'variants': {'2M': [1], 'for': [1], 'TM_EPS': [1]}",
         "4:14: error: tracemill.variants.2M: expected a C identifier (letters, digits, _), got "
         "'2M'; rename it\n"
         "4:25: error: tracemill.variants.for: expected a name that C and C++ leave free, got the "
         "keyword 'for'; rename it\n"
         "4:37: error: tracemill.variants.TM_EPS: expected a macro of the solution's own, got "
         "'TM_EPS', and what begins with 'TM_' is contract.h's; rename it\n"},
        {"TRACEMILL", "'variants': {" SEVENTEEN "}",
         "4:13: error: tracemill.variants: expected at most 16 macros, got 17; leave some out\n"},
        {"TRACEMILL",
         "'variants': {'M': [1, 2, 3, 4, 5, 6, 7], 'N': [1, 2, 3, 4, 5, 6, 7], 'K': [1, 2, 3, 4, "
         "5, 6]}",
         "4:13: error: tracemill.variants: expected at most 256 combinations, got more; leave "
         "values out, or list the rows that matter\n"},
        {"TRACEMILL",
         "'variants': {'A_MACRO_WITH_A_VERY_LONG_NAME_INDEED': [1], "
         "'ANOTHER_MACRO_WITH_A_VERY_LONG_NAME': [2], 'A_THIRD_MACRO_WITH_A_VERY_LONG_NAME': [3], "
         "'YET_ANOTHER': [4]}",
         "4:13: error: tracemill.variants: expected values that make a name of at most 120 bytes, "
         "got "
         "'+A_MACRO_WITH_A_VERY_LONG_NAME_INDEED=1+ANOTHER_MACRO_WITH_A_VERY_LONG_NAME=2+A_THIRD_"
         "MACRO_WITH_A_VERY_LONG_NAME=3+YET_ANOTHER=4' of 129; shorten the macros' names\n"},
        {"TRACEMILL", "'variants': [1]",
         "4:14: error: tracemill.variants[0]: expected an object of macros, got 1; write for "
         "example {'TILE_M': 64}\n"},
        {"TRACEMILL", "'variants': [{}]",
         "4:14: error: tracemill.variants[0]: expected at least one macro, got none; add one or "
         "remove the key\n"},
        {"TRACEMILL", "'variants': [{'A': 1}, 2]",
         "4:24: error: tracemill.variants[1]: expected an object of macros, got 2; write for "
         "example {'TILE_M': 64}\n"},
        {"TRACEMILL", "'variants': [{'A': 1, 'B': 2}, {'A': 1}, {'A': 1, 'C': 2}]",
         "4:32: error: tracemill.variants[1]: expected the macros of the first row (A, B), got "
         "other ones; give each row a value for each\n"
         "4:42: error: tracemill.variants[2]: expected the macros of the first row (A, B), got "
         "other ones; give each row a value for each\n"},
        {"TRACEMILL", "'variants': [{'A': 1, 'B': 2}, {'B': 2, 'A': 1}]",
         "4:32: error: tracemill.variants[1]: expected each row once, got '+A=1+B=2' twice; remove "
         "one\n"},
        {"TRACEMILL", "'variants': [{'TM_A': 1}, {'TM_A': 2}]",
         "4:15: error: tracemill.variants[0].TM_A: expected a macro of the solution's own, got "
         "'TM_A', and what begins with 'TM_' is contract.h's; rename it\n"},
        {"TRACEMILL", "'variants': [{'A': [1]}]",
         "4:20: error: tracemill.variants[0].A: expected an integer, or a string of letters, "
         "digits, '_', '.' and '-', got an array; write for example 64 or '0.5f'\n"},
        {"TRACEMILL", "'variants': {'A': [1]}, 'role': 'reference'",
         "4:1: error: tracemill.variants: expected no such key in a reference, which serves all "
         "rows of its definitions with one shared object, got one; remove it\n"},
    };
    model_check_cases(SOLUTION, cases, sizeof cases / sizeof cases[0], is_good);
}

/* A table of 256 rows is taken, one of 257 is not. */
static void test_many_rows(void **state) {
    (void)state;
    for (int count = 256; count <= 257; count++) {
        tm_node_reader reader = model_begin();
        tm_text text = {0};
        tm_text_add(&text, "'variants': [");
        for (int i = 0; i < count; i++)
            tm_text_format(&text, "%s{'A': %d}", i > 0 ? "," : "", i);
        tm_text_add(&text, "]");
        const char *all = model_replace(&reader, SOLUTION, "TRACEMILL", tm_text_get(&text));
        const tm_solution *solution = tm_solution_parse(&reader, model_parse(&reader, all), "f");
        assert_string_equal(model_messages(&reader),
                            count == 256 ? ""
                                         : "4:13: error: tracemill.variants: expected at most 256 "
                                           "rows, got 257; leave some out\n");
        assert_int_equal(solution != NULL, count == 256);
        tm_text_free(&text);
        model_end(&reader);
    }
}

static void test_complaints_about_axes(void **state) {
    (void)state;
    static const model_case cases[] = {
        {"TRACEMILL", "'compile_time_axes': 'm'",
         "4:22: error: tracemill.compile_time_axes: expected an array, got 'm'\n"},
        {"TRACEMILL", "'compile_time_axes': ['m', 'n', 'm']",
         "4:33: error: tracemill.compile_time_axes[2]: expected each axis once, got 'm' twice; "
         "remove one\n"},
        {"TRACEMILL", "'compile_time_axes': ['m'], 'generic': true",
         "4:1: error: tracemill.compile_time_axes: expected no such key beside 'generic': true, "
         "which leaves even const axes to run time, got both; remove one\n"},
        {"TRACEMILL", "'compile_time_axes': ['m'], 'role': 'reference'",
         "4:1: error: tracemill.compile_time_axes: expected no such key in a reference, which "
         "serves all rows of its definitions with one shared object, got one; remove it\n"},
    };
    model_check_cases(SOLUTION, cases, sizeof cases / sizeof cases[0], is_good);
}

static void test_languages_without_macros(void **state) {
    (void)state;
    static const char text[] =
        "{'name': 'a', 'definition': 'd', 'author': 'x', 'sources': [{'path': 'a.py'}],\n"
        " 'spec': {'language': 'triton', 'target_hardware': ['cuda'], 'entry_point': 'a.py::r'},\n"
        " 'tracemill': {\n"
        "TRACEMILL}}";
    static const model_case cases[] = {
        {"TRACEMILL", "'variants': null, 'compile_time_axes': []", ""},
        {"TRACEMILL", "'variants': {'A': [1]}, 'compile_time_axes': ['m']",
         "4:25: error: tracemill.compile_time_axes: expected no such key beside language 'triton', "
         "which has no macros, got one; remove it\n"
         "4:1: error: tracemill.variants: expected no such key beside language 'triton', which has "
         "no macros, got one; remove it\n"},
    };
    model_check_cases(text, cases, sizeof cases / sizeof cases[0], is_good);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_products),
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_macros),
        cmocka_unit_test(test_baked),
        cmocka_unit_test(test_complaints_about_variants),
        cmocka_unit_test(test_many_rows),
        cmocka_unit_test(test_complaints_about_axes),
        cmocka_unit_test(test_languages_without_macros),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
