#include "lib/trace.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/field.h"
#include "lib/file.h"
#include "lib/text.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static const char *const status_names[TM_STATUS_COUNT] = {
    [TM_STATUS_PASSED] = "PASSED",
    [TM_STATUS_INCORRECT_SHAPE] = "INCORRECT_SHAPE",
    [TM_STATUS_INCORRECT_NUMERICAL] = "INCORRECT_NUMERICAL",
    [TM_STATUS_INCORRECT_DTYPE] = "INCORRECT_DTYPE",
    [TM_STATUS_RUNTIME_ERROR] = "RUNTIME_ERROR",
    [TM_STATUS_COMPILE_ERROR] = "COMPILE_ERROR",
    [TM_STATUS_TIMEOUT] = "TIMEOUT",
    [TM_STATUS_VOID] = "VOID",
};

/* The members of `tracemill` that this file writes; `details` must not repeat them. */
static const char *const own_keys[] = {"author",      "op_type",   "reason", "status",
                                       "environment", "timestamp", "log"};

const char *tm_status_name(tm_status status) {
    return status_names[status];
}

bool tm_status_parse(const char *name, tm_status *status) {
    for (int i = 0; i < TM_STATUS_COUNT; i++) {
        if (strcmp(name, status_names[i]) == 0) {
            *status = (tm_status)i;
            return true;
        }
    }
    return false;
}

/* docs/FORMATS.md, Trace: which statuses carry which part. */
static bool has_correctness(tm_status status) {
    return status == TM_STATUS_PASSED || status == TM_STATUS_INCORRECT_NUMERICAL;
}

static bool has_performance(tm_status status) {
    return status == TM_STATUS_PASSED;
}

/* ---- writing ---- */

static bool is_given(const char *string) {
    return string != NULL && string[0] != '\0';
}

static bool is_consistent(const tm_trace *trace) {
    if (!is_given(trace->definition) || !is_given(trace->solution) || trace->workload == NULL ||
        !is_given(trace->hardware) || !is_given(trace->timestamp) ||
        trace->has_correctness != has_correctness(trace->status) ||
        trace->has_performance != has_performance(trace->status))
        return false;
    return !trace->has_performance || (isfinite(trace->latency_ms) && trace->latency_ms > 0);
}

/* The length of the longest prefix of whole characters that takes at most `limit` bytes once each
 * byte that is no UTF-8 has become U+FFFD; all of it when *whole comes back true. */
static size_t fitting_bytes(const char *text, size_t limit, bool *whole) {
    size_t length = strlen(text), used = 0, at = 0;
    while (at < length) {
        size_t bytes = tm_text_utf8_bytes(text + at, length - at);
        size_t written = bytes == 0 ? 3 : bytes;
        if (used + written > limit)
            break;
        used += written;
        at += bytes == 0 ? 1 : bytes;
    }
    *whole = at == length;
    return at;
}

static void set_log(tm_json *object, const char *log) {
    static const size_t notice_bytes = 80; /* at most */
    const char *text = log != NULL ? log : "";
    bool whole;
    fitting_bytes(text, TM_TRACE_LOG_LIMIT_BYTES, &whole);
    if (whole) {
        tm_json_set_string(object, "log", text);
        return;
    }
    size_t kept = fitting_bytes(text, TM_TRACE_LOG_LIMIT_BYTES - notice_bytes, &whole);
    tm_text cut = {0};
    tm_text_add_bytes(&cut, text, kept);
    tm_text_format(&cut, "\n[%zu bytes dropped: a log holds at most %zu]\n", strlen(text) - kept,
                   TM_TRACE_LOG_LIMIT_BYTES);
    tm_json_set_string(object, "log", tm_text_get(&cut));
    tm_text_free(&cut);
}

/* environment, timestamp and log: of `evaluation`, or of `tracemill` when that is null. */
static void set_circumstances(tm_json *object, const tm_trace *trace) {
    tm_json *environment = tm_json_object(), *libs = tm_json_object();
    for (size_t i = 0; i < trace->lib_count; i++)
        tm_json_set_string(libs, trace->libs[i].name, trace->libs[i].version);
    tm_json_set_string(environment, "hardware", trace->hardware);
    tm_json_set(environment, "libs", libs);
    tm_json_set(object, "environment", environment);
    tm_json_set_string(object, "timestamp", trace->timestamp);
    set_log(object, trace->log);
}

static void set_correctness(tm_json *evaluation, tm_trace *trace) {
    if (!trace->has_correctness) {
        tm_json_set_null(evaluation, "correctness");
        return;
    }
    tm_json *correctness = tm_json_object();
    tm_json_set_number(correctness, "max_relative_error", trace->max_relative_error);
    tm_json_set_number(correctness, "max_absolute_error", trace->max_absolute_error);
    if (trace->correctness_extra != NULL)
        tm_json_set(correctness, "extra", trace->correctness_extra);
    else
        tm_json_set_null(correctness, "extra");
    trace->correctness_extra = NULL;
    tm_json_set(evaluation, "correctness", correctness);
}

static void set_performance(tm_json *evaluation, const tm_trace *trace) {
    if (!trace->has_performance) {
        tm_json_set_null(evaluation, "performance");
        return;
    }
    tm_json *performance = tm_json_object();
    tm_json_set_number(performance, "latency_ms", trace->latency_ms);
    tm_json_set_number(performance, "reference_latency_ms", trace->reference_latency_ms);
    tm_json_set_number(performance, "speedup_factor", trace->speedup_factor);
    tm_json_set(evaluation, "performance", performance);
}

static void set_evaluation(tm_json *root, tm_trace *trace) {
    if (trace->status == TM_STATUS_VOID) {
        tm_json_set_null(root, "evaluation");
        return;
    }
    tm_json *evaluation = tm_json_object();
    tm_json_set_string(evaluation, "status", tm_status_name(trace->status));
    set_circumstances(evaluation, trace);
    set_correctness(evaluation, trace);
    set_performance(evaluation, trace);
    tm_json_set(root, "evaluation", evaluation);
}

/* Appends the members of `details`, read back from its text as a tm_json cannot be walked. False
 * when one has a name of ours. */
static bool add_details(tm_json *own, const tm_json *details) {
    bool ok = false;
    tm_arena *arena = tm_arena_create();
    char *text = tm_json_print(details, false);
    tm_source source = {"details", text, strlen(text)};
    const tm_node *object = tm_json_parse_all(arena, &source, tm_diag_create(arena));
    if (object == NULL || object->type != TM_NODE_OBJECT)
        goto out;
    for (size_t i = 0; i < COUNT(own_keys); i++)
        if (tm_node_get(object, own_keys[i]) != NULL)
            goto out;
    for (const tm_node *member = object->child; member != NULL; member = member->next)
        tm_json_set_node(own, member->key, member);
    ok = true;
out:
    free(text);
    tm_arena_destroy(arena);
    return ok;
}

static bool set_tracemill(tm_json *root, const tm_trace *trace) {
    tm_json *own = tm_json_object();
    tm_json_set_string(own, "author", trace->author);
    tm_json_set_string(own, "op_type", trace->op_type);
    tm_json_set_string(own, "reason", is_given(trace->reason) ? trace->reason : NULL);
    if (trace->status == TM_STATUS_VOID) {
        tm_json_set_string(own, "status", tm_status_name(trace->status));
        set_circumstances(own, trace);
    }
    bool ok = trace->details == NULL || add_details(own, trace->details);
    tm_json_set(root, "tracemill", own);
    return ok;
}

static bool write_consistent(const char *path, tm_trace *trace) {
    tm_json *root = tm_json_object();
    tm_json_set_string(root, "definition", trace->definition);
    tm_json_set_node(root, "workload", trace->workload);
    tm_json_set_string(root, "solution", trace->solution);
    set_evaluation(root, trace);
    char *text = NULL;
    bool ok = set_tracemill(root, trace);
    if (ok) {
        text = tm_json_print(root, true);
        ok = tm_file_write(path, text, strlen(text), NULL);
    } else {
        errno = EINVAL;
    }
    int result_errno = errno;
    free(text);
    tm_json_free(root);
    errno = result_errno;
    return ok;
}

bool tm_trace_write(const char *path, tm_trace *trace) {
    bool ok = is_consistent(trace);
    if (ok)
        ok = write_consistent(path, trace);
    else
        errno = EINVAL;
    int result_errno = errno;
    tm_json_free(trace->correctness_extra);
    tm_json_free(trace->details);
    trace->correctness_extra = trace->details = NULL;
    errno = result_errno;
    return ok;
}

/* ---- reading ---- */

static void read_libs(tm_node_reader *reader, const tm_node *environment, const char *where,
                      tm_trace *trace) {
    const tm_node *libs = tm_node_may(reader, environment, where, "libs", TM_NODE_OBJECT);
    const char *libs_where = tm_field_join(reader->arena, where, "libs");
    for (const tm_node *lib = libs != NULL ? libs->child : NULL; lib != NULL; lib = lib->next) {
        if (lib->type != TM_NODE_STRING) {
            tm_diag_error(reader->diag, lib->place,
                          tm_field_join(reader->arena, libs_where, lib->key),
                          "expected a version in quotes, got %s; write a string",
                          tm_node_describe(reader->arena, lib));
        } else if (trace->lib_count == COUNT(trace->libs)) {
            tm_diag_add(reader->diag, TM_DIAG_WARNING, tm_node_key_place(lib), libs_where,
                        "expected at most %zu libraries, got %zu; the rest is not shown",
                        COUNT(trace->libs), libs->count);
            return;
        } else {
            trace->libs[trace->lib_count++] = (tm_trace_lib){lib->key, lib->string};
        }
    }
}

static void read_environment(tm_node_reader *reader, const tm_node *environment, const char *where,
                             tm_trace *trace) {
    static const char *const keys[] = {"hardware", "libs"};
    tm_node_need_string(reader, environment, where, "hardware", &trace->hardware);
    read_libs(reader, environment, where, trace);
    tm_node_note_unknown(reader, environment, where, keys, COUNT(keys));
}

typedef enum { FROM_ZERO, ABOVE_ZERO, ERROR_SIZE } number_range;

static bool take_number(const tm_node *node, number_range range, double *number) {
    if (node == NULL)
        return false;
    if (node->type == TM_NODE_NUMBER) {
        *number = node->number;
        return isfinite(node->number) &&
               (range == ABOVE_ZERO ? node->number > 0 : node->number >= 0);
    }
    if (range != ERROR_SIZE || node->type != TM_NODE_STRING)
        return false;
    bool is_infinite = strcmp(node->string, "Infinity") == 0;
    *number = is_infinite ? INFINITY : NAN;
    return is_infinite || strcmp(node->string, "NaN") == 0;
}

static void read_number(tm_node_reader *reader, const tm_node *object, const char *where,
                        const char *key, number_range range, double *number) {
    static const char *const expected[] = {
        [FROM_ZERO] = "a number >= 0",
        [ABOVE_ZERO] = "a number > 0",
        [ERROR_SIZE] = "a number >= 0, \"Infinity\" or \"NaN\"",
    };
    const tm_node *node = tm_node_get(object, key);
    if (!take_number(node, range, number))
        tm_diag_error(reader->diag, node != NULL ? node->place : object->place,
                      tm_field_join(reader->arena, where, key),
                      "expected %s, got %s; run the cell again", expected[range],
                      node != NULL ? tm_node_describe(reader->arena, node) : "nothing");
}

/* A part that the status demands or forbids: its object, else NULL. */
static const tm_node *read_part(tm_node_reader *reader, const tm_node *evaluation, const char *key,
                                tm_status status, bool demanded) {
    const tm_node *node = tm_node_get(evaluation, key);
    bool is_object = node != NULL && node->type == TM_NODE_OBJECT;
    bool is_absent = node == NULL || node->type == TM_NODE_NULL;
    if (demanded ? is_object : is_absent)
        return demanded ? node : NULL;
    tm_diag_error(reader->diag, node != NULL ? node->place : evaluation->place,
                  tm_field_join(reader->arena, "evaluation", key),
                  "expected %s with status \"%s\", got %s; run the cell again",
                  demanded ? "an object" : "null", tm_status_name(status),
                  node != NULL ? tm_node_describe(reader->arena, node) : "nothing");
    return NULL;
}

static void read_correctness(tm_node_reader *reader, const tm_node *node, tm_trace *trace) {
    static const char *const keys[] = {"max_relative_error", "max_absolute_error", "extra"};
    const char *where = "evaluation.correctness";
    read_number(reader, node, where, "max_relative_error", ERROR_SIZE, &trace->max_relative_error);
    read_number(reader, node, where, "max_absolute_error", ERROR_SIZE, &trace->max_absolute_error);
    const tm_node *extra = tm_node_get(node, "extra");
    if (extra != NULL && extra->type != TM_NODE_NULL)
        trace->correctness_node = extra;
    trace->has_correctness = true;
    tm_node_note_unknown(reader, node, where, keys, COUNT(keys));
}

static void read_performance(tm_node_reader *reader, const tm_node *node, tm_trace *trace) {
    static const char *const keys[] = {"latency_ms", "reference_latency_ms", "speedup_factor"};
    const char *where = "evaluation.performance";
    read_number(reader, node, where, "latency_ms", ABOVE_ZERO, &trace->latency_ms);
    read_number(reader, node, where, "reference_latency_ms", FROM_ZERO,
                &trace->reference_latency_ms);
    read_number(reader, node, where, "speedup_factor", FROM_ZERO, &trace->speedup_factor);
    trace->has_performance = true;
    tm_node_note_unknown(reader, node, where, keys, COUNT(keys));
}

static bool read_status(tm_node_reader *reader, const tm_node *evaluation, tm_status *status) {
    const char *name = NULL;
    if (!tm_node_need_string(reader, evaluation, "evaluation", "status", &name))
        return false;
    if (tm_status_parse(name, status) && *status != TM_STATUS_VOID)
        return true;
    tm_diag_error(
        reader->diag, tm_node_get(evaluation, "status")->place, "evaluation.status",
        "expected one of %s, got \"%s\"; %s",
        tm_field_list(reader->arena, status_names, TM_STATUS_VOID), name,
        tm_field_hint(reader->arena, name, status_names, TM_STATUS_VOID, "run the cell again"));
    return false;
}

static void read_evaluation(tm_node_reader *reader, const tm_node *evaluation, tm_trace *trace) {
    static const char *const keys[] = {"status", "environment", "timestamp",
                                       "log",    "correctness", "performance"};
    const tm_node *environment =
        tm_node_need(reader, evaluation, "evaluation", "environment", TM_NODE_OBJECT);
    if (environment != NULL)
        read_environment(reader, environment, "evaluation.environment", trace);
    tm_node_need_string(reader, evaluation, "evaluation", "timestamp", &trace->timestamp);
    tm_node_may_string(reader, evaluation, "evaluation", "log", &trace->log);
    tm_node_note_unknown(reader, evaluation, "evaluation", keys, COUNT(keys));
    if (!read_status(reader, evaluation, &trace->status))
        return;
    const tm_node *correctness =
        read_part(reader, evaluation, "correctness", trace->status, has_correctness(trace->status));
    if (correctness != NULL)
        read_correctness(reader, correctness, trace);
    const tm_node *performance =
        read_part(reader, evaluation, "performance", trace->status, has_performance(trace->status));
    if (performance != NULL)
        read_performance(reader, performance, trace);
}

static void read_own(tm_node_reader *reader, const tm_node *own, bool is_void, tm_trace *trace) {
    trace->details_node = own;
    tm_node_may_string(reader, own, "tracemill", "author", &trace->author);
    tm_node_may_string(reader, own, "tracemill", "op_type", &trace->op_type);
    tm_node_may_string(reader, own, "tracemill", "reason", &trace->reason);
    const tm_node *status = tm_node_get(own, "status");
    if (status != NULL &&
        (!is_void || status->type != TM_NODE_STRING || strcmp(status->string, "VOID") != 0))
        tm_diag_error(reader->diag, status->place, "tracemill.status",
                      "expected %s, got %s; run the cell again",
                      is_void ? "\"VOID\" as evaluation is null" : "nothing beside an evaluation",
                      tm_node_describe(reader->arena, status));
    if (!is_void)
        return;
    const tm_node *environment =
        tm_node_may(reader, own, "tracemill", "environment", TM_NODE_OBJECT);
    if (environment != NULL)
        read_environment(reader, environment, "tracemill.environment", trace);
    tm_node_may_string(reader, own, "tracemill", "timestamp", &trace->timestamp);
    tm_node_may_string(reader, own, "tracemill", "log", &trace->log);
}

bool tm_trace_parse(tm_node_reader *reader, const tm_node *node, tm_trace *trace) {
    static const char *const keys[] = {"definition", "workload", "solution", "evaluation",
                                       "tracemill"};
    size_t errors_before = tm_diag_count(reader->diag, TM_DIAG_ERROR);
    *trace = (tm_trace){.definition = "",
                        .op_type = "",
                        .solution = "",
                        .author = "",
                        .status = TM_STATUS_VOID,
                        .reason = "",
                        .hardware = "",
                        .timestamp = "",
                        .log = ""};
    if (node->type != TM_NODE_OBJECT) {
        tm_diag_error(reader->diag, node->place, NULL,
                      "expected a trace, an object, got %s; run the cell again",
                      tm_node_describe(reader->arena, node));
        return false;
    }
    tm_node_need_string(reader, node, "", "definition", &trace->definition);
    trace->workload = tm_node_need(reader, node, "", "workload", TM_NODE_OBJECT);
    if (trace->workload != NULL)
        tm_node_may(reader, trace->workload, "workload", "axes", TM_NODE_OBJECT);
    tm_node_may_string(reader, node, "", "solution", &trace->solution);
    const tm_node *evaluation = tm_node_may(reader, node, "", "evaluation", TM_NODE_OBJECT);
    const tm_node *own = tm_node_may(reader, node, "", "tracemill", TM_NODE_OBJECT);
    const tm_node *solution = tm_node_get(node, "solution");
    if (evaluation != NULL && (solution == NULL || solution->type == TM_NODE_NULL))
        tm_diag_error(reader->diag, solution != NULL ? solution->place : node->place, "solution",
                      "expected the solution that was evaluated, got %s; name it",
                      solution != NULL ? "null" : "nothing");
    if (evaluation != NULL)
        read_evaluation(reader, evaluation, trace);
    if (own != NULL)
        read_own(reader, own, evaluation == NULL, trace);
    tm_node_note_unknown(reader, node, "", keys, COUNT(keys));
    return tm_diag_count(reader->diag, TM_DIAG_ERROR) == errors_before;
}

const char *tm_trace_beside(tm_arena *arena, const char *path, const char *ending) {
    if (!tm_text_ends_with(path, ".json"))
        return NULL;
    return tm_arena_format(arena, "%.*s%s", (int)(strlen(path) - strlen(".json")), path, ending);
}
