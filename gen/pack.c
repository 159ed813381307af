#include "gen/pack.h"

#include <stdbool.h>
#include <string.h>

#include "lib/json.h"
#include "lib/text.h"

static tm_json *sources_of(const tm_pack_files *files) {
    tm_json *list = tm_json_array();
    for (size_t i = 0; i < files->count; i++) {
        tm_json *source = tm_json_object();
        tm_json_set_string(source, "path", files->files[i].path);
        tm_json_set_string(source, "content", files->files[i].content->text);
        tm_json_push(list, source);
    }
    return list;
}

static void set_entry(tm_json *spec, const tm_solution *solution, const tm_pack_files *files) {
    tm_text entry = {0};
    tm_text_format(&entry, "%s::%s", files->entry, solution->entry_symbol);
    tm_json_set_string(spec, "entry_point", tm_text_get(&entry));
    tm_text_free(&entry);
}

static char *print(tm_json *root) {
    char *text = tm_json_print(root, true);
    tm_json_free(root);
    return text;
}

/* Copies the members of an object but those among `left`. */
static tm_json *all_but(const tm_node *object, const char *const *left, size_t count) {
    tm_json *copy = tm_json_object();
    for (const tm_node *node = object->child; node; node = node->next) {
        bool skipped = false;
        for (size_t i = 0; i < count; i++)
            skipped = skipped || strcmp(node->key, left[i]) == 0;
        if (!skipped)
            tm_json_set_node(copy, node->key, node);
    }
    return copy;
}

char *tm_pack_print(const tm_solution *solution, const tm_pack_files *files, const char *definition,
                    const char *name) {
    static const char *const of_families[] = {"match", "definitions"};
    tm_json *root = tm_json_object();
    for (const tm_node *node = solution->node->child; node; node = node->next) {
        if (strcmp(node->key, "name") == 0 && name)
            tm_json_set_string(root, node->key, name);
        else if (strcmp(node->key, "definition") == 0 && definition)
            tm_json_set_string(root, node->key, definition);
        else if (strcmp(node->key, "tracemill") == 0 && definition && node->type == TM_NODE_OBJECT)
            tm_json_set(root, node->key,
                        all_but(node, of_families, sizeof of_families / sizeof *of_families));
        else if (strcmp(node->key, "sources") == 0)
            tm_json_set(root, node->key, sources_of(files));
        else if (strcmp(node->key, "spec") == 0) {
            tm_json *spec = tm_json_object();
            for (const tm_node *part = node->child; part; part = part->next)
                if (strcmp(part->key, "entry_point") == 0)
                    set_entry(spec, solution, files);
                else
                    tm_json_set_node(spec, part->key, part);
            tm_json_set(root, node->key, spec);
        } else
            tm_json_set_node(root, node->key, node);
    }
    return print(root);
}

/* Copies the members of an object that are among `keys`; NULL when none is. */
static tm_json *some_of(const tm_node *object, const char *const *keys, size_t count) {
    tm_json *some = NULL;
    for (size_t i = 0; i < count; i++) {
        const tm_node *node = tm_node_get(object, keys[i]);
        if (!node)
            continue;
        some = some ? some : tm_json_object();
        tm_json_set_node(some, keys[i], node);
    }
    return some;
}

char *tm_pack_print_tvm_ffi(const tm_solution *solution, const tm_definition *definition,
                            const tm_pack_files *files, const char *name) {
    static const char *const kept[] = {"compile_flags", "link_flags", "arch_specific",
                                       "overwrites"};
    const tm_node *old_spec = tm_node_get(solution->node, "spec");
    tm_json *root = tm_json_object(), *spec = tm_json_object();
    tm_json_set_string(root, "name", name);
    tm_json_set_string(root, "definition", definition->name);
    tm_json_set_string(root, "author", solution->author);
    if (solution->description)
        tm_json_set_string(root, "description", solution->description);
    tm_json_set_string(spec, "language", solution->language == TM_LANGUAGE_CUDA ? "cuda" : "cpp");
    tm_json_set_node(spec, "target_hardware", tm_node_get(old_spec, "target_hardware"));
    set_entry(spec, solution, files);
    if (tm_node_get(old_spec, "dependencies"))
        tm_json_set_node(spec, "dependencies", tm_node_get(old_spec, "dependencies"));
    tm_json_set_bool(spec, "destination_passing_style", true);
    tm_json_set_string(spec, "binding", "tvm-ffi");
    tm_json_set(root, "spec", spec);
    tm_json_set(root, "sources", sources_of(files));
    tm_json *own =
        some_of(tm_node_get(solution->node, "tracemill"), kept, sizeof kept / sizeof *kept);
    if (own)
        tm_json_set(root, "tracemill", own);
    return print(root);
}
