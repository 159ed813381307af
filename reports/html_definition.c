#include "reports/html_definition.h"

#include <string.h>

#include "lib/file.h"
#include "reports/code.h"
#include "reports/html_texts.h"
#include "reports/page_json.h"

/* Of a source its beginning. */
#define SOURCE_HEAD ((size_t)64000)

/* A fact of the row that any cell which knows it says alike. */
static const tm_node *row_detail(const tm_model_definition *definition, size_t workload,
                                 const char *key) {
    for (size_t i = 0; i < definition->solution_count; i++) {
        if (definition->solutions[i].needs != NULL)
            continue;
        const tm_node *node = tm_html_data_detail(&definition->solutions[i].cells[workload], key);
        if (node != NULL)
            return node;
    }
    return NULL;
}

static void add_workload(tm_html_page *page, const tm_model_definition *definition, size_t index) {
    static const char *const facts[] = {"limit_ns", "limited_by", "floor_ns"};
    const tm_model_workload *workload = &definition->workloads[index];
    tm_page_json_open(page->text, '{');
    tm_page_json_set_string(page->text, "uuid", workload->uuid);
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

static const char *source_file(const tm_html_page *page, const char *name) {
    const tm_html_origin *origin = page->origin;
    const char *path = tm_code_path(page->arena, name, origin->build, origin->srcdir);
    return path != NULL ? path : tm_file_join(page->arena, origin->build, name); /* unpacked */
}

static void add_sources(tm_html_page *page, const tm_model_solution *solution) {
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

static void add_solution(tm_html_page *page, const tm_model_definition *definition,
                         const tm_model_solution *solution) {
    tm_text *text = page->text;
    tm_page_json_open(text, '{');
    tm_page_json_set_string(text, "name", solution->name);
    tm_page_json_set_string(text, "author", solution->author);
    tm_page_json_set_string(text, "language", solution->language);
    if (solution->needs != NULL)
        tm_page_json_set_string(text, "needs", solution->needs);
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

void tm_html_definition_add(tm_html_page *page, const tm_model_definition *definition) {
    tm_text *text = page->text;
    tm_page_json_open(text, '{');
    tm_page_json_set_string(text, "name", definition->name);
    tm_page_json_set_string(text, "op_type", definition->op_type);
    tm_page_json_set_string(text, "reference", definition->reference);
    tm_page_json_set_string(text, "best", definition->best != NULL ? definition->best->name : NULL);
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
