#include "reports/junit.h"

#include <stdlib.h>
#include <string.h>

#include "reports/figure.h"

#define LOG_TAIL_BYTES 4096

/* Whether XML 1.0 allows the well-formed character, other than DEL. */
static bool is_allowed(const char *bytes, size_t length) {
    unsigned char first = (unsigned char)bytes[0];
    if (length == 3 &&
        (memcmp(bytes, "\xef\xbf\xbe", 3) == 0 || memcmp(bytes, "\xef\xbf\xbf", 3) == 0))
        return false;
    return (first >= 0x20 && first != 0x7f) || first == '\t' || first == '\n';
}

void tm_junit_add_escaped(tm_text *text, const char *raw) {
    size_t rest = strlen(raw);
    for (const char *bytes = raw; rest > 0;) {
        size_t length = tm_text_utf8_bytes(bytes, rest);
        if (length == 0)
            tm_text_add(text, "\xef\xbf\xbd");
        else if (*bytes == '&')
            tm_text_add(text, "&amp;");
        else if (*bytes == '<')
            tm_text_add(text, "&lt;");
        else if (*bytes == '>')
            tm_text_add(text, "&gt;");
        else if (*bytes == '"')
            tm_text_add(text, "&quot;");
        else if (is_allowed(bytes, length))
            tm_text_add_bytes(text, bytes, length);
        size_t taken = length == 0 ? 1 : length;
        bytes += taken;
        rest -= taken;
    }
}

static void add_attribute(tm_text *text, const char *name, const char *value) {
    tm_text_format(text, " %s=\"", name);
    tm_junit_add_escaped(text, value);
    tm_text_add(text, "\"");
}

/* ---- cases ---- */

/* The element that says why a cell is not a pass, or NULL for a pass. */
static const char *verdict_element(const tm_model_cell *cell) {
    if (cell->state == TM_MODEL_NOT_RUN || cell->state == TM_MODEL_WAITING)
        return "skipped";
    if (cell->state == TM_MODEL_BROKEN)
        return "error";
    switch (cell->trace.status) {
    case TM_STATUS_PASSED:
        return NULL;
    case TM_STATUS_INCORRECT_SHAPE:
    case TM_STATUS_INCORRECT_NUMERICAL:
    case TM_STATUS_INCORRECT_DTYPE:
        return "failure";
    case TM_STATUS_RUNTIME_ERROR:
    case TM_STATUS_COMPILE_ERROR:
    case TM_STATUS_TIMEOUT:
        return "error";
    case TM_STATUS_VOID:
    case TM_STATUS_COUNT:
        break;
    }
    return "skipped";
}

static double latency_s(const tm_model_cell *cell) {
    bool timed = cell->state == TM_MODEL_RAN && cell->trace.has_performance;
    return timed ? cell->trace.latency_ms / 1e3 : 0.0;
}

/* The end of a log, from the start of a character on. */
static const char *log_tail(const char *log) {
    size_t length = strlen(log);
    if (length <= LOG_TAIL_BYTES)
        return log;
    log += length - LOG_TAIL_BYTES;
    while (((unsigned char)*log & 0xc0) == 0x80)
        log++;
    return log;
}

static void add_verdict(tm_arena *arena, tm_text *text, const char *element,
                        const tm_model_cell *cell) {
    const char *status = tm_figure_status(cell);
    const char *message =
        cell->reason[0] != '\0' ? tm_arena_format(arena, "%s: %s", status, cell->reason) : status;
    tm_text_format(text, "      <%s", element);
    add_attribute(text, "message", message);
    if (strcmp(element, "skipped") == 0) {
        tm_text_add(text, "/>\n");
        return;
    }
    add_attribute(text, "type", status);
    tm_text_add(text, ">");
    const char *evidence = cell->log_path != NULL ? cell->log_path : cell->trace_path;
    tm_junit_add_escaped(
        text, tm_arena_format(arena, "%s\nsee %s\nrun %s\n", message, evidence, cell->command));
    if (cell->state == TM_MODEL_RAN)
        tm_junit_add_escaped(text, log_tail(cell->trace.log));
    tm_text_format(text, "</%s>\n", element);
}

static void add_cell(tm_arena *arena, tm_text *text, const tm_model_definition *definition,
                     const tm_model_solution *solution, size_t index) {
    const tm_model_cell *cell = &solution->cells[index];
    const tm_model_workload *workload = &definition->workloads[index];
    tm_text_add(text, "    <testcase");
    add_attribute(text, "classname", definition->name);
    add_attribute(text, "name", tm_figure_cell(arena, solution, workload));
    tm_text_format(text, " time=\"%.9f\"", latency_s(cell));
    const char *element = verdict_element(cell);
    if (element == NULL) {
        tm_text_add(text, "/>\n");
        return;
    }
    tm_text_add(text, ">\n");
    add_verdict(arena, text, element, cell);
    tm_text_add(text, "    </testcase>\n");
}

static void add_gap(tm_arena *arena, tm_text *text, const char *suite, const tm_not_planned *gap) {
    tm_text_add(text, "    <testcase");
    add_attribute(text, "classname", suite);
    add_attribute(text, "name", tm_arena_format(arena, "%s %s", gap->kind, gap->name));
    tm_text_add(text, " time=\"0\">\n      <skipped");
    add_attribute(text, "message", tm_arena_format(arena, "not planned: %s", gap->reason));
    tm_text_add(text, "/>\n    </testcase>\n");
}

/* ---- suites ---- */

/* One suite: a planned definition, gaps of the plan, or both. */
typedef struct {
    const char *name;
    const tm_model_definition *definition; /* or NULL */
    const tm_not_planned *const *gaps;
    size_t gap_count;
} junit_suite;

typedef struct {
    size_t tests, failures, errors, skipped;
    double time_s;
} junit_counts;

static const char *gap_suite(const tm_not_planned *gap) {
    if (gap->definition != NULL)
        return gap->definition;
    return strcmp(gap->kind, "definition") == 0 ? gap->name : "not planned";
}

static int compare_gaps(const void *left, const void *right) {
    const tm_not_planned *const *left_gap = left, *const *right_gap = right;
    int order = strcmp(gap_suite(*left_gap), gap_suite(*right_gap));
    if (order == 0)
        return *left_gap < *right_gap ? -1 : *left_gap > *right_gap; /* the model's order */
    return order;
}

static int compare_suites(const void *left, const void *right) {
    const junit_suite *left_suite = left, *right_suite = right;
    return strcmp(left_suite->name, right_suite->name);
}

/* The definitions with cells in the plan's order, and after them the names that only gaps have. */
static size_t make_suites(tm_arena *arena, const tm_model *model, junit_suite **out) {
    size_t gap_count = model->not_planned_count, planned = 0;
    const tm_not_planned **gaps = tm_arena_array(arena, gap_count, sizeof(*gaps));
    for (size_t i = 0; i < gap_count; i++)
        gaps[i] = &model->not_planned[i];
    qsort(gaps, gap_count, sizeof(*gaps), compare_gaps);
    junit_suite *suites =
        tm_arena_array(arena, model->definition_count + gap_count, sizeof(*suites));
    for (size_t i = 0; i < model->definition_count; i++)
        if (model->definitions[i].score.cells + model->definitions[i].score.waiting > 0)
            suites[planned++] = (junit_suite){.name = model->definitions[i].name,
                                              .definition = &model->definitions[i]};
    qsort(suites, planned, sizeof(*suites), compare_suites);
    size_t count = planned;
    for (size_t begin = 0, end; begin < gap_count; begin = end) {
        junit_suite key = {.name = gap_suite(gaps[begin])};
        for (end = begin + 1; end < gap_count && strcmp(gap_suite(gaps[end]), key.name) == 0;)
            end++;
        junit_suite *suite = bsearch(&key, suites, planned, sizeof(*suites), compare_suites);
        if (suite == NULL) {
            suite = &suites[count++];
            *suite = key;
        }
        suite->gaps = &gaps[begin];
        suite->gap_count = end - begin;
    }
    *out = suites;
    return count;
}

static junit_counts count_suite(const junit_suite *suite) {
    junit_counts counts = {.tests = suite->gap_count, .skipped = suite->gap_count};
    const tm_model_definition *definition = suite->definition;
    for (size_t i = 0; definition != NULL && i < definition->solution_count; i++) {
        for (size_t j = 0; j < definition->workload_count; j++) {
            const tm_model_cell *cell = &definition->solutions[i].cells[j];
            const char *element = verdict_element(cell);
            counts.tests++;
            counts.failures += element != NULL && strcmp(element, "failure") == 0;
            counts.errors += element != NULL && strcmp(element, "error") == 0;
            counts.skipped += element != NULL && strcmp(element, "skipped") == 0;
            counts.time_s += latency_s(cell);
        }
    }
    return counts;
}

static void add_counts(tm_text *text, const junit_counts *counts) {
    tm_text_format(
        text, " tests=\"%zu\" failures=\"%zu\" errors=\"%zu\" skipped=\"%zu\" time=\"%.9f\"",
        counts->tests, counts->failures, counts->errors, counts->skipped, counts->time_s);
}

static void add_suite(tm_arena *arena, tm_text *text, const junit_suite *suite) {
    junit_counts counts = count_suite(suite);
    tm_text_add(text, "  <testsuite");
    add_attribute(text, "name", suite->name);
    add_counts(text, &counts);
    tm_text_add(text, ">\n");
    const tm_model_definition *definition = suite->definition;
    for (size_t i = 0; definition != NULL && i < definition->solution_count; i++)
        for (size_t j = 0; j < definition->workload_count; j++)
            add_cell(arena, text, definition, &definition->solutions[i], j);
    for (size_t i = 0; i < suite->gap_count; i++)
        add_gap(arena, text, suite->name, suite->gaps[i]);
    tm_text_add(text, "  </testsuite>\n");
}

const char *tm_junit_format(tm_arena *arena, const tm_model *model) {
    junit_suite *suites;
    size_t count = make_suites(arena, model, &suites);
    junit_counts total = {0};
    for (size_t i = 0; i < count; i++) {
        junit_counts counts = count_suite(&suites[i]);
        total.tests += counts.tests;
        total.failures += counts.failures;
        total.errors += counts.errors;
        total.skipped += counts.skipped;
        total.time_s += counts.time_s;
    }
    tm_text text = {0};
    tm_text_add(&text,
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"tracemill\"");
    add_counts(&text, &total);
    tm_text_add(&text, ">\n");
    for (size_t i = 0; i < count; i++)
        add_suite(arena, &text, &suites[i]);
    tm_text_add(&text, "</testsuites>\n");
    const char *result = tm_arena_copy(arena, tm_text_get(&text), text.length);
    tm_text_free(&text);
    return result;
}
