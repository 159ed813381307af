#include "reports/html_cells.h"

#include <string.h>

#include "lib/file.h"
#include "reports/doubt.h"
#include "reports/html_texts.h"
#include "reports/page_json.h"
#include "reports/samples.h"
#include "reports/score.h"

/* What of a long log is shown: its beginning and its end. */
#define LOG_HEAD ((size_t)6000)
#define LOG_TAIL ((size_t)6000)

static double detail_number(const tm_model_cell *cell, const char *key) {
    const tm_node *node = tm_html_data_detail(cell, key);
    return node != NULL && node->type == TM_NODE_NUMBER && node->number > 0.0 ? node->number : 0.0;
}

static void add_status(tm_html_page *page, const tm_model_cell *cell) {
    int status = TM_STATUS_COUNT;
    switch (cell->state) {
    case TM_MODEL_RAN:
        status = (int)cell->trace.status;
        break;
    case TM_MODEL_NOT_RUN:
        break;
    case TM_MODEL_BROKEN:
        status += 1;
        break;
    case TM_MODEL_WAITING:
        status += 2;
        break;
    }
    tm_page_json_int(page->text, status);
}

static bool is_timed(const tm_model_cell *cell) {
    return cell->state == TM_MODEL_RAN && cell->trace.has_performance;
}

static void add_latency(tm_html_page *page, const tm_model_cell *cell) {
    tm_page_json_number(page->text, is_timed(cell) ? cell->trace.latency_ms : 0.0);
}

static void add_reference(tm_html_page *page, const tm_model_cell *cell) {
    tm_page_json_number(page->text, is_timed(cell) ? cell->trace.reference_latency_ms : 0.0);
}

static void add_percent(tm_html_page *page, const tm_model_cell *cell) {
    tm_page_json_number(page->text, tm_score_percent(cell));
}

static bool is_compared(const tm_model_cell *cell) {
    return cell->state == TM_MODEL_RAN && cell->trace.has_correctness;
}

static void add_absolute(tm_html_page *page, const tm_model_cell *cell) {
    tm_page_json_number(page->text, is_compared(cell) ? cell->trace.max_absolute_error : -1.0);
}

static void add_relative(tm_html_page *page, const tm_model_cell *cell) {
    tm_page_json_number(page->text, is_compared(cell) ? cell->trace.max_relative_error : -1.0);
}

static void add_flags(tm_html_page *page, const tm_model_cell *cell) {
    int64_t bits = 0;
    for (int i = 0; i < TM_DOUBT_COUNT; i++)
        if (tm_doubt_is_cast(cell, (tm_doubt)i))
            bits |= (int64_t)1 << i;
    tm_page_json_int(page->text, bits);
}

static void add_low(tm_html_page *page, const tm_model_cell *cell) {
    tm_page_json_number(page->text, detail_number(cell, "median_low_ns"));
}

static void add_high(tm_html_page *page, const tm_model_cell *cell) {
    tm_page_json_number(page->text, detail_number(cell, "median_high_ns"));
}

/* A string, as in the command: numbers of a page have 53 bits. */
static void add_seed(tm_html_page *page, const tm_model_cell *cell) {
    double seed = detail_number(cell, "seed");
    tm_page_json_string(page->text, seed > 0.0 ? tm_arena_format(page->arena, "%.0f", seed) : NULL);
}

static void add_reason(tm_html_page *page, const tm_model_cell *cell) {
    tm_page_json_int(page->text, tm_html_texts_put(page->texts, cell->reason));
}

static void add_log(tm_html_page *page, const tm_model_cell *cell) {
    const char *log = cell->state == TM_MODEL_RAN ? cell->trace.log : "";
    size_t length = strlen(log);
    if (length > LOG_HEAD + LOG_TAIL)
        log = tm_arena_format(page->arena, "%.*s\n[... %zu bytes are left out here ...]\n%s",
                              (int)LOG_HEAD, log, length - LOG_HEAD - LOG_TAIL,
                              log + length - LOG_TAIL);
    tm_page_json_int(page->text, tm_html_texts_put(page->texts, log));
}

static void add_log_path(tm_html_page *page, const tm_model_cell *cell) {
    tm_page_json_int(page->text,
                     tm_html_texts_put(page->texts, cell->log_path != NULL ? cell->log_path : ""));
}

static void add_extra(tm_html_page *page, const tm_model_cell *cell) {
    static const char *const keys[] = {"evaluator", "matched_ratio", "relative_l2", "tvd",
                                       "tvd_limit"};
    const tm_node *extra = is_compared(cell) ? cell->trace.correctness_node : NULL;
    if (extra == NULL) {
        tm_page_json_int(page->text, 0);
        return;
    }
    tm_page_json_open(page->text, '{');
    for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
        const tm_node *node = tm_node_get(extra, keys[i]);
        if (node == NULL)
            continue;
        tm_page_json_key(page->text, keys[i]);
        tm_page_json_node(page->text, node);
    }
    tm_page_json_close(page->text, '}');
}

static void add_trials(tm_html_page *page, const tm_model_cell *cell) {
    static const char *const keys[] = {
        "samples", "min_ns", "p10_ns", "median_ns", "p90_ns", "mean_ns", "standard_deviation_ns"};
    const tm_node *trials = tm_html_data_detail(cell, "trials");
    tm_page_json_open(page->text, '[');
    for (const tm_node *trial = trials != NULL ? trials->child : NULL; trial != NULL;
         trial = trial->next) {
        tm_page_json_open(page->text, '[');
        for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
            const tm_node *node = tm_node_get(trial, keys[i]);
            tm_page_json_number(page->text,
                                node != NULL && node->type == TM_NODE_NUMBER ? node->number : 0.0);
        }
        tm_page_json_close(page->text, ']');
    }
    tm_page_json_close(page->text, ']');
}

/* In memory of its own: only the text of the page stays. */
static void add_samples(tm_html_page *page, const tm_model_cell *cell) {
    tm_samples samples = {0};
    tm_arena *scratch = tm_arena_create();
    bool timed = cell->state == TM_MODEL_RAN && tm_html_data_detail(cell, "trials") != NULL;
    const char *path = timed ? tm_trace_beside(scratch, cell->trace_path, ".samples") : NULL;
    if (path != NULL &&
        tm_samples_read(scratch, tm_file_join(scratch, page->origin->build, path), &samples)) {
        tm_page_json_open(page->text, '[');
        tm_page_json_number(page->text, samples.low_ns);
        tm_page_json_number(page->text, samples.high_ns);
        tm_page_json_number(page->text, samples.max_ns);
        tm_page_json_string(page->text, samples.levels);
        tm_page_json_close(page->text, ']');
    } else {
        tm_page_json_int(page->text, 0);
    }
    tm_arena_destroy(scratch);
}

typedef struct {
    const char *key;
    void (*add)(tm_html_page *page, const tm_model_cell *cell);
    bool is_detail; /* left out of a page of very many cells */
} column;

static const column columns[] = {{"status", add_status, false},
                                 {"latency_ms", add_latency, false},
                                 {"reference_ms", add_reference, false},
                                 {"percent", add_percent, false},
                                 {"absolute", add_absolute, false},
                                 {"relative", add_relative, false},
                                 {"flags", add_flags, false},
                                 {"reason", add_reason, false},
                                 {"seed", add_seed, false},
                                 {"low_ns", add_low, true},
                                 {"high_ns", add_high, true},
                                 {"log", add_log, true},
                                 {"log_path", add_log_path, true},
                                 {"extra", add_extra, true},
                                 {"trials", add_trials, true},
                                 {"samples", add_samples, true}};

static void add_column(tm_html_page *page, const column *one) {
    const tm_model *model = page->model;
    tm_page_json_key(page->text, one->key);
    tm_page_json_open(page->text, '[');
    for (size_t i = 0; i < model->definition_count; i++)
        for (size_t j = 0; j < model->definitions[i].solution_count; j++)
            for (size_t k = 0; k < model->definitions[i].workload_count; k++)
                one->add(page, &model->definitions[i].solutions[j].cells[k]);
    tm_page_json_close(page->text, ']');
}

void tm_html_cells_add(tm_html_page *page) {
    tm_page_json_key(page->text, "cells");
    tm_page_json_open(page->text, '{');
    for (size_t i = 0; i < sizeof(columns) / sizeof(*columns); i++)
        if (page->detailed || !columns[i].is_detail)
            add_column(page, &columns[i]);
    tm_page_json_close(page->text, '}');
}
