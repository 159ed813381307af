#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/arena.h"
#include "lib/diag.h"
#include "lib/json.h"
#include "lib/node.h"

typedef struct {
    tm_arena *arena;
    tm_diag *diag;
    tm_node_reader reader;
} fixture;

static int setup(void **state) {
    fixture *made = malloc(sizeof *made);
    made->arena = tm_arena_create();
    made->diag = tm_diag_create(made->arena);
    made->reader = (tm_node_reader){made->arena, made->diag};
    *state = made;
    return 0;
}

static int teardown(void **state) {
    fixture *made = *state;
    tm_arena_destroy(made->arena);
    free(made);
    return 0;
}

/* Parses a copy without a NUL behind it, so that ASan sees a byte too many. */
static const tm_node *parse_bytes(fixture *made, const char *text, size_t length) {
    char *exact = malloc(length == 0 ? 1 : length);
    memcpy(exact, text, length);
    tm_source sliced = {"t.json", exact, length};
    tm_diag *scratch = tm_diag_create(made->arena);
    const tm_node *first = tm_json_parse_all(made->arena, &sliced, scratch);
    free(exact);

    tm_source *source = tm_arena_alloc(made->arena, sizeof *source);
    *source = (tm_source){"t.json", tm_arena_copy(made->arena, text, length), length};
    const tm_node *second = tm_json_parse_all(made->arena, source, made->diag);
    assert_int_equal(first == NULL, second == NULL);
    return second;
}

static const tm_node *parse(fixture *made, const char *text) {
    return parse_bytes(made, text, strlen(text));
}

static void assert_printed(const tm_diag *diag, const char *expected) {
    char *printed = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&printed, &length);
    tm_diag_print(diag, TM_DIAG_NOTE, stream);
    fclose(stream);
    assert_string_equal(printed, expected);
    free(printed);
}

/* Exactly one error, with this place and text. */
static void assert_refused(const char *text, size_t length, const char *expected) {
    void *state;
    setup(&state);
    fixture *made = state;
    const tm_node *node = parse_bytes(made, text, length);
    if (node != NULL)
        fail_msg("accepted: %s", text);
    const tm_diag_entry *entries;
    assert_int_equal(tm_diag_entries(made->diag, &entries), 1);
    assert_int_equal(entries[0].severity, TM_DIAG_ERROR);
    char *got = tm_arena_format(made->arena, "%d:%d: %s", entries[0].line, entries[0].column,
                                entries[0].message);
    assert_string_equal(got, expected);
    teardown(&state);
}

static void test_keeps_values_and_places(void **state) {
    fixture *made = *state;
    const tm_node *root =
        parse(made, "\xef\xbb\xbf{\"a\": [1, -2.5e1, true, null],\n"
                    " \"b\\u00e9\\ud83d\\ude00\": \"x\\n\\\"\\\\\\/\", \"c\": {}}\n");
    assert_non_null(root);
    assert_int_equal(root->type, TM_NODE_OBJECT);
    assert_int_equal(root->count, 3);
    assert_int_equal(root->place.offset, 3);
    assert_null(root->key);
    const tm_node *a = tm_node_get(root, "a");
    assert_int_equal(tm_node_key_place(a).offset, 4);
    assert_int_equal(a->place.offset, 9);
    assert_int_equal(a->count, 4);
    const tm_node *element = a->child;
    assert_true(element->is_integer);
    assert_int_equal(element->integer, 1);
    element = element->next;
    assert_false(element->is_integer);
    assert_true(element->number == -25.0);
    assert_int_equal(element->place.offset, 13);
    element = element->next;
    assert_int_equal(element->type, TM_NODE_BOOL);
    assert_true(element->boolean);
    element = element->next;
    assert_int_equal(element->type, TM_NODE_NULL);
    assert_int_equal(element->place.offset, 27);
    assert_null(element->next);
    const tm_node *b = a->next;
    assert_string_equal(b->key, "b\xc3\xa9\xf0\x9f\x98\x80");
    assert_string_equal(b->string, "x\n\"\\/");
    int line, column;
    tm_place_resolve(tm_node_key_place(b), &line, &column);
    assert_int_equal(line, 2);
    assert_int_equal(column, 2);
    tm_place_resolve(b->place, &line, &column);
    assert_int_equal(column, 25);
    assert_int_equal(b->next->type, TM_NODE_OBJECT);
    assert_null(b->next->child);
    assert_null(tm_node_get(root, "d"));
    assert_null(tm_node_get(a, "a"));
    assert_null(tm_node_get(NULL, "a"));
    assert_printed(made->diag, "");
}

static void test_integers_keep_all_digits(void **state) {
    fixture *made = *state;
    const tm_node *root =
        parse(made, "[9223372036854775807, -9223372036854775808, 9223372036854775808,"
                    " 9007199254740993, 1.0, 1e2, -0, 0]");
    assert_non_null(root);
    const tm_node *at = root->child;
    assert_true(at->is_integer && at->integer == INT64_MAX);
    at = at->next;
    assert_true(at->is_integer && at->integer == INT64_MIN);
    at = at->next;
    assert_true(!at->is_integer && at->number == 9223372036854775808.0);
    at = at->next;
    assert_true(at->is_integer && at->integer == 9007199254740993);
    at = at->next;
    assert_true(!at->is_integer && at->number == 1.0);
    at = at->next;
    assert_true(!at->is_integer && at->number == 100.0);
    at = at->next;
    assert_true(at->is_integer && at->integer == 0 && signbit(at->number));
    at = at->next;
    assert_true(at->is_integer && at->integer == 0 && !signbit(at->number));
}

static void test_every_fault_has_place_and_message(void **state) {
    (void)state;
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"", "1:1: expected a JSON value, got the end of the text"},
        {" \n ", "2:2: expected a JSON value, got the end of the text"},
        {"x", "1:1: expected a JSON value, got 'x'"},
        {"trueish", "1:1: expected a JSON value, got 'trueish'"},
        {"{\"a\": True}", "1:7: expected a JSON value after ':', got 'True'; write true"},
        {"[None]", "1:2: expected a JSON value or ']', got 'None'; write null"},
        {"[NaN]", "1:2: expected a JSON value or ']', got 'NaN'; JSON has no such number; an "
                  "error may be the string \"NaN\""},
        {"[-Infinity]", "1:2: expected a JSON value or ']', got '-Infinity'; JSON has no such "
                        "number; an error may be the string \"-Infinity\""},
        {"['a']", "1:2: expected a JSON value or ']', got '''; strings stand in double quotes"},
        {"[1, // one\n2]",
         "1:5: expected a JSON value after ',', got '/'; JSON has no comments, remove it"},
        {"[+1]", "1:2: expected a JSON value or ']', got '+1'; remove the '+'"},
        {"[.5]", "1:2: expected a JSON value or ']', got '.5'; write a digit before the '.'"},
        {"[1.]", "1:4: expected a digit after '.', got ']'"},
        {"[1.e5]", "1:4: expected a digit after '.', got 'e5'"},
        {"[1e]", "1:4: expected a digit in the exponent, got ']'"},
        {"-", "1:2: expected a digit after '-', got the end of the text"},
        {"[01]", "1:2: expected a number without leading zeros, got '01'"},
        {"[-00.5]", "1:2: expected a number without leading zeros, got '-00.5'"},
        {"[0x10]", "1:3: expected ',' or ']' after element 0, got 'x10'"},
        {"1e999", "1:1: expected a number within the range of a double, got 1e999"},
        {"[1000000000000000000000000000000000000000000000000000000000000000]",
         "1:2: expected a number of at most 63 characters, got 64"},
        {"[1,]", "1:4: expected a JSON value after ',', got ']'; remove the ',' before it"},
        {"[,1]", "1:2: expected a JSON value or ']', got ','"},
        {"[1 2]", "1:4: expected ',' or ']' after element 0, got '2'"},
        {"[1, 2", "1:1: this array is not closed: expected ',' or ']' after element 1, got the "
                  "end of the text"},
        {"{\n  \"a\": [", "2:8: this array is not closed: expected a JSON value or ']', got the "
                          "end of the text"},
        {"{\"a\": 1,}",
         "1:9: expected a key in double quotes after ',', got '}'; remove the ',' before it"},
        {"{a: 1}", "1:2: expected a key in double quotes or '}', got 'a'; keys stand in double "
                   "quotes"},
        {"{1: 1}", "1:2: expected a key in double quotes or '}', got '1'; keys stand in double "
                   "quotes"},
        {"{\"name\" 1}", "1:9: expected ':' after the key \"name\", got '1'"},
        {"{\"name\": \"x\"\n \"op\": 1}",
         "2:2: expected ',' or '}' after the value of \"name\", got '\"'"},
        {"{\"a\": }", "1:7: expected a JSON value after ':', got '}'"},
        {"{\"a\": 1",
         "1:1: this object is not closed: expected ',' or '}' after the value of \"a\", got the "
         "end of the text"},
        {"{\"a\": 1]", "1:8: expected ',' or '}' after the value of \"a\", got ']'"},
        {"{\"a\"", "1:1: this object is not closed: expected ':' after the key \"a\", got the end "
                   "of the text"},
        {"{", "1:1: this object is not closed: expected a key in double quotes or '}', got the "
              "end of the text"},
        {"{\"a\": \"xyz", "1:7: this string is not closed: expected '\"', got the end of the text"},
        {"\"abc\\", "1:1: this string is not closed: expected '\"', got the end of the text"},
        {"[\"abc\n\"]", "1:2: this string is not closed: expected '\"' before the end of the "
                        "line; a line break inside a string is written \\n"},
        {"[\"a\tb\"]", "1:4: a tab inside a string is written \\t"},
        {"[\"a\x01\"]", "1:4: control character 0x01 inside a string; write \\u0001 or remove it"},
        {"\"\\x41\"", "1:2: expected one of \" \\ / b f n r t u after '\\', got 'x41'; write "
                      "\\\\ for a backslash"},
        {"\"\\u12g4\"", "1:2: expected four hexadecimal digits after \\u"},
        {"\"\\u12", "1:2: expected four hexadecimal digits after \\u"},
        {"\"a\\u0000\"", "1:3: a string may not contain \\u0000; remove it"},
        {"\"\\ud800\"", "1:2: half of a surrogate pair; expected \\ud800 to \\udbff followed by "
                        "\\udc00 to \\udfff"},
        {"\"\\udc00\"", "1:2: half of a surrogate pair; expected \\ud800 to \\udbff followed by "
                        "\\udc00 to \\udfff"},
        {"\"\\ud800\\u0041\"", "1:2: half of a surrogate pair; expected \\ud800 to \\udbff "
                               "followed by \\udc00 to \\udfff"},
        {"\"ab\xff\"", "1:4: byte 0xff is not valid UTF-8; save the file as UTF-8"},
        {"\"\xe2\x82", "1:2: byte 0xe2 is not valid UTF-8; save the file as UTF-8"},
        {"{\"\xc0\x80\": 1}", "1:3: byte 0xc0 is not valid UTF-8; save the file as UTF-8"},
        {"\xff", "1:1: expected a JSON value, got byte 0xff"},
        {"[1]\n{}", "2:1: expected nothing after the JSON value, got '{'; remove it"},
        {"{} x", "1:4: expected nothing after the JSON value, got 'x'; remove it"},
        {"[1\f]", "1:3: expected ',' or ']' after element 0, got byte 0x0c"},
        {"{\"a\": 1, \"b\": {\"x\": 1, \"y\": [{\"z\": 1, \"z\": 2}]}}",
         "1:39: b.y[0]: duplicate key \"z\"; keep one"},
        {"{\"a\": 1, \"\\u0061\": 2}", "1:10: duplicate key \"a\"; keep one"},
        {"{\"12345678901234567890123456789012345678901234\" 1}",
         "1:49: expected ':' after the key \"123456789012345678901234567890123456789...\", got "
         "'1'"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_refused(cases[i].text, strlen(cases[i].text), cases[i].expected);
    assert_refused("[1]\0", 4,
                   "1:4: expected nothing after the JSON value, got byte 0x00; "
                   "remove it");
    assert_refused("\"a\0b\"", 5,
                   "1:3: control character 0x00 inside a string; write \\u0000 or "
                   "remove it");
    assert_refused("\"\\\0\"", 4,
                   "1:2: expected one of \" \\ / b f n r t u after '\\', got byte "
                   "0x00; write \\\\ for a backslash");
}

static void test_message_shows_the_line(void **state) {
    fixture *made = *state;
    assert_null(parse(made, "{\n\t\"rtol\": .5\n}"));
    assert_printed(made->diag,
                   "t.json:2:10: error: expected a JSON value after ':', got '.5'; write a digit "
                   "before the '.'\n"
                   "     \"rtol\": .5\n"
                   "             ^\n");
}

static void test_reports_all_duplicates(void **state) {
    fixture *made = *state;
    assert_null(parse(made, "{\"a\": 1,\n\"b\": {\"c\": 1,\n\"c\": 2},\n\"a\": 2,\n\"a\": 3}"));
    assert_printed(made->diag, "t.json:3:1: error: b: duplicate key \"c\"; keep one\n"
                               "    \"c\": 2},\n    ^\n"
                               "t.json:4:1: error: duplicate key \"a\"; keep one\n"
                               "    \"a\": 2,\n    ^\n"
                               "t.json:5:1: error: duplicate key \"a\"; keep one\n"
                               "    \"a\": 3}\n    ^\n");
}

static void test_duplicates_in_large_objects(void **state) {
    fixture *made = *state;
    tm_json *object = tm_json_object();
    char key[16];
    for (int i = 0; i < 100000; i++) {
        snprintf(key, sizeof key, "k%d", i);
        tm_json_set_int(object, key, i);
    }
    char *text = tm_json_print(object, false);
    const tm_node *root = parse(made, text);
    assert_non_null(root);
    assert_int_equal(root->count, 100000);
    /* The new member stands where the closing brace was, after a ','. */
    size_t key_column = strlen(text) + 1;
    free(text);
    tm_json_set_int(object, "k77", 1);
    text = tm_json_print(object, false);
    assert_null(parse(made, text));
    free(text);
    tm_json_free(object);
    const tm_diag_entry *entries;
    assert_int_equal(tm_diag_entries(made->diag, &entries), 1);
    assert_string_equal(entries[0].message, "duplicate key \"k77\"; keep one");
    assert_int_equal(entries[0].column, key_column);
}

static void test_nesting_is_limited(void **state) {
    fixture *made = *state;
    char text[402];
    for (int depth = 200; depth <= 201; depth++) {
        memset(text, '[', (size_t)depth);
        memset(text + depth, ']', (size_t)depth);
        const tm_node *root = parse_bytes(made, text, (size_t)depth * 2);
        assert_int_equal(root != NULL, depth == 200);
    }
    const tm_diag_entry *entries;
    assert_int_equal(tm_diag_entries(made->diag, &entries), 1);
    assert_string_equal(entries[0].message,
                        "expected at most 200 nested arrays and objects; make the text flatter");
    assert_int_equal(entries[0].column, 201);
    /* No depth may reach the stack's end. */
    char *deep = malloc(1000000);
    memset(deep, '[', 1000000);
    assert_null(parse_bytes(made, deep, 1000000));
    free(deep);
}

static const char sample[] =
    "{\"name\":\"rms\\u00e9\\\"\",\"axes\":{\"h\":{\"type\":\"const\",\"value\":4096},"
    "\"b\":{\"type\":\"var\"}},\"shape\":[1,-2.5e-3,true,false,null,\"\xc3\xa9\"],\"e\":{},\"f\":[]"
    "}";

static void test_every_cut_is_refused(void **state) {
    fixture *made = *state;
    assert_non_null(parse(made, sample));
    for (size_t length = 0; length < strlen(sample); length++) {
        size_t before = tm_diag_count(made->diag, TM_DIAG_ERROR);
        if (parse_bytes(made, sample, length) != NULL)
            fail_msg("accepted the first %zu bytes", length);
        assert_int_equal(tm_diag_count(made->diag, TM_DIAG_ERROR), before + 1);
    }
}

/* Each single byte of a text replaced by others: the grammar and cJSON must agree on what remains
 * valid, and refuse the rest with one error or several duplicates. */
static void test_every_changed_byte_is_judged(void **state) {
    (void)state;
    static const char bytes[] = "\"\\{}[],:0eE-+. u\n\x01\x7f\xc3\xff";
    char text[sizeof sample];
    size_t accepted = 0;
    for (size_t i = 0; i < sizeof sample - 1; i++) {
        for (size_t j = 0; j < sizeof bytes; j++) {
            void *fresh;
            setup(&fresh);
            fixture *made = fresh;
            memcpy(text, sample, sizeof sample);
            text[i] = bytes[j];
            const tm_node *root = parse_bytes(made, text, sizeof sample - 1);
            size_t errors = tm_diag_count(made->diag, TM_DIAG_ERROR);
            if ((root == NULL) != (errors > 0))
                fail_msg("byte %zu, variant %zu: %zu errors", i, j, errors);
            const tm_diag_entry *entries;
            for (size_t k = 0; k < tm_diag_entries(made->diag, &entries); k++)
                assert_null(strstr(entries[k].message, "not enough memory"));
            accepted += root != NULL;
            teardown(&fresh);
        }
    }
    /* Letters inside strings may change, structure may not. */
    assert_in_range(accepted, 200, 2000);
}

static void test_parses_rows_of_a_source(void **state) {
    fixture *made = *state;
    tm_source source = {"rows.jsonl", "{\"a\":1}\n{\"a\":2,}\n[3]", 20};
    const tm_node *row = tm_json_parse(made->arena, &source, 0, 7, made->diag);
    assert_non_null(row);
    assert_int_equal(tm_node_get(row, "a")->integer, 1);
    assert_null(tm_json_parse(made->arena, &source, 8, 16, made->diag));
    /* The row ends before its bracket: what follows in the source does not count. */
    assert_null(tm_json_parse(made->arena, &source, 17, 19, made->diag));
    row = tm_json_parse(made->arena, &source, 5, 6, made->diag);
    assert_non_null(row);
    assert_int_equal(row->integer, 1);
    assert_int_equal(row->place.offset, 5);
    assert_printed(made->diag,
                   "rows.jsonl:2:8: error: expected a key in double quotes after ',', got '}'; "
                   "remove the ',' before it\n"
                   "    {\"a\":2,}\n"
                   "           ^\n"
                   "rows.jsonl:3:1: error: this array is not closed: expected ',' or ']' after "
                   "element 0, got the end of the text\n"
                   "    [3]\n"
                   "    ^\n");
}

static void assert_json(tm_json *value, bool pretty, const char *expected) {
    char *text = tm_json_print(value, pretty);
    assert_string_equal(text, expected);
    free(text);
}

static void test_prints_values(void **state) {
    (void)state;
    tm_json *object = tm_json_object();
    tm_json_set_string(object, "s", "a\"\\\b\f\n\r\t\x01\v\xc3\xa9");
    tm_json_set_string(object, "bad",
                       "\xff"
                       "a\xe2\x82"
                       "b\xed\xa0\x80");
    tm_json_set_string(object, "none", NULL);
    tm_json_set_int(object, "i", INT64_MIN);
    tm_json_set_number(object, "n", 0.1);
    tm_json_set_number(object, "nan", NAN);
    tm_json_set_bool(object, "t", true);
    tm_json_set_bool(object, "f", false);
    tm_json_set_null(object, "z");
    tm_json_set_int(object, "k\xff\n", 1);
    tm_json *array = tm_json_array();
    tm_json_push_string(array, "x");
    tm_json_push_int(array, INT64_MAX);
    tm_json_push_number(array, INFINITY);
    tm_json_push_number(array, -INFINITY);
    tm_json_push_number(array, 1.0 / 3);
    tm_json_push(array, tm_json_object());
    tm_json_push(array, tm_json_array());
    tm_json_set(object, "a", array);
    assert_json(object, false,
                "{\"s\":\"a\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u000b\xc3\xa9\","
                "\"bad\":\"\xef\xbf\xbd"
                "a\xef\xbf\xbd\xef\xbf\xbd"
                "b\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\","
                "\"none\":null,\"i\":-9223372036854775808,\"n\":0.1,\"nan\":\"NaN\",\"t\":true,"
                "\"f\":false,\"z\":null,\"k\xef\xbf\xbd\\n\":1,"
                "\"a\":[\"x\",9223372036854775807,\"Infinity\",\"-Infinity\",0.3333333333333333,"
                "{},[]]}");
    tm_json_free(object);
    tm_json_free(NULL);
}

static void test_prints_indented(void **state) {
    (void)state;
    tm_json *object = tm_json_object();
    tm_json *shape = tm_json_array();
    tm_json_push_int(shape, 1);
    tm_json_push_string(shape, "b");
    tm_json_set(object, "shape", shape);
    tm_json *rows = tm_json_array();
    tm_json *row = tm_json_object();
    tm_json_set_bool(row, "ok", true);
    tm_json_push(rows, row);
    tm_json_push(rows, tm_json_array());
    tm_json_set(object, "rows", rows);
    tm_json_set(object, "empty", tm_json_object());
    assert_json(object, true,
                "{\n"
                "  \"shape\": [1, \"b\"],\n"
                "  \"rows\": [\n"
                "    {\n"
                "      \"ok\": true\n"
                "    },\n"
                "    []\n"
                "  ],\n"
                "  \"empty\": {}\n"
                "}\n");
    tm_json_free(object);
}

static void test_long_arrays_are_broken(void **state) {
    (void)state;
    /* `  "a": [..x..]` is 100 columns with a string of 87 bytes and a ',' behind it. */
    for (int length = 87; length <= 90; length++) {
        tm_json *object = tm_json_object();
        tm_json *array = tm_json_array();
        char string[128], expected[256];
        memset(string, 'x', sizeof string);
        string[length] = '\0';
        tm_json_push_string(array, string);
        tm_json_set(object, "a", array);
        bool fits = 2 + 5 + 1 + length + 2 + 1 + 1 <= 100;
        snprintf(expected, sizeof expected,
                 fits ? "{\n  \"a\": [\"%s\"]\n}\n" : "{\n  \"a\": [\n    \"%s\"\n  ]\n}\n",
                 string);
        assert_json(object, true, expected);
        tm_json_free(object);
    }
}

static void test_text_comes_back(void **state) {
    fixture *made = *state;
    static const char text[] =
        "{\"i\":9007199254740993,\"n\":0.30000000000000004,\"u\":18446744073709551616,"
        "\"s\":\"\xf0\x9f\x98\x80\\n\",\"a\":[true,false,null,[],{}],\"z\":[-0,-0.0,0]}";
    const tm_node *root = parse(made, text);
    assert_non_null(root);
    tm_json *object = tm_json_object();
    tm_json_set_node(object, "copy", root);
    tm_json *list = tm_json_array();
    tm_json_push_node(list, tm_node_get(root, "i"));
    tm_json_set(object, "list", list);
    assert_json(object, false,
                "{\"copy\":{\"i\":9007199254740993,\"n\":0.30000000000000004,"
                "\"u\":1.8446744073709552e+19,\"s\":\"\xf0\x9f\x98\x80\\n\","
                "\"a\":[true,false,null,[],{}],\"z\":[-0,-0,0]},\"list\":[9007199254740993]}");
    char *pretty = tm_json_print(object, true);
    const tm_node *again = parse(made, pretty);
    assert_non_null(again);
    const tm_node *copy = tm_node_get(again, "copy");
    assert_true(tm_node_get(copy, "i")->integer == 9007199254740993);
    assert_true(tm_node_get(copy, "n")->number == 0.30000000000000004);
    free(pretty);
    tm_json_free(object);
}

static void test_rows_of_json_lines(void **state) {
    (void)state;
    static const struct {
        const char *text, *rows; /* each row in <> */
    } cases[] = {
        {"", ""},
        {"\n\n \t\r\n", ""},
        {"1", "<1>"},
        {"1\n", "<1>"},
        {" 1 \r\n\n{}\n \n[", "< 1 \r><{}><[>"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tm_source source = {"t.jsonl", cases[i].text, strlen(cases[i].text)};
        char rows[64] = "";
        size_t begin, end;
        for (size_t at = 0; tm_json_next_row(&source, &at, &begin, &end);)
            snprintf(rows + strlen(rows), sizeof rows - strlen(rows), "<%.*s>", (int)(end - begin),
                     source.text + begin);
        assert_string_equal(rows, cases[i].rows);
    }
}

static void test_duplicates_below_a_long_key(void **state) {
    fixture *made = *state;
    char text[300], expected[300];
    char key[101] = "";
    memset(key, 'k', 100);
    snprintf(text, sizeof text, "{\"%s\": {\"a\": 1, \"a\": 2}}", key);
    snprintf(expected, sizeof expected, "%.60s: duplicate key \"a\"; keep one", key);
    assert_null(parse(made, text));
    const tm_diag_entry *entries;
    assert_int_equal(tm_diag_entries(made->diag, &entries), 1);
    assert_string_equal(entries[0].message, expected);
}

static void test_getters_take_what_is_there(void **state) {
    fixture *made = *state;
    const tm_node *root =
        parse(made, "{\"name\": \"x\", \"null\": null, \"yes\": true, \"list\": [\"a\", \"b\"],"
                    " \"no_items\": [], \"object\": {}, \"empty\": \"\"}");
    const char *string = "untouched";
    bool boolean = false;
    const char *const *strings;
    size_t count;
    assert_true(tm_node_need_string(&made->reader, root, "", "name", &string));
    assert_string_equal(string, "x");
    assert_true(tm_node_may_string(&made->reader, root, "", "missing", &string));
    assert_true(tm_node_may_string(&made->reader, root, "", "null", &string));
    assert_string_equal(string, "x");
    assert_true(tm_node_may_string(&made->reader, root, "", "empty", &string));
    assert_string_equal(string, "");
    assert_true(tm_node_may_bool(&made->reader, root, "", "missing", &boolean));
    assert_false(boolean);
    assert_true(tm_node_may_bool(&made->reader, root, "", "yes", &boolean));
    assert_true(boolean);
    assert_true(tm_node_may_strings(&made->reader, root, "", "list", &strings, &count));
    assert_int_equal(count, 2);
    assert_string_equal(strings[1], "b");
    assert_null(strings[2]);
    assert_true(tm_node_may_strings(&made->reader, root, "", "no_items", &strings, &count));
    assert_int_equal(count, 0);
    assert_non_null(strings);
    assert_null(strings[0]);
    assert_true(tm_node_may_strings(&made->reader, root, "", "missing", &strings, &count));
    assert_int_equal(count, 0);
    assert_null(strings);
    assert_non_null(tm_node_need(&made->reader, root, "", "object", TM_NODE_OBJECT));
    assert_non_null(tm_node_need(&made->reader, root, "", "null", TM_NODE_NULL));
    assert_null(tm_node_may(&made->reader, root, "", "missing", TM_NODE_OBJECT));
    /* What is missing has been reported by whoever looked for it. */
    assert_null(tm_node_need(&made->reader, NULL, "", "name", TM_NODE_STRING));
    assert_printed(made->diag, "");
}

static void test_getters_say_what_is_wrong(void **state) {
    fixture *made = *state;
    const tm_node *root = parse(made, "{\"name\": 12, \"empty\": \"\",\n"
                                      "\"flag\": \"true\", \"number\": \"1e3\",\n"
                                      "\"list\": [\"a\", 1.5, \"\"],\n"
                                      "\"object\": null}");
    const char *string = "untouched";
    bool boolean = true;
    const char *const *strings;
    size_t count;
    assert_false(tm_node_need_string(&made->reader, root, "spec", "name", &string));
    assert_false(tm_node_need_string(&made->reader, root, "spec", "empty", &string));
    assert_false(tm_node_need_string(&made->reader, root, "", "missing", &string));
    assert_false(tm_node_may_string(&made->reader, root, "", "list", &string));
    assert_string_equal(string, "untouched");
    assert_false(tm_node_may_bool(&made->reader, root, "", "flag", &boolean));
    assert_true(boolean);
    assert_null(tm_node_may(&made->reader, root, "", "number", TM_NODE_NUMBER));
    assert_false(tm_node_may_strings(&made->reader, root, "a.b", "list", &strings, &count));
    assert_int_equal(count, 0);
    assert_null(tm_node_need(&made->reader, root, "", "object", TM_NODE_OBJECT));
    const tm_node *list = tm_node_get(root, "list");
    assert_null(tm_node_need(&made->reader, list, "list", "x", TM_NODE_OBJECT));
    assert_printed(
        made->diag,
        "t.json:1:1: error: missing: expected a string, got nothing; add the key \"missing\" to "
        "this object\n"
        "    {\"name\": 12, \"empty\": \"\",\n"
        "    ^\n"
        "t.json:1:10: error: spec.name: expected a string, got 12; put it in quotes\n"
        "    {\"name\": 12, \"empty\": \"\",\n"
        "             ^\n"
        "t.json:1:23: error: spec.empty: expected a non-empty string, got \"\"\n"
        "    {\"name\": 12, \"empty\": \"\",\n"
        "                          ^\n"
        "t.json:2:9: error: flag: expected true or false, got \"true\"; remove the quotes\n"
        "    \"flag\": \"true\", \"number\": \"1e3\",\n"
        "            ^\n"
        "t.json:2:27: error: number: expected a number, got \"1e3\"; remove the quotes\n"
        "    \"flag\": \"true\", \"number\": \"1e3\",\n"
        "                              ^\n"
        "t.json:3:9: error: list: expected a string, got an array\n"
        "    \"list\": [\"a\", 1.5, \"\"],\n"
        "            ^\n"
        "t.json:3:9: error: list: expected an object, got an array\n"
        "    \"list\": [\"a\", 1.5, \"\"],\n"
        "            ^\n"
        "t.json:3:15: error: a.b.list[1]: expected a string, got 1.5; put it in quotes\n"
        "    \"list\": [\"a\", 1.5, \"\"],\n"
        "                  ^\n"
        "t.json:3:20: error: a.b.list[2]: expected a non-empty string, got \"\"\n"
        "    \"list\": [\"a\", 1.5, \"\"],\n"
        "                       ^\n"
        "t.json:4:11: error: object: expected an object, got null\n"
        "    \"object\": null}\n"
        "              ^\n");
}

static void test_unknown_keys(void **state) {
    fixture *made = *state;
    static const char *const known[] = {"rtol", "iterations"};
    const tm_node *root = parse(made, "{\"rtol\": 1, \"iteration\": 2,\n\"colour\\n\": 3}");
    assert_false(tm_node_only(&made->reader, root, "op.moe", known, 2));
    tm_node_note_unknown(&made->reader, root, "", known, 2);
    assert_printed(made->diag,
                   "t.json:1:13: error: op.moe: unknown key \"iteration\"; did you mean "
                   "\"iterations\"?\n"
                   "    {\"rtol\": 1, \"iteration\": 2,\n"
                   "                ^\n"
                   "t.json:1:13: note: unknown key \"iteration\" is kept but not used; did you "
                   "mean \"iterations\"?\n"
                   "    {\"rtol\": 1, \"iteration\": 2,\n"
                   "                ^\n"
                   "t.json:2:1: error: op.moe: unknown key \"colour?\"; the known ones are "
                   "\"rtol\", \"iterations\"\n"
                   "    \"colour\\n\": 3}\n"
                   "    ^\n"
                   "t.json:2:1: note: unknown key \"colour?\" is kept but not used\n"
                   "    \"colour\\n\": 3}\n"
                   "    ^\n");
    assert_int_equal(tm_diag_count(made->diag, TM_DIAG_ERROR), 2);
    root = parse(made, "{\"iterations\": 2}");
    assert_true(tm_node_only(&made->reader, root, "", known, 2));
    assert_false(tm_node_only(&made->reader, root, "", NULL, 0));
}

static void test_describes(void **state) {
    fixture *made = *state;
    const tm_node *root =
        parse(made, "[\"a\\n\\u0007\", -7, 0.5, true, false, null, [], {},"
                    " \"12345678901234567890123456789012345678901234567890123456789\xc3\xa9xyz\"]");
    static const char *const expected[] = {
        "\"a\\n\\u0007\"",
        "-7",
        "0.5",
        "true",
        "false",
        "null",
        "an array",
        "an object",
        "\"12345678901234567890123456789012345678901234567890123456789...\""};
    size_t index = 0;
    for (const tm_node *node = root->child; node != NULL; node = node->next)
        assert_string_equal(tm_node_describe(made->arena, node), expected[index++]);
    assert_int_equal(index, 9);
}

/* The text of a value, spaces between its tokens apart: nothing is read and written anew. */
static void assert_source(const char *text, const char *expected) {
    void *state;
    setup(&state);
    fixture *made = state;
    const tm_node *node = parse(made, text);
    tm_text line = {0};
    assert_non_null(node);
    tm_json_add_source(&line, node);
    assert_string_equal(tm_text_get(&line), expected);
    tm_text_free(&line);
    teardown(&state);
}

static void test_source_on_one_line(void **state) {
    (void)state;
    assert_source(" {} \n", "{}");
    assert_source("\xef\xbb\xbf\r\n[ 1.0 ,\t1e2, -0\n]", "[1.0,1e2,-0]");
    assert_source("{\"a b\" : \" \\\" \\\\\", \"c\": [ {\"]\" :\n\"}\"} ] }\n",
                  "{\"a b\":\" \\\" \\\\\",\"c\":[{\"]\":\"}\"}]}");
    assert_source("{\"\\u00e9\\/\": \"\\\\\" , \"n\": 0.1000 }",
                  "{\"\\u00e9\\/\":\"\\\\\",\"n\":0.1000}");
}

/* Fast ways of reading and writing agree with the C library's. */
static void test_numbers_read_as_strtod(void **state) {
    fixture *made = *state;
    static const char *const numbers[] = {"0",
                                          "-0",
                                          "-0.0",
                                          "0.1",
                                          "3.5e-6",
                                          "1e22",
                                          "1e23",
                                          "1E+5",
                                          "123456789012345678",
                                          "9007199254740993",
                                          "9007199254740993.0",
                                          "0.30000000000000004",
                                          "1.7976931348623157e308",
                                          "5e-324",
                                          "4.9406564584124654e-324",
                                          "0.000000000000000000000000123",
                                          "1e-22",
                                          "1e-23",
                                          "7.2057594037927933e16",
                                          "1.00000000000000011102230246251565404236316680908203125",
                                          "8.5e0000000000000000000000000000005",
                                          "0e999999999"};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        const tm_node *node = parse(made, numbers[i]);
        assert_non_null(node);
        double expected = strtod(numbers[i], NULL);
        assert_memory_equal(&node->number, &expected, sizeof expected);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_keeps_values_and_places, setup, teardown),
        cmocka_unit_test(test_source_on_one_line),
        cmocka_unit_test_setup_teardown(test_numbers_read_as_strtod, setup, teardown),
        cmocka_unit_test_setup_teardown(test_integers_keep_all_digits, setup, teardown),
        cmocka_unit_test(test_every_fault_has_place_and_message),
        cmocka_unit_test_setup_teardown(test_message_shows_the_line, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reports_all_duplicates, setup, teardown),
        cmocka_unit_test_setup_teardown(test_duplicates_in_large_objects, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nesting_is_limited, setup, teardown),
        cmocka_unit_test_setup_teardown(test_every_cut_is_refused, setup, teardown),
        cmocka_unit_test(test_every_changed_byte_is_judged),
        cmocka_unit_test_setup_teardown(test_parses_rows_of_a_source, setup, teardown),
        cmocka_unit_test(test_prints_values),
        cmocka_unit_test(test_prints_indented),
        cmocka_unit_test(test_long_arrays_are_broken),
        cmocka_unit_test_setup_teardown(test_text_comes_back, setup, teardown),
        cmocka_unit_test(test_rows_of_json_lines),
        cmocka_unit_test_setup_teardown(test_duplicates_below_a_long_key, setup, teardown),
        cmocka_unit_test_setup_teardown(test_getters_take_what_is_there, setup, teardown),
        cmocka_unit_test_setup_teardown(test_getters_say_what_is_wrong, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unknown_keys, setup, teardown),
        cmocka_unit_test_setup_teardown(test_describes, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
