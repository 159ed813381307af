/* yaml: what each scalar becomes, where each node stands, and the whole text of each refusal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/yaml.h"

typedef struct {
    tm_arena *arena;
    tm_diag *diag;
    const tm_node *root; /* NULL after an error */
    char *messages;      /* all that was printed */
} parsed;

static parsed parse_bytes(const char *text, size_t length) {
    parsed result = {.arena = tm_arena_create()};
    tm_source *source = tm_arena_alloc(result.arena, sizeof *source);
    *source = (tm_source){"c.yaml", tm_arena_copy(result.arena, text, length), length};
    result.diag = tm_diag_create(result.arena);
    result.root = tm_yaml_parse(result.arena, source, result.diag);
    size_t printed;
    FILE *stream = open_memstream(&result.messages, &printed);
    assert_non_null(stream);
    tm_diag_print(result.diag, TM_DIAG_NOTE, stream);
    fclose(stream);
    return result;
}

static parsed parse(const char *text) {
    return parse_bytes(text, strlen(text));
}

static void finish(parsed *result) {
    free(result->messages);
    tm_arena_destroy(result->arena);
}

static void expect_error(const char *text, const char *messages) {
    parsed result = parse(text);
    assert_string_equal(result.messages, messages);
    assert_null(result.root);
    finish(&result);
}

static parsed parse_good(const char *text) {
    parsed result = parse(text);
    assert_string_equal(result.messages, "");
    assert_non_null(result.root);
    return result;
}

static void test_scalars(void **state) {
    (void)state;
    static const struct {
        const char *text;
        tm_node_type type;
        bool boolean, is_integer;
        double number;
    } cases[] = {
        {"", TM_NODE_NULL, false, false, 0},
        {"~", TM_NODE_NULL, false, false, 0},
        {"null", TM_NODE_NULL, false, false, 0},
        {"Null", TM_NODE_NULL, false, false, 0},
        {"NULL", TM_NODE_NULL, false, false, 0},
        {"true", TM_NODE_BOOL, true, false, 0},
        {"True", TM_NODE_BOOL, true, false, 0},
        {"TRUE", TM_NODE_BOOL, true, false, 0},
        {"false", TM_NODE_BOOL, false, false, 0},
        {"False", TM_NODE_BOOL, false, false, 0},
        {"FALSE", TM_NODE_BOOL, false, false, 0},
        {"0", TM_NODE_NUMBER, false, true, 0},
        {"-12", TM_NODE_NUMBER, false, true, -12},
        {"+12", TM_NODE_NUMBER, false, true, 12},
        {"010", TM_NODE_NUMBER, false, true, 10},
        {"0x1F", TM_NODE_NUMBER, false, true, 31},
        {"0o17", TM_NODE_NUMBER, false, true, 15},
        {"9223372036854775808", TM_NODE_NUMBER, false, false, 9223372036854775808.0},
        {"0x10000000000000000", TM_NODE_NUMBER, false, false, 18446744073709551616.0},
        {"0o2000000000000000000000", TM_NODE_NUMBER, false, false, 18446744073709551616.0},
        {"1e-2", TM_NODE_NUMBER, false, false, 0.01},
        {"1.", TM_NODE_NUMBER, false, false, 1},
        {".5", TM_NODE_NUMBER, false, false, 0.5},
        {"-1.5E+3", TM_NODE_NUMBER, false, false, -1500},
        {".inf", TM_NODE_NUMBER, false, false, INFINITY},
        {"+.Inf", TM_NODE_NUMBER, false, false, INFINITY},
        {"-.INF", TM_NODE_NUMBER, false, false, -INFINITY},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[64];
        snprintf(text, sizeof text, "k: %s\n", cases[i].text);
        parsed file = parse_good(text);
        const tm_node *node = tm_node_get(file.root, "k");
        assert_non_null(node);
        assert_int_equal(node->type, cases[i].type);
        assert_int_equal(node->boolean, cases[i].boolean);
        assert_int_equal(node->is_integer, cases[i].is_integer);
        assert_true(node->number == cases[i].number);
        assert_true(node->integer == (cases[i].is_integer ? (int64_t)cases[i].number : 0));
        finish(&file);
    }

    parsed file = parse_good("k: .nan\n");
    assert_true(isnan(tm_node_get(file.root, "k")->number));
    finish(&file);
    file = parse_good("[9223372036854775807, -9223372036854775808]");
    assert_true(file.root->child->integer == INT64_MAX);
    assert_true(file.root->child->next->integer == INT64_MIN);
    assert_true(file.root->child->next->is_integer);
    finish(&file);
}

static void test_strings(void **state) {
    (void)state;
    static const struct {
        const char *text, *string;
    } cases[] = {
        {"yes", "yes"},
        {"No", "No"},
        {"on", "on"},
        {"off", "off"},
        {"tRUE", "tRUE"},
        {"'12'", "12"},
        {"\"true\"", "true"},
        {"''", ""},
        {"\"a\\tb\\u00e9\"", "a\tb\xC3\xA9"},
        {"1e", "1e"},
        {".", "."},
        {"+", "+"},
        {"1_000", "1_000"},
        {"0x", "0x"},
        {"-0x1", "-0x1"},
        {"0o8", "0o8"},
        {"0x-1", "0x-1"},
        {"1.5.2", "1.5.2"},
        {"12:30", "12:30"},
        {"2026-04-30", "2026-04-30"},
        {"inf", "inf"},
        {"-.nan", "-.nan"},
        {"a\n  b", "a b"},
        {"|\n  a\n  1\n", "a\n1\n"},
        {">\n  1\n", "1\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[64];
        snprintf(text, sizeof text, "k: %s\n", cases[i].text);
        parsed file = parse_good(text);
        const tm_node *node = tm_node_get(file.root, "k");
        assert_int_equal(node->type, TM_NODE_STRING);
        assert_string_equal(node->string, cases[i].string);
        finish(&file);
    }
}

static void test_tree(void **state) {
    (void)state;
    parsed file = parse_good("a: {b: [1, x], c: {}}\nd:\n- e: 2\n  f: ~\n1: []\n");
    const tm_node *root = file.root, *a = root->child, *d = a->next, *one = d->next;
    assert_int_equal(root->type, TM_NODE_OBJECT);
    assert_int_equal(root->count, 3);
    assert_string_equal(a->key, "a");
    assert_int_equal(a->count, 2);
    assert_int_equal(a->child->type, TM_NODE_ARRAY);
    assert_int_equal(a->child->count, 2);
    assert_null(a->child->child->key);
    assert_string_equal(a->child->child->next->string, "x");
    assert_null(a->child->child->next->next);
    assert_int_equal(a->child->next->type, TM_NODE_OBJECT);
    assert_int_equal(a->child->next->count, 0);
    assert_int_equal(d->child->type, TM_NODE_OBJECT);
    assert_string_equal(d->child->child->next->key, "f");
    assert_string_equal(one->key, "1");
    assert_int_equal(one->type, TM_NODE_ARRAY);
    assert_null(one->child);
    assert_null(one->next);
    finish(&file);
}

static void test_empty_document(void **state) {
    (void)state;
    static const char *const texts[] = {"", "\n", "# only a comment\n", "---\n", "--- # c\n...\n"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        parsed file = parse_good(texts[i]);
        assert_int_equal(file.root->type, TM_NODE_OBJECT);
        assert_int_equal(file.root->count, 0);
        finish(&file);
    }
    parsed file = parse_good("null\n");
    assert_int_equal(file.root->type, TM_NODE_NULL);
    finish(&file);
    file = parse_good("''\n");
    assert_int_equal(file.root->type, TM_NODE_STRING);
    finish(&file);
}

/* Asserts that the place of `node` is where `text` first stands in the source. */
static void assert_stands_at(tm_place place, const char *text) {
    const char *found = strstr(place.source->text, text);
    assert_non_null(found);
    assert_int_equal(place.offset, found - place.source->text);
}

static void test_places_are_bytes(void **state) {
    (void)state;
    /* Characters of two, three and four bytes before, and CR LF line ends. */
    parsed file = parse_good("# \xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\r\n"
                             "n\xC3\xA9: \"\xE2\x82\xAC\" # \xF0\x9F\x98\x80\r\n"
                             "list:\r\n  - one\r\n  - {k\xC3\xA9y: two}\r\nlast:\r\n");
    const tm_node *first = file.root->child, *list = first->next, *last = list->next;
    assert_stands_at(file.root->place, "n\xC3\xA9");
    assert_stands_at(tm_node_key_place(first), "n\xC3\xA9");
    assert_stands_at(first->place, "\"\xE2\x82\xAC\"");
    assert_stands_at(tm_node_key_place(list), "list");
    assert_stands_at(list->place, "- one");
    assert_stands_at(list->child->place, "one");
    assert_stands_at(list->child->next->place, "{k");
    assert_stands_at(tm_node_key_place(list->child->next->child), "k\xC3\xA9y");
    assert_stands_at(list->child->next->child->place, "two");
    assert_stands_at(tm_node_key_place(last), "last");
    assert_int_equal(last->place.offset, tm_node_key_place(last).offset + strlen("last:"));
    finish(&file);
}

static void test_byte_order_mark(void **state) {
    (void)state;
    parsed file = parse_good("\xEF\xBB\xBF"
                             "a: 1\nb: 2\n");
    assert_int_equal(file.root->count, 2);
    assert_stands_at(tm_node_key_place(file.root->child), "a: 1");
    assert_stands_at(file.root->child->next->place, "2");
    finish(&file);
    expect_error("\xEF\xBB\xBF# c\na: *x\n",
                 "c.yaml:2:4: error: expected a plain value, got the alias \"*x\"; write the value "
                 "itself\n"
                 "    a: *x\n"
                 "       ^\n");
}

static void test_error_after_multibyte_text(void **state) {
    (void)state;
    /* The column counts bytes: the euro sign has three. */
    expect_error("# \xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80\n\"\xE2\x82\xAC\": @x\n",
                 "c.yaml:2:8: error: expected a value, got \"@x\"; put it in quotes\n"
                 "    \"\xE2\x82\xAC\": @x\n"
                 "         ^\n");
    expect_error("# \xC3\xA9\na:\n\tb: 1\n",
                 "c.yaml:3:1: error: expected spaces for indentation, got a tab; replace it by "
                 "spaces\n"
                 "     b: 1\n"
                 "    ^\n");
}

static void test_tabs(void **state) {
    (void)state;
    static const struct {
        const char *text, *messages;
    } cases[] = {
        {"a:\n  \tb: 1\n", "c.yaml:2:3: error: expected spaces for indentation, got a tab; replace "
                           "it by spaces\n       b: 1\n      ^\n"},
        {"a: x\n\tb: 1\n", "c.yaml:2:1: error: expected spaces for indentation, got a tab; replace "
                           "it by spaces\n     b: 1\n    ^\n"},
        {"a:\n  b: x\n    \tc: 1\n", "c.yaml:3:5: error: expected spaces for indentation, got a "
                                     "tab; replace it by spaces\n         c: 1\n        ^\n"},
        {"a: |\n\tx\n", "c.yaml:2:1: error: expected spaces for indentation, got a tab; replace it "
                        "by spaces\n     x\n    ^\n"},
        {"-\tb: 1\n", "c.yaml:1:2: error: expected spaces for indentation, got a tab; replace it "
                      "by spaces\n    - b: 1\n     ^\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect_error(cases[i].text, cases[i].messages);
    /* A tab that indents nothing is good. */
    parsed file = parse_good("a:\t1\nb: 2\t# c\n");
    assert_int_equal(file.root->child->integer, 1);
    assert_int_equal(file.root->child->next->integer, 2);
    finish(&file);
}

static void test_refusals(void **state) {
    (void)state;
    static const struct {
        const char *text, *messages;
    } cases[] = {
        {"a: &x 1\n", "c.yaml:1:4: error: expected a plain value, got the anchor \"&x\"; write the "
                      "value at each place that needs it\n    a: &x 1\n       ^\n"},
        {"a: *x\n", "c.yaml:1:4: error: expected a plain value, got the alias \"*x\"; write the "
                    "value itself\n    a: *x\n       ^\n"},
        {"a: !!int 1\n", "c.yaml:1:4: error: expected a plain value, got the tag \"!!int\"; remove "
                         "it\n    a: !!int 1\n       ^\n"},
        {"a: !e!x 1\n", "c.yaml:1:4: error: expected a plain value, got a tag; remove it\n"
                        "    a: !e!x 1\n       ^\n"},
        {"%TAG ! !x\n---\na: 1\n", "c.yaml:1:1: error: expected a plain document, got a %TAG "
                                   "directive; remove it\n    %TAG ! !x\n    ^\n"},
        {"a: 1\n---\nb: 2\n", "c.yaml:2:1: error: expected one document, got a second one; write "
                              "it to a file of its own\n    ---\n    ^\n"},
        {"[1]: 2\n", "c.yaml:1:1: error: expected a key made of text, got a list; write a word "
                     "before the \":\"\n    [1]: 2\n    ^\n"},
        {"? {a: 1}\n: 2\n", "c.yaml:1:3: error: expected a key made of text, got a mapping; write "
                            "a word before the \":\"\n    ? {a: 1}\n      ^\n"},
        {"?\n: 2\n", "c.yaml:1:2: error: expected a key made of text, got nothing; write a word "
                     "before the \":\"\n    ?\n     ^\n"},
        {"rtol: 1\natol: 1\n\"rtol\": 2\n",
         "c.yaml:3:1: error: rtol: expected each key once, got it again (first on line 1); remove "
         "one of them\n    \"rtol\": 2\n    ^\n"},
        {"a: \"x\\0y\"\n", "c.yaml:1:4: error: expected text, got a string with a NUL in it; "
                           "remove the \"\\0\"\n    a: \"x\\0y\"\n       ^\n"},
        {"a: \xFF\n", "c.yaml:1:4: error: expected UTF-8 text without control characters, got "
                      "0xff; save the file as UTF-8\n    a: ?\n       ^\n"},
        {"a: \x01\n", "c.yaml:1:4: error: expected UTF-8 text without control characters, got "
                      "0x01; save the file as UTF-8\n    a:  \n       ^\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect_error(cases[i].text, cases[i].messages);

    /* A NUL byte, which a C string cannot hold. */
    parsed file = parse_bytes("a: \0x", 5);
    assert_null(file.root);
    assert_string_equal(file.messages, "c.yaml:1:4: error: expected UTF-8 text without control "
                                       "characters, got 0x00; save the file as UTF-8\n"
                                       "    a:  x\n       ^\n");
    finish(&file);
}

static void test_syntax_errors(void **state) {
    (void)state;
    static const struct {
        const char *text, *messages;
    } cases[] = {
        {"a: b: c\n", "c.yaml:1:5: error: expected one \"key: value\" per line, got \":\"; check "
                      "the indentation, or quote the value\n    a: b: c\n        ^\n"},
        {"a: 1\nb\nc: 3\n", "c.yaml:2:1: error: expected \"key: value\", got \"b\"; write a colon "
                            "and a value after it\n    b\n    ^\n"},
        {"a: 'x' y\n", "c.yaml:1:8: error: expected a key or the end of the mapping, got \"y\"; "
                       "check the indentation and the quotes\n    a: 'x' y\n           ^\n"},
        {"- 1\na: 2\n", "c.yaml:2:1: error: expected \"-\" or the end of the list, got \"a:\"; "
                        "check the indentation\n    a: 2\n    ^\n"},
        {"a: [1, 2", "c.yaml:1:9: error: expected \",\" or \"]\", got the end of the file; close "
                     "the list\n    a: [1, 2\n            ^\n"},
        {"a: {b: 1", "c.yaml:1:9: error: expected \",\" or \"}\", got the end of the file; close "
                     "the mapping\n    a: {b: 1\n            ^\n"},
        {"a: [1,,2]\n", "c.yaml:1:7: error: expected a value, got \",\"; write one\n"
                        "    a: [1,,2]\n          ^\n"},
        {" a: 1\nb: 2\n", "c.yaml:2:1: error: expected the end of the file, got \"b:\"; check the "
                          "indentation\n    b: 2\n    ^\n"},
        {"a: - 1\n", "c.yaml:1:4: error: expected a value, got \"-\"; begin the list on a line of "
                     "its own\n    a: - 1\n       ^\n"},
        {"a: ? b\n", "c.yaml:1:4: error: expected a value, got \"?\"; begin the mapping on a line "
                     "of its own\n    a: ? b\n       ^\n"},
        {"a: %x\n", "c.yaml:1:4: error: expected a value, got \"%x\"; put it in quotes\n"
                    "    a: %x\n       ^\n"},
        {"a: \"x\n", "c.yaml:1:4: error: expected a closing quote, got the end of the file; close "
                     "the string that begins here\n    a: \"x\n       ^\n"},
        {"a: \"x\n---\n", "c.yaml:1:4: error: expected a closing quote, got the end of the "
                          "document; close the string that begins here\n    a: \"x\n       ^\n"},
        {"a: \"\\d\"\n", "c.yaml:1:5: error: expected an escape that YAML knows, got \"\\d\"; "
                         "write \"\\\\\" for a backslash, or use single quotes\n"
                         "    a: \"\\d\"\n        ^\n"},
        {"a: |0\n x\n", "c.yaml:1:5: error: expected YAML, got \"0\" (found an indentation "
                        "indicator equal to 0); see https://yaml.org\n    a: |0\n        ^\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        expect_error(cases[i].text, cases[i].messages);
}

static void test_all_errors_of_a_file(void **state) {
    (void)state;
    expect_error("a: &x !!int 1\nb: *x\na: 2\na: 3\n",
                 "c.yaml:1:4: error: expected a plain value, got the anchor \"&x\"; write the "
                 "value at each place that needs it\n    a: &x !!int 1\n       ^\n"
                 "c.yaml:1:7: error: expected a plain value, got the tag \"!!int\"; remove it\n"
                 "    a: &x !!int 1\n          ^\n"
                 "c.yaml:2:4: error: expected a plain value, got the alias \"*x\"; write the value "
                 "itself\n    b: *x\n       ^\n"
                 "c.yaml:3:1: error: a: expected each key once, got it again (first on line 1); "
                 "remove one of them\n    a: 2\n    ^\n"
                 "c.yaml:4:1: error: a: expected each key once, got it again (first on line 1); "
                 "remove one of them\n    a: 3\n    ^\n");
}

static void test_depth(void **state) {
    (void)state;
    char text[202];
    memset(text, '[', 100);
    memset(text + 100, ']', 100);
    text[200] = '\0';
    parsed file = parse_good(text);
    size_t depth = 0;
    for (const tm_node *node = file.root; node != NULL; node = node->child)
        depth++;
    assert_int_equal(depth, 100);
    finish(&file);

    memset(text, '[', 101);
    text[101] = '\0';
    file = parse(text);
    assert_null(file.root);
    const char *message = "c.yaml:1:101: error: expected at most 100 levels of nesting, got more; "
                          "write it flatter\n";
    assert_memory_equal(file.messages, message, strlen(message));
    finish(&file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scalars),
        cmocka_unit_test(test_strings),
        cmocka_unit_test(test_tree),
        cmocka_unit_test(test_empty_document),
        cmocka_unit_test(test_places_are_bytes),
        cmocka_unit_test(test_byte_order_mark),
        cmocka_unit_test(test_error_after_multibyte_text),
        cmocka_unit_test(test_tabs),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_syntax_errors),
        cmocka_unit_test(test_all_errors_of_a_file),
        cmocka_unit_test(test_depth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
