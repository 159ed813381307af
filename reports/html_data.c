#include "reports/html_data.h"

#include <string.h>

#include "lib/file.h"
#include "reports/code.h"
#include "reports/doubt.h"
#include "reports/html_gate.h"
#include "reports/html_texts.h"
#include "reports/page_json.h"
#include "reports/ranking.h"
#include "reports/samples.h"
#include "reports/score.h"

/* What of a long log is shown: its beginning and its end. */
#define LOG_HEAD ((size_t)6000)
#define LOG_TAIL ((size_t)6000)
/* Of a source its beginning. */
#define SOURCE_HEAD ((size_t)64000)

typedef struct {
    tm_arena *arena;
    tm_text *text;
    const tm_model *model;
    const tm_html_origin *origin;
    tm_html_texts *texts;
    bool detailed;
} writer;

static void set_string(tm_text *text, const char *key, const char *value) {
    tm_page_json_key(text, key);
    tm_page_json_string(text, value);
}

static void set_int(tm_text *text, const char *key, size_t value) {
    tm_page_json_key(text, key);
    tm_page_json_int(text, (int64_t)value);
}

static void set_number(tm_text *text, const char *key, double value) {
    tm_page_json_key(text, key);
    tm_page_json_number(text, value);
}

static void set_strings(tm_text *text, const char *key, const char *const *strings) {
    tm_page_json_key(text, key);
    tm_page_json_open(text, '[');
    for (; strings != NULL && *strings != NULL; strings++)
        tm_page_json_string(text, *strings);
    tm_page_json_close(text, ']');
}

static const tm_node *detail(const tm_model_cell *cell, const char *key) {
    return cell->state == TM_MODEL_RAN ? tm_node_get(cell->trace.details_node, key) : NULL;
}

static double detail_number(const tm_model_cell *cell, const char *key) {
    const tm_node *node = detail(cell, key);
    return node != NULL && node->type == TM_NODE_NUMBER && node->number > 0.0 ? node->number : 0.0;
}

/* ---- the run ---- */

/* Of the newest trace: what is installed may have changed since older ones. */
static const tm_trace *newest_trace(const tm_model *model) {
    const tm_trace *newest = NULL;
    for (size_t i = 0; i < model->definition_count; i++)
        for (size_t j = 0; j < model->definitions[i].solution_count; j++)
            for (size_t k = 0; k < model->definitions[i].workload_count; k++) {
                const tm_model_cell *cell = &model->definitions[i].solutions[j].cells[k];
                if (cell->state == TM_MODEL_RAN && cell->trace.lib_count > 0 &&
                    (newest == NULL || strcmp(cell->trace.timestamp, newest->timestamp) > 0))
                    newest = &cell->trace;
            }
    return newest;
}

static void add_run(writer *page) {
    tm_text *text = page->text;
    const tm_model *model = page->model;
    tm_page_json_open(text, '{');
    set_string(text, "backend", model->backend);
    set_strings(text, "arch", model->arch);
    set_strings(text, "hardware", model->hardware);
    set_string(text, "newest", model->newest);
    set_string(text, "commit", page->origin->commit);
    tm_page_json_key(text, "libs");
    tm_page_json_open(text, '{');
    const tm_trace *newest = newest_trace(model);
    for (size_t i = 0; newest != NULL && i < newest->lib_count; i++)
        set_string(text, newest->libs[i].name, newest->libs[i].version);
    tm_page_json_close(text, '}');
    set_number(text, "judging_ms", model->score.judging_ms);
    set_number(text, "protocol_ms", model->score.protocol_ms);
    set_int(text, "dataset_errors", (size_t)model->dataset_errors);
    set_strings(text, "diagnostics", model->dataset_diagnostics);
    set_int(text, "detailed", page->detailed);
    tm_page_json_close(text, '}');
}

static void add_names(writer *page) {
    tm_text *text = page->text;
    tm_page_json_key(text, "statuses");
    tm_page_json_open(text, '[');
    for (int i = 0; i < TM_STATUS_COUNT; i++)
        tm_page_json_string(text, tm_status_name((tm_status)i));
    tm_page_json_string(text, "NOT_RUN");
    tm_page_json_string(text, "BROKEN_TRACE");
    tm_page_json_string(text, "WAITING");
    tm_page_json_close(text, ']');
    tm_page_json_key(text, "flags");
    tm_page_json_open(text, '[');
    for (int i = 0; i < TM_DOUBT_COUNT; i++) {
        tm_page_json_open(text, '{');
        set_string(text, "name", tm_doubt_name((tm_doubt)i));
        set_string(text, "advice", tm_doubt_advice(page->arena, (tm_doubt)i, &(tm_score){0}));
        set_string(text, "of_all", tm_doubt_advice(page->arena, (tm_doubt)i, &page->model->score));
        set_int(text, "grave", tm_doubt_is_grave((tm_doubt)i));
        tm_page_json_close(text, '}');
    }
    tm_page_json_close(text, ']');
}

/* ---- definitions ---- */

/* A fact of the row that any cell which knows it says alike. */
static const tm_node *row_detail(const tm_model_definition *definition, size_t workload,
                                 const char *key) {
    for (size_t i = 0; i < definition->solution_count; i++) {
        if (definition->solutions[i].needs != NULL)
            continue;
        const tm_node *node = detail(&definition->solutions[i].cells[workload], key);
        if (node != NULL)
            return node;
    }
    return NULL;
}

static void add_workload(writer *page, const tm_model_definition *definition, size_t index) {
    static const char *const facts[] = {"limit_ns", "limited_by", "floor_ns"};
    const tm_model_workload *workload = &definition->workloads[index];
    tm_page_json_open(page->text, '{');
    set_string(page->text, "uuid", workload->uuid);
    tm_page_json_key(page->text, "axes");
    tm_page_json_node(page->text, workload->axes_node);
    for (size_t i = 0; i < sizeof(facts) / sizeof(*facts); i++) {
        const tm_node *fact = row_detail(definition, index, facts[i]);
        if (fact == NULL)
            continue;
        tm_page_json_key(page->text, facts[i]);
        tm_page_json_node(page->text, fact);
    }
    if (workload->weak != NULL) {
        tm_page_json_key(page->text, "weak");
        tm_page_json_node(page->text, workload->weak);
    }
    tm_page_json_close(page->text, '}');
}

static const char *source_file(const writer *page, const char *name) {
    const tm_html_origin *origin = page->origin;
    const char *path = tm_code_path(page->arena, name, origin->build, origin->srcdir);
    return path != NULL ? path : tm_file_join(page->arena, origin->build, name); /* unpacked */
}

static void add_sources(writer *page, const tm_model_solution *solution) {
    if (!page->detailed || solution->sources == NULL)
        return;
    tm_page_json_key(page->text, "sources");
    tm_page_json_open(page->text, '[');
    for (const char *const *name = solution->sources; *name != NULL; name++) {
        const char *path = source_file(page, *name), *shown = strchr(*name, '/');
        const tm_source *source = tm_file_read(page->arena, path);
        if (source == NULL)
            continue;
        const char *text = source->text;
        if (strlen(text) > SOURCE_HEAD)
            text = tm_arena_format(page->arena, "%.*s\n[... the rest is left out ...]\n",
                                   (int)SOURCE_HEAD, text);
        tm_page_json_open(page->text, '[');
        tm_page_json_string(page->text, **name == '$' && shown != NULL ? shown + 1 : *name);
        tm_page_json_int(page->text, tm_html_texts_put(page->texts, text));
        tm_page_json_close(page->text, ']');
    }
    tm_page_json_close(page->text, ']');
}

static void add_solution(writer *page, const tm_model_definition *definition,
                         const tm_model_solution *solution) {
    tm_text *text = page->text;
    tm_page_json_open(text, '{');
    set_string(text, "name", solution->name);
    set_string(text, "author", solution->author);
    set_string(text, "language", solution->language);
    if (solution->needs != NULL)
        set_string(text, "needs", solution->needs);
    add_sources(page, solution);
    if (solution->objects != NULL) {
        tm_page_json_key(text, "objects");
        tm_page_json_open(text, '[');
        for (size_t i = 0; i < definition->workload_count; i++)
            tm_page_json_string(text, solution->objects[i]);
        tm_page_json_close(text, ']');
    }
    tm_page_json_close(text, '}');
}

static void add_definition(writer *page, const tm_model_definition *definition) {
    tm_text *text = page->text;
    tm_page_json_open(text, '{');
    set_string(text, "name", definition->name);
    set_string(text, "op_type", definition->op_type);
    set_string(text, "reference", definition->reference);
    set_string(text, "best", definition->best != NULL ? definition->best->name : NULL);
    tm_page_json_key(text, "workloads");
    tm_page_json_open(text, '[');
    for (size_t i = 0; i < definition->workload_count; i++)
        add_workload(page, definition, i);
    tm_page_json_close(text, ']');
    tm_page_json_key(text, "solutions");
    tm_page_json_open(text, '[');
    for (size_t i = 0; i < definition->solution_count; i++)
        add_solution(page, definition, &definition->solutions[i]);
    tm_page_json_close(text, ']');
    tm_page_json_close(text, '}');
}

/* ---- cells ---- */

static void add_status(writer *page, const tm_model_cell *cell) {
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

static void add_latency(writer *page, const tm_model_cell *cell) {
    tm_page_json_number(page->text, is_timed(cell) ? cell->trace.latency_ms : 0.0);
}

static void add_reference(writer *page, const tm_model_cell *cell) {
    tm_page_json_number(page->text, is_timed(cell) ? cell->trace.reference_latency_ms : 0.0);
}

static void add_percent(writer *page, const tm_model_cell *cell) {
    tm_page_json_number(page->text, tm_score_percent(cell));
}

static bool is_compared(const tm_model_cell *cell) {
    return cell->state == TM_MODEL_RAN && cell->trace.has_correctness;
}

static void add_absolute(writer *page, const tm_model_cell *cell) {
    tm_page_json_number(page->text, is_compared(cell) ? cell->trace.max_absolute_error : -1.0);
}

static void add_relative(writer *page, const tm_model_cell *cell) {
    tm_page_json_number(page->text, is_compared(cell) ? cell->trace.max_relative_error : -1.0);
}

static void add_flags(writer *page, const tm_model_cell *cell) {
    int64_t bits = 0;
    for (int i = 0; i < TM_DOUBT_COUNT; i++)
        if (tm_doubt_is_cast(cell, (tm_doubt)i))
            bits |= (int64_t)1 << i;
    tm_page_json_int(page->text, bits);
}

static void add_low(writer *page, const tm_model_cell *cell) {
    tm_page_json_number(page->text, detail_number(cell, "median_low_ns"));
}

static void add_high(writer *page, const tm_model_cell *cell) {
    tm_page_json_number(page->text, detail_number(cell, "median_high_ns"));
}

/* A string, as in the command: numbers of a page have 53 bits. */
static void add_seed(writer *page, const tm_model_cell *cell) {
    double seed = detail_number(cell, "seed");
    tm_page_json_string(page->text, seed > 0.0 ? tm_arena_format(page->arena, "%.0f", seed) : NULL);
}

static void add_reason(writer *page, const tm_model_cell *cell) {
    tm_page_json_int(page->text, tm_html_texts_put(page->texts, cell->reason));
}

static void add_log(writer *page, const tm_model_cell *cell) {
    const char *log = cell->state == TM_MODEL_RAN ? cell->trace.log : "";
    size_t length = strlen(log);
    if (length > LOG_HEAD + LOG_TAIL)
        log = tm_arena_format(page->arena, "%.*s\n[... %zu bytes are left out here ...]\n%s",
                              (int)LOG_HEAD, log, length - LOG_HEAD - LOG_TAIL,
                              log + length - LOG_TAIL);
    tm_page_json_int(page->text, tm_html_texts_put(page->texts, log));
}

static void add_log_path(writer *page, const tm_model_cell *cell) {
    tm_page_json_int(page->text,
                     tm_html_texts_put(page->texts, cell->log_path != NULL ? cell->log_path : ""));
}

static void add_extra(writer *page, const tm_model_cell *cell) {
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

static void add_trials(writer *page, const tm_model_cell *cell) {
    static const char *const keys[] = {
        "samples", "min_ns", "p10_ns", "median_ns", "p90_ns", "mean_ns", "standard_deviation_ns"};
    const tm_node *trials = detail(cell, "trials");
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
static void add_samples(writer *page, const tm_model_cell *cell) {
    tm_samples samples = {0};
    tm_arena *scratch = tm_arena_create();
    bool timed = cell->state == TM_MODEL_RAN && detail(cell, "trials") != NULL;
    size_t stem = timed ? strlen(cell->trace_path) - strlen(".json") : 0;
    const char *path =
        timed ? tm_arena_format(scratch, "%.*s.samples", (int)stem, cell->trace_path) : "";
    if (timed &&
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
    void (*add)(writer *page, const tm_model_cell *cell);
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

static void add_column(writer *page, const column *one) {
    const tm_model *model = page->model;
    tm_page_json_key(page->text, one->key);
    tm_page_json_open(page->text, '[');
    for (size_t i = 0; i < model->definition_count; i++)
        for (size_t j = 0; j < model->definitions[i].solution_count; j++)
            for (size_t k = 0; k < model->definitions[i].workload_count; k++)
                one->add(page, &model->definitions[i].solutions[j].cells[k]);
    tm_page_json_close(page->text, ']');
}

static void add_cells(writer *page) {
    tm_page_json_key(page->text, "cells");
    tm_page_json_open(page->text, '{');
    for (size_t i = 0; i < sizeof(columns) / sizeof(*columns); i++)
        if (page->detailed || !columns[i].is_detail)
            add_column(page, &columns[i]);
    tm_page_json_close(page->text, '}');
}

/* ---- authors ---- */

/* Where a win@p curve has its points. */
static const double marks[] = {0.1,  0.25, 0.5,  0.67, 0.8,  0.9,  0.95, 1.0,
                               1.05, 1.1,  1.25, 1.5,  1.75, 2.0,  2.5,  3.0,
                               4.0,  5.0,  7.5,  10.0, 15.0, 20.0, 50.0, 100.0};

static void add_score(tm_text *text, const char *key, const tm_ranking_score *score) {
    tm_page_json_key(text, key);
    tm_page_json_open(text, '{');
    set_int(text, "definitions", score->definitions);
    set_int(text, "workloads", score->ratio_count);
    set_number(text, "mean", score->mean);
    set_number(text, "geomean", score->geomean);
    set_number(text, "win_rate", score->win_rate);
    tm_page_json_key(text, "win_at");
    tm_page_json_open(text, '[');
    for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++)
        tm_page_json_number(text, tm_ranking_win_at(score, marks[i]));
    tm_page_json_close(text, ']');
    tm_page_json_close(text, '}');
}

static void add_ranking(writer *page) {
    tm_text *text = page->text;
    tm_ranking ranking = tm_ranking_make(page->arena, page->model);
    tm_page_json_open(text, '{');
    set_int(text, "no_baseline", ranking.no_baseline);
    set_int(text, "many_baselines", ranking.many_baselines);
    tm_page_json_key(text, "marks");
    tm_page_json_open(text, '[');
    for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++)
        tm_page_json_number(text, marks[i]);
    tm_page_json_close(text, ']');
    tm_page_json_key(text, "authors");
    tm_page_json_open(text, '[');
    for (size_t i = 0; i < ranking.author_count; i++) {
        const tm_ranking_author *author = &ranking.authors[i];
        tm_page_json_open(text, '{');
        set_string(text, "name", author->name);
        set_int(text, "definitions", author->definitions);
        set_int(text, "solutions", author->solutions);
        set_int(text, "cells", author->cells);
        set_int(text, "passed", author->passed);
        add_score(text, "reference", &author->reference);
        add_score(text, "baseline", &author->baseline);
        tm_page_json_close(text, '}');
    }
    tm_page_json_close(text, ']');
    tm_page_json_close(text, '}');
}

/* ---- what has no cells ---- */

static void add_left_out(tm_text *text, const tm_not_planned *entries, size_t count) {
    tm_page_json_open(text, '[');
    for (size_t i = 0; i < count; i++) {
        tm_page_json_open(text, '[');
        tm_page_json_string(text, entries[i].kind);
        tm_page_json_string(text, entries[i].name);
        tm_page_json_string(text, entries[i].definition);
        tm_page_json_string(text, entries[i].reason);
        tm_page_json_close(text, ']');
    }
    tm_page_json_close(text, ']');
}

void tm_html_data_add(tm_arena *arena, tm_text *text, const tm_model *model,
                      const tm_html_origin *origin) {
    writer page = {.arena = arena,
                   .text = text,
                   .model = model,
                   .origin = origin,
                   .texts = tm_html_texts_create(arena),
                   .detailed = model->score.cells <= TM_HTML_DATA_MAX_DETAILED};
    tm_page_json_open(text, '{');
    tm_page_json_key(text, "run");
    add_run(&page);
    add_names(&page);
    tm_page_json_key(text, "definitions");
    tm_page_json_open(text, '[');
    for (size_t i = 0; i < model->definition_count; i++)
        add_definition(&page, &model->definitions[i]);
    tm_page_json_close(text, ']');
    add_cells(&page);
    if (origin->gate != NULL) {
        tm_page_json_key(text, "gate");
        tm_html_gate_add(arena, text, model, origin->gate);
    }
    tm_page_json_key(text, "ranking");
    add_ranking(&page);
    tm_page_json_key(text, "not_planned");
    add_left_out(text, model->not_planned, model->not_planned_count);
    tm_page_json_key(text, "waiting");
    add_left_out(text, model->waiting, model->waiting_count);
    tm_page_json_key(text, "texts");
    tm_html_texts_add(page.texts, text);
    tm_page_json_close(text, '}');
}
