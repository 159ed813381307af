#include "reports/html_gate.h"

#include <math.h>
#include <string.h>

#include "lib/file.h"
#include "lib/json.h"
#include "reports/page_json.h"

static const tm_model_cell *find_cell(const tm_model *model, const tm_node *entry) {
    const char *uuid = tm_node_text_of(entry, "uuid");
    for (size_t i = 0; i < model->definition_count; i++) {
        const tm_model_definition *definition = &model->definitions[i];
        if (strcmp(definition->name, tm_node_text_of(entry, "definition")) != 0)
            continue;
        for (size_t j = 0; j < definition->solution_count; j++)
            if (strcmp(definition->solutions[j].name, tm_node_text_of(entry, "solution")) == 0)
                for (size_t k = 0; k < definition->workload_count; k++)
                    if (strcmp(definition->workloads[k].uuid, uuid) == 0)
                        return &definition->solutions[j].cells[k];
    }
    return NULL;
}

/* Whether an entry speaks of the cell as it is now. */
static bool is_current(const tm_model *model, const tm_node *entry) {
    const tm_model_cell *cell = find_cell(model, entry);
    const tm_node *latency = tm_node_get(entry, "latency_ms");
    double then = latency != NULL && latency->type == TM_NODE_NUMBER ? latency->number : 0.0;
    bool timed = cell != NULL && cell->state == TM_MODEL_RAN && cell->trace.has_performance;
    double now = timed ? cell->trace.latency_ms : 0.0;
    return fabs(then - now) <= 1e-9 * now;
}

static void set_node(tm_text *text, const tm_node *object, const char *key) {
    tm_page_json_key(text, key);
    tm_page_json_node(text, tm_node_get(object, key));
}

static void add_entries(tm_text *text, const tm_node *cells, const char *verdict) {
    static const char *const keys[] = {
        "verdict",    "definition",    "solution", "uuid",  "why",       "latency_before_ms",
        "latency_ms", "status_before", "status",   "ratio", "ratio_low", "ratio_high"};
    size_t count = 0;
    for (const tm_node *entry = cells->child; entry != NULL; entry = entry->next) {
        if (strcmp(tm_node_text_of(entry, "verdict"), verdict) != 0 ||
            count++ >= TM_HTML_GATE_MAX_CELLS)
            continue;
        tm_page_json_open(text, '{');
        for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
            set_node(text, entry, keys[i]);
        tm_page_json_close(text, '}');
    }
}

void tm_html_gate_add(tm_arena *arena, tm_text *text, const tm_model *model, const char *path) {
    static const char *const verdicts[] = {"REGRESSED", "SLOWER", "FASTER", "FIXED"};
    const size_t verdict_count = sizeof(verdicts) / sizeof(*verdicts);
    const tm_source *source = tm_file_read(arena, path);
    const tm_node *root =
        source != NULL ? tm_json_parse_all(arena, source, tm_diag_create(arena)) : NULL;
    const tm_node *cells = tm_node_get(root, "cells");
    bool current = cells != NULL && cells->type == TM_NODE_ARRAY;
    for (const tm_node *entry = current ? cells->child : NULL; entry != NULL && current;
         entry = entry->next)
        current = is_current(model, entry);
    if (!current) {
        tm_page_json_string(text, NULL);
        return;
    }
    tm_page_json_open(text, '{');
    set_node(text, root, "failed");
    set_node(text, root, "threshold");
    set_node(text, root, "counts");
    set_node(text, root, "baseline");
    tm_page_json_key(text, "cells");
    tm_page_json_open(text, '[');
    for (size_t i = 0; i < verdict_count; i++)
        add_entries(text, cells, verdicts[i]);
    tm_page_json_close(text, ']');
    tm_page_json_close(text, '}');
}
