/* What report.html is written with: JSON inside a script, texts, and samples made small. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "reports/html_texts.h"
#include "reports/page_json.h"
#include "reports/samples.h"
#include "tests/unit/model_check.h"

static void test_hostile(void **state) {
    (void)state;
    static const struct {
        const char *text, *json;
    } cases[] = {{"plain \xc3\xa9", "\"plain \xc3\xa9\""},
                 {"</script><!--", "\"\\u003c/script>\\u003c!--\""},
                 {"\"\\\n\t\x01", "\"\\\"\\\\\\n\\u0009\\u0001\""},
                 {"cut \xc3", "\"cut \xef\xbf\xbd\""},
                 {"\xff<", "\"\xef\xbf\xbd\\u003c\""},
                 {"", "\"\""}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        tm_text text = {0};
        tm_page_json_string(&text, cases[i].text);
        assert_string_equal(tm_text_get(&text), cases[i].json);
        tm_text_free(&text);
    }
}

static void test_values(void **state) {
    (void)state;
    tm_text text = {0};
    tm_page_json_open(&text, '{');
    tm_page_json_key(&text, "list");
    tm_page_json_open(&text, '[');
    tm_page_json_int(&text, -3);
    tm_page_json_number(&text, 0.123456789);
    tm_page_json_number(&text, INFINITY);
    tm_page_json_number(&text, NAN);
    tm_page_json_string(&text, NULL);
    tm_page_json_open(&text, '[');
    tm_page_json_close(&text, ']');
    tm_page_json_open(&text, '{');
    tm_page_json_close(&text, '}');
    tm_page_json_close(&text, ']');
    tm_page_json_key(&text, "next");
    tm_page_json_string(&text, "[");
    tm_page_json_close(&text, '}');
    assert_string_equal(tm_text_get(&text),
                        "{\"list\":[-3,0.123457,\"Infinity\",\"NaN\",null,[],{}],\"next\":\"[\"}");
    tm_text_free(&text);
}

static void test_node(void **state) {
    (void)state;
    tm_node_reader reader = model_begin();
    tm_text text = {0};
    tm_page_json_node(&text,
                      model_parse(&reader, "{'<k>': [1, 2.5, true, null, 'x'], 'o': {'a': {}}}"));
    assert_string_equal(tm_text_get(&text),
                        "{\"\\u003ck>\":[1,2.5,true,null,\"x\"],\"o\":{\"a\":{}}}");
    tm_text_free(&text);
    model_end(&reader);
}

static void test_texts(void **state) {
    (void)state;
    tm_arena *arena = tm_arena_create();
    tm_html_texts *texts = tm_html_texts_create(arena);
    assert_int_equal(tm_html_texts_put(texts, ""), 0);
    assert_int_equal(tm_html_texts_put(texts, "a"), 1);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(tm_html_texts_put(texts, tm_arena_format(arena, "text %d", i)), i + 2);
    assert_int_equal(tm_html_texts_put(texts, "text 500"), 502);
    assert_int_equal(tm_html_texts_put(texts, "a"), 1);
    tm_arena_destroy(arena);
}

/* Behind the limit a text gives way to a line that says so; those that are there stay. */
static void test_texts_limit(void **state) {
    (void)state;
    tm_arena *arena = tm_arena_create();
    tm_html_texts *texts = tm_html_texts_create(arena);
    char *half = tm_arena_alloc(arena, TM_HTML_TEXTS_MAX_BYTES / 2 + 2);
    memset(half, 'x', TM_HTML_TEXTS_MAX_BYTES / 2 + 1);
    assert_int_equal(tm_html_texts_put(texts, half), 1);
    half[0] = 'y';
    assert_int_equal(tm_html_texts_put(texts, half), 2);
    assert_int_equal(tm_html_texts_put(texts, half), 2);
    assert_int_equal(tm_html_texts_put(texts, "short"), 3);
    tm_text text = {0};
    tm_html_texts_add(texts, &text);
    assert_non_null(strstr(tm_text_get(&text), "\"left out: this page has too many"));
    assert_true(text.length < TM_HTML_TEXTS_MAX_BYTES);
    tm_text_free(&text);
    tm_arena_destroy(arena);
}

static void test_samples(void **state) {
    (void)state;
    tm_arena *arena = tm_arena_create();
    tm_samples samples;
    assert_true(tm_samples_parse(arena,
                                 "{\"unit\":\"ns\",\"trials\":[\n{\"device\":[100,162],\"wall\":"
                                 "[9999,9]},\n{\"device\":[131]}\n]}\n",
                                 &samples));
    assert_int_equal(samples.count, 3);
    assert_true(samples.low_ns == 100 && samples.high_ns == 162 && samples.max_ns == 162);
    assert_string_equal(samples.levels, "A-.f"); /* 0, 62 and 31 of 62 */
    tm_arena_destroy(arena);
}

/* One slow call does not squeeze the others into one level: it lies beyond. */
static void test_slow_sample(void **state) {
    (void)state;
    tm_arena *arena = tm_arena_create();
    tm_samples samples;
    assert_true(tm_samples_parse(
        arena, "\"device\":[100,101,102,103,104,105,106,107,108,110,90000]", &samples));
    assert_true(samples.low_ns == 100 && samples.max_ns == 90000);
    assert_true(samples.high_ns == 130); /* three times as far as the 90th percentile, 110 */
    assert_string_equal(samples.levels, "ACEGIKMORV_");
    tm_arena_destroy(arena);
}

static void test_no_samples(void **state) {
    (void)state;
    static const char *const texts[] = {"",
                                        "{\"trials\":[]}",
                                        "\"device\":[]",
                                        "\"device\":[1,2",
                                        "\"device\":[1 2]",
                                        "\"device\":[1,x]",
                                        "\"device\":[-1]",
                                        "\"device\":[nan]",
                                        "\"device\":7"};
    tm_arena *arena = tm_arena_create();
    tm_samples samples;
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        assert_false(tm_samples_parse(arena, texts[i], &samples));
    assert_false(tm_samples_read(arena, "tests/no/such/file", &samples));
    assert_false(tm_samples_read(arena, "tests", &samples));
    tm_arena_destroy(arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hostile),     cmocka_unit_test(test_values),
        cmocka_unit_test(test_node),        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_texts_limit), cmocka_unit_test(test_samples),
        cmocka_unit_test(test_slow_sample), cmocka_unit_test(test_no_samples)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
