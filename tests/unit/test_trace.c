/* test_trace: a trace is read back as it was written, flashinfer-bench's are accepted, and each
 * state that docs/FORMATS.md's table does not have is refused. */
#include "tests/unit/model_check.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/file.h"
#include "lib/trace.h"

#define WORKLOAD \
    "{'uuid': 'u', 'axes': {'n': 9007199254740993}, 'inputs': {'x': {'type': 'random'}}}"

/* As flashinfer-bench writes one. */
#define GOOD                                                                                      \
    "{'definition': 'd', 'workload': {'uuid': 'u', 'axes': {}, 'inputs': {}}, 'solution': 's',\n" \
    " 'evaluation': {'status': 'PASSED',\n"                                                       \
    "  'environment': {'hardware': 'NVIDIA B200', 'libs': {'torch': '2.8', 'cuda': '12.8'}},\n"   \
    "  'timestamp': '2026-04-30T12:00:00', 'log': 'text',\n"                                      \
    "  'correctness': {'max_relative_error': 0.25, 'max_absolute_error': 1e-9, 'extra': null},\n" \
    "  'performance': {'latency_ms': 0.5, 'reference_latency_ms': 2, 'speedup_factor': 4.0}}}"

static tm_trace fresh(tm_node_reader *reader, tm_status status) {
    bool passed = status == TM_STATUS_PASSED;
    return (tm_trace){.definition = "d",
                      .op_type = "o",
                      .solution = "s",
                      .author = "a",
                      .workload = model_parse(reader, WORKLOAD),
                      .status = status,
                      .reason = passed ? "" : "why",
                      .hardware = "CPU",
                      .libs = {{"cc", "13"}},
                      .lib_count = 1,
                      .timestamp = "2026-01-02T03:04:05Z",
                      .log = "one\ntwo",
                      .has_correctness = passed || status == TM_STATUS_INCORRECT_NUMERICAL,
                      .max_relative_error = 0.1,
                      .max_absolute_error = 1e-300,
                      .has_performance = passed,
                      .latency_ms = 0.3,
                      .reference_latency_ms = 0.6,
                      .speedup_factor = 2};
}

/* A path of the test's own, and the text that was written to it. */
static const char *scratch(tm_node_reader *reader) {
    const char *folder = getenv("TMPDIR");
    return tm_arena_format(reader->arena, "%s/tm_test_trace_%d.json", folder ? folder : "/tmp",
                           (int)getpid());
}

static const tm_source *written(tm_node_reader *reader, tm_trace *trace) {
    const char *path = scratch(reader);
    assert_true(tm_trace_write(path, trace));
    const tm_source *source = tm_file_read(reader->arena, path);
    assert_int_equal(unlink(path), 0);
    assert_non_null(source);
    return source;
}

static tm_trace read_back(tm_node_reader *reader, const tm_source *source) {
    tm_trace trace;
    const tm_node *node = tm_json_parse_all(reader->arena, source, reader->diag);
    bool ok = node != NULL && tm_trace_parse(reader, node, &trace);
    assert_string_equal(model_messages(reader), "");
    assert_true(ok);
    return trace;
}

static void test_written_text(void **state) {
    (void)state;
    tm_node_reader reader = model_begin();
    tm_trace trace = fresh(&reader, TM_STATUS_INCORRECT_NUMERICAL);
    trace.max_relative_error = INFINITY;
    trace.max_absolute_error = NAN;
    trace.correctness_extra = tm_json_object();
    tm_json_set_number(trace.correctness_extra, "matched_ratio", 0.5);
    trace.details = tm_json_object();
    tm_json_set_int(trace.details, "seed", INT64_C(9007199254740993));
    tm_json_set_bool(trace.details, "persistent", true);
    const tm_source *source = written(&reader, &trace);
    assert_null(trace.correctness_extra);
    assert_null(trace.details);
    assert_string_equal(source->text, "{\n"
                                      "  \"definition\": \"d\",\n"
                                      "  \"workload\": {\n"
                                      "    \"uuid\": \"u\",\n"
                                      "    \"axes\": {\n"
                                      "      \"n\": 9007199254740993\n"
                                      "    },\n"
                                      "    \"inputs\": {\n"
                                      "      \"x\": {\n"
                                      "        \"type\": \"random\"\n"
                                      "      }\n"
                                      "    }\n"
                                      "  },\n"
                                      "  \"solution\": \"s\",\n"
                                      "  \"evaluation\": {\n"
                                      "    \"status\": \"INCORRECT_NUMERICAL\",\n"
                                      "    \"environment\": {\n"
                                      "      \"hardware\": \"CPU\",\n"
                                      "      \"libs\": {\n"
                                      "        \"cc\": \"13\"\n"
                                      "      }\n"
                                      "    },\n"
                                      "    \"timestamp\": \"2026-01-02T03:04:05Z\",\n"
                                      "    \"log\": \"one\\ntwo\",\n"
                                      "    \"correctness\": {\n"
                                      "      \"max_relative_error\": \"Infinity\",\n"
                                      "      \"max_absolute_error\": \"NaN\",\n"
                                      "      \"extra\": {\n"
                                      "        \"matched_ratio\": 0.5\n"
                                      "      }\n"
                                      "    },\n"
                                      "    \"performance\": null\n"
                                      "  },\n"
                                      "  \"tracemill\": {\n"
                                      "    \"author\": \"a\",\n"
                                      "    \"op_type\": \"o\",\n"
                                      "    \"reason\": \"why\",\n"
                                      "    \"seed\": 9007199254740993,\n"
                                      "    \"persistent\": true\n"
                                      "  }\n"
                                      "}\n");
    tm_trace back = read_back(&reader, source);
    assert_true(isinf(back.max_relative_error) && back.max_relative_error > 0);
    assert_true(isnan(back.max_absolute_error));
    assert_true(tm_node_get(back.correctness_node, "matched_ratio")->number == 0.5);
    assert_true(tm_node_get(back.details_node, "persistent")->boolean);
    model_end(&reader);
}

static void test_round_trip_of_each_status(void **state) {
    (void)state;
    for (int i = 0; i < TM_STATUS_COUNT; i++) {
        tm_node_reader reader = model_begin();
        tm_trace trace = fresh(&reader, (tm_status)i);
        const tm_source *source = written(&reader, &trace);
        tm_trace back = read_back(&reader, source);
        assert_int_equal(back.status, i);
        assert_string_equal(back.definition, "d");
        assert_string_equal(back.op_type, "o");
        assert_string_equal(back.solution, "s");
        assert_string_equal(back.author, "a");
        assert_string_equal(back.reason, trace.reason);
        assert_string_equal(back.hardware, "CPU");
        assert_int_equal(back.lib_count, 1);
        assert_string_equal(back.libs[0].name, "cc");
        assert_string_equal(back.libs[0].version, "13");
        assert_string_equal(back.timestamp, trace.timestamp);
        assert_string_equal(back.log, "one\ntwo");
        assert_int_equal(back.has_correctness, trace.has_correctness);
        assert_int_equal(back.has_performance, trace.has_performance);
        if (back.has_correctness) {
            assert_true(back.max_relative_error == 0.1);
            assert_true(back.max_absolute_error == 1e-300);
        }
        if (back.has_performance) {
            assert_true(back.latency_ms == 0.3);
            assert_true(back.reference_latency_ms == 0.6);
            assert_true(back.speedup_factor == 2);
        }
        assert_null(back.correctness_node);
        back.workload = model_parse(&reader, WORKLOAD);
        assert_string_equal(written(&reader, &back)->text, source->text);
        model_end(&reader);
    }
}

static void test_void_has_no_evaluation(void **state) {
    (void)state;
    tm_node_reader reader = model_begin();
    tm_trace trace = fresh(&reader, TM_STATUS_VOID);
    const tm_source *source = written(&reader, &trace);
    assert_non_null(strstr(source->text, "\n  \"evaluation\": null,\n"));
    assert_non_null(strstr(source->text, "\n    \"status\": \"VOID\",\n"));
    model_end(&reader);
}

static void check_refused(tm_node_reader *reader, tm_trace trace) {
    const char *path = scratch(reader);
    trace.correctness_extra = tm_json_object(); /* taken in any case */
    errno = 0;
    assert_false(tm_trace_write(path, &trace));
    assert_int_equal(errno, EINVAL);
    assert_null(trace.correctness_extra);
    assert_null(trace.details);
    assert_int_not_equal(access(path, F_OK), 0);
}

static void test_refuses_to_write(void **state) {
    (void)state;
    tm_node_reader reader = model_begin();
    for (int i = 0; i < TM_STATUS_COUNT; i++) {
        tm_trace trace = fresh(&reader, (tm_status)i);
        trace.has_correctness = !trace.has_correctness;
        check_refused(&reader, trace);
        trace = fresh(&reader, (tm_status)i);
        trace.has_performance = !trace.has_performance;
        check_refused(&reader, trace);
    }
    const double bad_latencies[] = {0, -1, NAN, INFINITY};
    for (size_t i = 0; i < 4; i++) {
        tm_trace trace = fresh(&reader, TM_STATUS_PASSED);
        trace.latency_ms = bad_latencies[i];
        check_refused(&reader, trace);
    }
    tm_trace trace = fresh(&reader, TM_STATUS_TIMEOUT);
    trace.hardware = "";
    check_refused(&reader, trace);
    trace = fresh(&reader, TM_STATUS_TIMEOUT);
    trace.workload = NULL;
    check_refused(&reader, trace);
    trace = fresh(&reader, TM_STATUS_TIMEOUT);
    trace.details = tm_json_object();
    tm_json_set_string(trace.details, "reason", "another");
    check_refused(&reader, trace);
    model_end(&reader);
}

static void test_write_fails(void **state) {
    (void)state;
    tm_node_reader reader = model_begin();
    tm_trace trace = fresh(&reader, TM_STATUS_PASSED);
    errno = 0;
    assert_false(tm_trace_write("/dev/null/trace.json", &trace));
    assert_int_equal(errno, ENOTDIR);
    model_end(&reader);
}

/* The log as it comes back, of `count` times `unit`. */
static const char *logged(tm_node_reader *reader, const char *prefix, const char *unit,
                          size_t count) {
    tm_text log = {0};
    tm_text_add(&log, prefix);
    for (size_t i = 0; i < count; i++)
        tm_text_add(&log, unit);
    tm_trace trace = fresh(reader, TM_STATUS_RUNTIME_ERROR);
    trace.log = tm_text_get(&log);
    const tm_source *source = written(reader, &trace);
    tm_text_free(&log);
    return read_back(reader, source).log;
}

static void test_log_limit(void **state) {
    (void)state;
    const size_t limit = TM_TRACE_LOG_LIMIT_BYTES;
    tm_node_reader reader = model_begin();
    const char *log = logged(&reader, "", "x", limit);
    assert_int_equal(strlen(log), limit);
    assert_int_equal(strspn(log, "x"), limit);

    log = logged(&reader, "", "x", limit + 1);
    size_t kept = strspn(log, "x");
    assert_in_range(strlen(log), limit - 80, limit);
    assert_string_equal(log + kept,
                        tm_arena_format(reader.arena,
                                        "\n[%zu bytes dropped: a log holds at most 5242880]\n",
                                        limit + 1 - kept));

    /* Three-byte characters after one byte or two: one of the cuts would fall inside one. */
    for (int shift = 0; shift < 3; shift++) {
        log = logged(&reader, &"xx"[2 - shift], "\xe2\x82\xac", limit / 3 + 1);
        const char *notice = strchr(log, '\n');
        assert_non_null(notice);
        assert_memory_equal(notice - 3, "\xe2\x82\xac", 3);
        assert_int_equal((notice - log - shift) % 3, 0);
        assert_null(strstr(log, "\xef\xbf\xbd"));
        assert_in_range(strlen(log), limit - 83, limit);
    }

    /* Bytes that are no UTF-8 take three when written, and count as such. */
    log = logged(&reader, "", "\xff", limit / 2);
    assert_memory_equal(log, "\xef\xbf\xbd", 3);
    assert_in_range(strlen(log), limit - 83, limit);
    assert_non_null(strstr(log, "bytes dropped"));
    model_end(&reader);
}

static bool is_good(tm_node_reader *reader, const tm_node *node) {
    tm_trace trace;
    return tm_trace_parse(reader, node, &trace);
}

static void test_reads_flashinfer_bench(void **state) {
    (void)state;
    tm_node_reader reader = model_begin();
    tm_trace trace;
    assert_true(tm_trace_parse(&reader, model_parse(&reader, GOOD), &trace));
    assert_string_equal(model_messages(&reader), "");
    assert_int_equal(trace.status, TM_STATUS_PASSED);
    assert_string_equal(trace.author, "");
    assert_string_equal(trace.op_type, "");
    assert_string_equal(trace.reason, "");
    assert_null(trace.details_node);
    assert_null(trace.correctness_node);
    assert_string_equal(trace.hardware, "NVIDIA B200");
    assert_int_equal(trace.lib_count, 2);
    assert_string_equal(trace.libs[1].name, "cuda");
    assert_string_equal(trace.log, "text");
    assert_true(trace.max_relative_error == 0.25);
    assert_true(trace.speedup_factor == 4);
    assert_string_equal(tm_node_get(trace.workload, "uuid")->string, "u");
    model_end(&reader);
}

static void test_row_without_result(void **state) {
    (void)state;
    static const struct {
        const char *text, *solution;
    } rows[] = {
        {"{'definition': 'd', 'workload': {}, 'solution': null, 'evaluation': null}", ""},
        {"{'definition': 'd', 'workload': {}}", ""},
        {"{'definition': 'd', 'workload': {}, 'solution': 's', 'evaluation': null}", "s"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        tm_node_reader reader = model_begin();
        tm_trace trace;
        assert_true(tm_trace_parse(&reader, model_parse(&reader, rows[i].text), &trace));
        assert_string_equal(model_messages(&reader), "");
        assert_int_equal(trace.status, TM_STATUS_VOID);
        assert_string_equal(trace.solution, rows[i].solution);
        assert_string_equal(trace.hardware, "");
        assert_false(trace.has_correctness || trace.has_performance);
        model_end(&reader);
    }
}

#define CORRECTNESS "{'max_relative_error': 0.25, 'max_absolute_error': 1e-9, 'extra': null}"
#define PERFORMANCE "{'latency_ms': 0.5, 'reference_latency_ms': 2, 'speedup_factor': 4.0}"

static void test_complaints(void **state) {
    (void)state;
    static const model_case cases[] = {
        {"'definition': 'd', ", "",
         "1:1: error: definition: expected a string, got nothing; add the key 'definition' to this "
         "object\n"},
        {"{'uuid': 'u', 'axes': {}, 'inputs': {}}", "null",
         "1:33: error: workload: expected an object, got null\n"},
        {"'axes': {}", "'axes': [1, 2]",
         "1:55: error: workload.axes: expected an object, got an array\n"},
        {"'axes': {}", "'axes': null", ""},
        {"'axes': {}, ", "", ""},
        {"'solution': 's'", "'solution': null",
         "1:86: error: solution: expected the solution that was evaluated, got null; name it\n"},
        {", 'solution': 's'", "",
         "1:1: error: solution: expected the solution that was evaluated, got nothing; name it\n"},
        {"'solution': 's'", "'solution': 's', 'extra': 1",
         "1:91: note: unknown key 'extra' is kept but not used\n"},
        /* environment */
        {"'hardware': 'NVIDIA B200', ", "",
         "3:18: error: evaluation.environment.hardware: expected a string, got nothing; add the "
         "key 'hardware' to this object\n"},
        {"'12.8'", "12.8",
         "3:79: error: evaluation.environment.libs.cuda: expected a version in quotes, got 12.8; "
         "write a string\n"},
        {"{'torch': '2.8', 'cuda': '12.8'}", "null", ""},
        {"'cuda': '12.8'",
         "'a': '', 'b': '', 'c': '', 'd': '', 'e': '', 'f': '', 'g': '', 'h': '', 'i': '', 'j': "
         "'', 'k': '', 'l': '', 'm': '', 'n': '', 'o': '', 'p': ''",
         "3:206: warning: evaluation.environment.libs: expected at most 16 libraries, got 17; the "
         "rest is not shown\n"},
        {"'timestamp': '2026-04-30T12:00:00', ", "",
         "2:16: error: evaluation.timestamp: expected a string, got nothing; add the key "
         "'timestamp' to this object\n"},
        {"'log': 'text'", "'log': ['text']",
         "4:46: error: evaluation.log: expected a string, got an array\n"},
        /* the table of statuses */
        {"'PASSED'", "'PASSD'",
         "2:27: error: evaluation.status: expected one of PASSED, INCORRECT_SHAPE, "
         "INCORRECT_NUMERICAL, INCORRECT_DTYPE, RUNTIME_ERROR, COMPILE_ERROR, TIMEOUT, got "
         "'PASSD'; did you mean 'PASSED'?\n"},
        {"'PASSED'", "'VOID'",
         "2:27: error: evaluation.status: expected one of PASSED, INCORRECT_SHAPE, "
         "INCORRECT_NUMERICAL, INCORRECT_DTYPE, RUNTIME_ERROR, COMPILE_ERROR, TIMEOUT, got 'VOID'; "
         "run the cell again\n"},
        {"'PASSED'", "'INCORRECT_NUMERICAL'",
         "6:18: error: evaluation.performance: expected null with status 'INCORRECT_NUMERICAL', "
         "got an object; run the cell again\n"},
        {"'PASSED'", "'INCORRECT_SHAPE'",
         "5:18: error: evaluation.correctness: expected null with status 'INCORRECT_SHAPE', got an "
         "object; run the cell again\n"
         "6:18: error: evaluation.performance: expected null with status 'INCORRECT_SHAPE', got an "
         "object; run the cell again\n"},
        {"'PASSED'", "'INCORRECT_DTYPE'",
         "5:18: error: evaluation.correctness: expected null with status 'INCORRECT_DTYPE', got an "
         "object; run the cell again\n"
         "6:18: error: evaluation.performance: expected null with status 'INCORRECT_DTYPE', got an "
         "object; run the cell again\n"},
        {"'PASSED'", "'RUNTIME_ERROR'",
         "5:18: error: evaluation.correctness: expected null with status 'RUNTIME_ERROR', got an "
         "object; run the cell again\n"
         "6:18: error: evaluation.performance: expected null with status 'RUNTIME_ERROR', got an "
         "object; run the cell again\n"},
        {"'PASSED'", "'COMPILE_ERROR'",
         "5:18: error: evaluation.correctness: expected null with status 'COMPILE_ERROR', got an "
         "object; run the cell again\n"
         "6:18: error: evaluation.performance: expected null with status 'COMPILE_ERROR', got an "
         "object; run the cell again\n"},
        {"'PASSED'", "'TIMEOUT'",
         "5:18: error: evaluation.correctness: expected null with status 'TIMEOUT', got an object; "
         "run the cell again\n"
         "6:18: error: evaluation.performance: expected null with status 'TIMEOUT', got an object; "
         "run the cell again\n"},
        {CORRECTNESS, "null",
         "5:18: error: evaluation.correctness: expected an object with status 'PASSED', got null; "
         "run the cell again\n"},
        {PERFORMANCE, "null",
         "6:18: error: evaluation.performance: expected an object with status 'PASSED', got null; "
         "run the cell again\n"},
        {",\n  'performance': " PERFORMANCE, "",
         "2:16: error: evaluation.performance: expected an object with status 'PASSED', got "
         "nothing; run the cell again\n"},
        {CORRECTNESS, "0.25",
         "5:18: error: evaluation.correctness: expected an object with status 'PASSED', got 0.25; "
         "run the cell again\n"},
        /* numbers */
        {"0.25", "-0.25",
         "5:41: error: evaluation.correctness.max_relative_error: expected a number >= 0, "
         "'Infinity' or 'NaN', got -0.25; run the cell again\n"},
        {"0.25", "'Infinity'", ""},
        {"0.25", "'NaN'", ""},
        {"0.25", "'-Infinity'",
         "5:41: error: evaluation.correctness.max_relative_error: expected a number >= 0, "
         "'Infinity' or 'NaN', got '-Infinity'; run the cell again\n"},
        {"0.25", "null",
         "5:41: error: evaluation.correctness.max_relative_error: expected a number >= 0, "
         "'Infinity' or 'NaN', got null; run the cell again\n"},
        {"'max_absolute_error': 1e-9, ", "",
         "5:18: error: evaluation.correctness.max_absolute_error: expected a number >= 0, "
         "'Infinity' or 'NaN', got nothing; run the cell again\n"},
        {"'latency_ms': 0.5", "'latency_ms': 0",
         "6:33: error: evaluation.performance.latency_ms: expected a number > 0, got 0; run the "
         "cell again\n"},
        {"'latency_ms': 0.5", "'latency_ms': 'Infinity'",
         "6:33: error: evaluation.performance.latency_ms: expected a number > 0, got 'Infinity'; "
         "run the cell again\n"},
        {"'reference_latency_ms': 2", "'reference_latency_ms': 0", ""},
        {"'reference_latency_ms': 2", "'reference_latency_ms': -2",
         "6:62: error: evaluation.performance.reference_latency_ms: expected a number >= 0, got "
         "-2; run the cell again\n"},
        {"'speedup_factor': 4.0", "'speedup_factor': null",
         "6:83: error: evaluation.performance.speedup_factor: expected a number >= 0, got null; "
         "run the cell again\n"},
        /* tracemill */
        {"4.0}}}", "4.0}}, 'tracemill': {'author': 3, 'reason': null}}",
         "6:114: error: tracemill.author: expected a string, got 3; put it in quotes\n"},
        {"4.0}}}", "4.0}}, 'tracemill': {'status': 'VOID'}}",
         "6:114: error: tracemill.status: expected nothing beside an evaluation, got 'VOID'; run "
         "the cell again\n"},
    };
    model_check_cases(GOOD, cases, sizeof cases / sizeof cases[0], is_good);
}

static void test_void_complaints(void **state) {
    (void)state;
    static const char text[] =
        "{'definition': 'd', 'workload': {}, 'solution': 's', 'evaluation': null,\n"
        " 'tracemill': {'status': 'VOID', 'environment': {'hardware': 'CPU', 'libs': {}}}}";
    static const model_case cases[] = {
        {"'VOID'", "'PASSED'",
         "2:26: error: tracemill.status: expected 'VOID' as evaluation is null, got 'PASSED'; run "
         "the cell again\n"},
        {"'VOID'", "null",
         "2:26: error: tracemill.status: expected 'VOID' as evaluation is null, got null; run the "
         "cell again\n"},
        {"'CPU'", "9",
         "2:62: error: tracemill.environment.hardware: expected a string, got 9; put it in "
         "quotes\n"},
    };
    model_check_cases(text, cases, sizeof cases / sizeof cases[0], is_good);
}

static void test_no_object(void **state) {
    (void)state;
    tm_node_reader reader = model_begin();
    assert_false(is_good(&reader, model_parse(&reader, "'x'")));
    assert_string_equal(model_messages(&reader), "1:1: error: expected a trace, an object, got "
                                                 "'x'; run the cell again\n");
    model_end(&reader);
}

static void test_status_names(void **state) {
    (void)state;
    for (int i = 0; i < TM_STATUS_COUNT; i++) {
        tm_status status = TM_STATUS_COUNT;
        assert_true(tm_status_parse(tm_status_name((tm_status)i), &status));
        assert_int_equal(status, i);
    }
    tm_status status;
    assert_false(tm_status_parse("passed", &status));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_written_text),
        cmocka_unit_test(test_round_trip_of_each_status),
        cmocka_unit_test(test_void_has_no_evaluation),
        cmocka_unit_test(test_refuses_to_write),
        cmocka_unit_test(test_write_fails),
        cmocka_unit_test(test_log_limit),
        cmocka_unit_test(test_reads_flashinfer_bench),
        cmocka_unit_test(test_row_without_result),
        cmocka_unit_test(test_complaints),
        cmocka_unit_test(test_void_complaints),
        cmocka_unit_test(test_no_object),
        cmocka_unit_test(test_status_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
