/* toml: what each value becomes, where it stands, and the whole text of each refusal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/toml.h"

typedef struct {
    tm_arena *arena;
    const tm_node *root; /* NULL after an error */
    char *messages;      /* all that was printed */
} parsed;

static parsed parse_bytes(const char *text, size_t length) {
    parsed result = {.arena = tm_arena_create()};
    tm_source *source = tm_arena_alloc(result.arena, sizeof *source);
    *source = (tm_source){"c.toml", tm_arena_copy(result.arena, text, length), length};
    tm_diag *diag = tm_diag_create(result.arena);
    result.root = tm_toml_parse(result.arena, source, diag);
    size_t printed;
    FILE *stream = open_memstream(&result.messages, &printed);
    assert_non_null(stream);
    tm_diag_print(diag, TM_DIAG_NOTE, stream);
    fclose(stream);
    return result;
}

static void finish(parsed *result) {
    free(result->messages);
    tm_arena_destroy(result->arena);
}

static parsed parse_good(const char *text) {
    parsed result = parse_bytes(text, strlen(text));
    assert_string_equal(result.messages, "");
    assert_non_null(result.root);
    return result;
}

static void test_values(void **state) {
    (void)state;
    parsed good = parse_good("# of the kit\r\n"
                             "top = true # yes\n"
                             "\n"
                             "[solution]\n"
                             "\tname = \"a \\\"b\\\" \\\\ \\u00e9\\U0001F600\\n\"\r\n"
                             "\"quoted key\" = 'as it \\n stands'\n"
                             "[ build ]\n"
                             "off=false\n"
                             "n = -1_000\n"
                             "x = +2.5e-1\n"
                             "list = [ 'a', # first\n\n  \"b\", ]\n"
                             "none = []\n"
                             "nested = [[1, 2], [3]]");
    const tm_node *root = good.root;
    assert_int_equal(root->count, 3);
    assert_true(tm_node_get(root, "top")->boolean);
    const tm_node *solution = tm_node_get(root, "solution");
    assert_string_equal(tm_node_get(solution, "name")->string,
                        "a \"b\" \\ \xc3\xa9\xf0\x9f\x98\x80\n");
    assert_string_equal(tm_node_get(solution, "quoted key")->string, "as it \\n stands");
    const tm_node *build = tm_node_get(root, "build");
    assert_int_equal(build->count, 6);
    assert_int_equal(tm_node_get(build, "off")->type, TM_NODE_BOOL);
    assert_false(tm_node_get(build, "off")->boolean);
    assert_true(tm_node_get(build, "n")->is_integer);
    assert_int_equal(tm_node_get(build, "n")->integer, -1000);
    assert_false(tm_node_get(build, "x")->is_integer);
    assert_true(tm_node_get(build, "x")->number == 0.25);
    const tm_node *list = tm_node_get(build, "list");
    assert_int_equal(list->count, 2);
    assert_string_equal(list->child->next->string, "b");
    assert_int_equal(tm_node_get(build, "none")->count, 0);
    assert_int_equal(tm_node_get(build, "nested")->child->count, 2);
    int line, column;
    tm_place_resolve(list->child->next->place, &line, &column);
    assert_int_equal(line, 13);
    assert_int_equal(column, 3);
    tm_place_resolve(tm_node_key_place(tm_node_get(build, "off")), &line, &column);
    assert_int_equal(line, 8);
    assert_int_equal(column, 1);
    finish(&good);
    parsed empty = parse_good("");
    assert_int_equal(empty.root->count, 0);
    finish(&empty);
}

static void test_refusals(void **state) {
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"a", "1:2: error: expected '=', got the end of the file"},
        {"a = ", "1:5: error: expected a decimal number, a string in quotes, true, false or an "
                 "array, got the end of the file"},
        {"a = cuda", "1:5: error: expected a decimal number, a string in quotes, true, false or an "
                     "array, got 'c'"},
        {"a = 012", "1:5: error: expected a decimal number, a string in quotes, true, false or an "
                    "array, got '0'"},
        {"a = 1__0", "1:5: error: expected a decimal number, a string in quotes, true, false or "
                     "an array, got '1'"},
        {"a = 99999999999999999999", "1:5: error: expected a decimal number, a string in quotes, "
                                     "true, false or an array, got '9'"},
        {"a = 1 b = 2", "1:7: error: expected the end of the line, got 'b'"},
        {"a = \"x", "1:7: error: expected a closing \", got the end of the file"},
        {"a = 'x\n'", "1:7: error: expected a closing ', got the end of the line"},
        {"a = \"\\q\"", "1:6: error: expected one of \\b \\t \\n \\f \\r \\\" \\\\ \\uXXXX "
                        "\\UXXXXXXXX, got '\\'"},
        {"a = \"\\ud800\"", "1:6: error: expected a character other than NUL and the surrogates, "
                            "got '\\'"},
        {"a = \"\\u00\"", "1:6: error: expected \\u with four hexadecimal digits, got '\\'"},
        {"a = [1 2]", "1:8: error: expected ',' or ']', got '2'"},
        {"a = [1,", "1:8: error: expected a decimal number, a string in quotes, true, false or an "
                    "array, got the end of the file"},
        {"a = 1\na = 2", "2:1: error: expected each key once, got \"a\" again; remove one"},
        {"[a]\n[a]", "2:2: error: expected each key once, got \"a\" again; remove one"},
        {"[a", "1:3: error: expected ']', got the end of the file"},
        {"[a.b]", "1:3: error: dotted keys and nested tables are not read here; write a table of "
                  "one level"},
        {"[[a]]", "1:1: error: arrays of tables are not read here; write a [table]"},
        {"a = {b = 1}", "1:5: error: inline tables are not read here; write a [table]"},
        {"a = \"\"\"x\"\"\"", "1:5: error: strings of several lines are not read here; write it "
                              "in one line, with \\n between its parts"},
        {"= 1", "1:1: error: expected a key, \"[table]\" or a comment, got '='"},
        {"a = 1\v", "1:6: error: expected the end of the line, got a control character"},
        {"a = '\xff'", "1:6: error: expected UTF-8 without NUL, got byte 0xff; save the file as "
                       "UTF-8"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        parsed result = parse_bytes(cases[i].text, strlen(cases[i].text));
        assert_null(result.root);
        char expected[256];
        int length = snprintf(expected, sizeof expected, "c.toml:%s\n", cases[i].message);
        assert_true(length > 0 && (size_t)length < sizeof expected);
        /* the source line and the caret stand below */
        assert_string_equal(strtok(result.messages, "\n"), strtok(expected, "\n"));
        finish(&result);
    }
    parsed nul = parse_bytes("a = 1\n\0", 7);
    assert_null(nul.root);
    finish(&nul);
    char deep[100] = "a = ";
    memset(deep + 4, '[', 40);
    parsed nested = parse_bytes(deep, strlen(deep));
    assert_null(nested.root);
    assert_non_null(strstr(nested.messages, "expected at most 32 arrays within each other"));
    finish(&nested);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
