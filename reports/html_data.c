#include "reports/html_data.h"

#include <string.h>

#include "lib/instant.h"
#include "reports/doubt.h"
#include "reports/html_cells.h"
#include "reports/html_definition.h"
#include "reports/html_gate.h"
#include "reports/html_ranking.h"
#include "reports/html_texts.h"
#include "reports/page_json.h"

const tm_node *tm_html_data_detail(const tm_model_cell *cell, const char *key) {
    return cell->state == TM_MODEL_RAN ? tm_node_get(cell->trace.details_node, key) : NULL;
}

/* Of the newest trace: what is installed may have changed since older ones. */
static const tm_trace *newest_trace(const tm_model *model) {
    const tm_trace *newest = NULL;
    for (size_t i = 0; i < model->definition_count; i++)
        for (size_t j = 0; j < model->definitions[i].solution_count; j++)
            for (size_t k = 0; k < model->definitions[i].workload_count; k++) {
                const tm_model_cell *cell = &model->definitions[i].solutions[j].cells[k];
                if (cell->state == TM_MODEL_RAN && cell->trace.lib_count > 0 &&
                    (newest == NULL ||
                     tm_instant_compare(cell->trace.timestamp, newest->timestamp) > 0))
                    newest = &cell->trace;
            }
    return newest;
}

static void add_run(tm_html_page *page) {
    tm_text *text = page->text;
    const tm_model *model = page->model;
    tm_page_json_open(text, '{');
    tm_page_json_set_string(text, "backend", model->backend);
    tm_page_json_set_strings(text, "arch", model->arch);
    tm_page_json_set_strings(text, "hardware", model->hardware);
    tm_page_json_set_string(text, "newest", model->newest);
    tm_page_json_set_string(text, "commit", page->origin->commit);
    tm_page_json_key(text, "libs");
    tm_page_json_open(text, '{');
    const tm_trace *newest = newest_trace(model);
    for (size_t i = 0; newest != NULL && i < newest->lib_count; i++)
        tm_page_json_set_string(text, newest->libs[i].name, newest->libs[i].version);
    tm_page_json_close(text, '}');
    tm_page_json_set_number(text, "judging_ms", model->score.judging_ms);
    tm_page_json_set_number(text, "protocol_ms", model->score.protocol_ms);
    tm_page_json_set_int(text, "dataset_errors", (size_t)model->dataset_errors);
    tm_page_json_set_strings(text, "diagnostics", model->dataset_diagnostics);
    tm_page_json_set_int(text, "detailed", page->detailed);
    tm_page_json_close(text, '}');
}

static void add_names(tm_html_page *page) {
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
        tm_page_json_set_string(text, "name", tm_doubt_name((tm_doubt)i));
        tm_page_json_set_string(text, "advice",
                                tm_doubt_advice(page->arena, (tm_doubt)i, &(tm_score){0}));
        tm_page_json_set_string(text, "of_all",
                                tm_doubt_advice(page->arena, (tm_doubt)i, &page->model->score));
        tm_page_json_set_int(text, "grave", tm_doubt_is_grave((tm_doubt)i));
        tm_page_json_close(text, '}');
    }
    tm_page_json_close(text, ']');
}

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
    tm_html_page page = {.arena = arena,
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
        tm_html_definition_add(&page, &model->definitions[i]);
    tm_page_json_close(text, ']');
    tm_html_cells_add(&page);
    if (origin->gate != NULL) {
        tm_page_json_key(text, "gate");
        tm_html_gate_add(arena, text, model, origin->gate);
    }
    tm_page_json_key(text, "ranking");
    tm_html_ranking_add(arena, text, model);
    tm_page_json_key(text, "not_planned");
    add_left_out(text, model->not_planned, model->not_planned_count);
    tm_page_json_key(text, "waiting");
    add_left_out(text, model->waiting, model->waiting_count);
    tm_page_json_key(text, "texts");
    tm_html_texts_add(page.texts, text);
    tm_page_json_close(text, '}');
}
