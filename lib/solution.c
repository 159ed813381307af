#include "lib/solution.h"

#include <string.h>
#include <strings.h>

#include "lib/field.h"
#include "lib/flag.h"
#include "lib/text.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define PLACEHOLDER "{definition}"

static const char *const language_names[] = {
    [TM_LANGUAGE_C] = "c",           [TM_LANGUAGE_CPP] = "cpp",
    [TM_LANGUAGE_CUDA] = "cuda",     [TM_LANGUAGE_PYTHON] = "python",
    [TM_LANGUAGE_TRITON] = "triton", [TM_LANGUAGE_TILELANG] = "tilelang",
};

static const char *const binding_names[] = {
    [TM_BINDING_C] = "c",
    [TM_BINDING_TVM_FFI] = "tvm-ffi",
    [TM_BINDING_TORCH] = "torch",
};

static const char *const role_names[] = {
    [TM_ROLE_SOLUTION] = "solution",
    [TM_ROLE_REFERENCE] = "reference",
};

/* Index of `name` in `names`, or -1. */
static int find(const char *name, const char *const *names, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(name, names[i]) == 0)
            return (int)i;
    return -1;
}

/* Whether `path` lies in what would be a folder called `file`. */
static bool is_below(const char *path, const char *file) {
    size_t length = strlen(file);
    return strncmp(path, file, length) == 0 && path[length] == '/';
}

static void read_source(tm_node_reader *reader, const tm_node *node, const char *where,
                        tm_solution_file *files, size_t *count) {
    static const char *const keys[] = {"path", "content"};
    if (node->type != TM_NODE_OBJECT) {
        tm_diag_error(reader->diag, node->place, where,
                      "expected {\"path\": \"...\"} with or without \"content\", got %s; write an "
                      "object",
                      tm_node_describe(reader->arena, node));
        return;
    }
    tm_solution_file *file = &files[*count];
    const char *path = NULL;
    tm_node_may_string(reader, node, where, "content", &file->content);
    tm_node_note_unknown(reader, node, where, keys, COUNT(keys));
    if (!tm_node_need_string(reader, node, where, "path", &path))
        return;
    tm_place place = tm_node_get(node, "path")->place;
    const char *path_where = tm_field_join(reader->arena, where, "path");
    file->path =
        tm_field_check_path(reader, place, path_where, path, "the folder of solution.json");
    if (!file->path)
        return;
    for (size_t i = 0; i < *count; i++) {
        if (is_below(files[i].path, file->path) || is_below(file->path, files[i].path)) {
            tm_diag_error(reader->diag, place, path_where,
                          "expected a path that goes with those before it, got \"%s\" beside "
                          "\"%s\", where one would be the other's folder; rename one of the two",
                          path, files[i].path);
            return;
        }
        if (strcmp(files[i].path, file->path) == 0) {
            tm_diag_error(reader->diag, place, path_where,
                          "expected a path that no source before it has, got \"%s\"; rename one of "
                          "the two",
                          path);
            return;
        }
    }
    (*count)++;
}

/* False after an error: which files there are is then not known. */
static bool read_sources(tm_node_reader *reader, const tm_node *root, tm_solution *solution) {
    size_t errors_before = tm_diag_count(reader->diag, TM_DIAG_ERROR);
    const tm_node *list = tm_node_need(reader, root, "", "sources", TM_NODE_ARRAY);
    if (!list)
        return false;
    if (list->count == 0)
        tm_diag_error(reader->diag, list->place, "sources",
                      "expected at least one source, got none; add {\"path\": \"...\"}");
    if (list->count > TM_MAX_FILES) {
        tm_diag_error(reader->diag, list->place, "sources",
                      "expected at most %d sources, got %zu; merge some", TM_MAX_FILES,
                      list->count);
        return false;
    }
    tm_solution_file *files = tm_arena_array(reader->arena, list->count, sizeof *files);
    size_t index = 0;
    for (const tm_node *node = list->child; node; node = node->next)
        read_source(reader, node, tm_arena_format(reader->arena, "sources[%zu]", index++), files,
                    &solution->file_count);
    solution->files = files;
    return tm_diag_count(reader->diag, TM_DIAG_ERROR) == errors_before;
}

static void check_entry_file(tm_node_reader *reader, tm_place place, const char *file,
                             tm_solution *solution) {
    tm_arena *arena = reader->arena;
    const char **paths = tm_arena_array(arena, solution->file_count, sizeof *paths);
    for (size_t i = 0; i < solution->file_count; i++)
        paths[i] = solution->files[i].path;
    solution->entry_file = tm_field_relative_path(arena, file);
    if (solution->entry_file && find(solution->entry_file, paths, solution->file_count) >= 0)
        return;
    tm_diag_error(reader->diag, place, "spec.entry_point",
                  "expected a file among the sources (%s), got \"%s\"; %s",
                  tm_field_list(arena, paths, solution->file_count), file,
                  tm_field_hint(arena, file, paths, solution->file_count,
                                "name one of them or add it to \"sources\""));
}

static void read_entry_point(tm_node_reader *reader, const tm_node *spec, bool files_known,
                             tm_solution *solution) {
    const char *text = NULL;
    if (!tm_node_need_string(reader, spec, "spec", "entry_point", &text))
        return;
    tm_place place = tm_node_get(spec, "entry_point")->place;
    const char *separator = strstr(text, "::");
    if (!separator || strstr(separator + 2, "::") || separator == text || separator[2] == '\0') {
        tm_diag_error(reader->diag, place, "spec.entry_point",
                      "expected \"file::symbol\" with exactly one \"::\", got \"%s\"; write for "
                      "example \"kernel.cu::run\"",
                      text);
        return;
    }
    solution->entry_symbol = separator + 2;
    /* C wants an identifier; what Python allows beyond it is Python's to judge. */
    if (solution->language <= TM_LANGUAGE_CUDA)
        tm_field_check_identifier(reader, place, "spec.entry_point", solution->entry_symbol);
    const char *file = tm_arena_copy(reader->arena, text, (size_t)(separator - text));
    if (files_known)
        check_entry_file(reader, place, file, solution);
}

/* Words that are good as they stand, and most likely not what was meant. */
typedef struct {
    const char *word, *meant;
} slip;

static const slip target_slips[] = {
    {"x86", "cpu"}, {"x86_64", "cpu"}, {"x86-64", "cpu"},  {"x64", "cpu"},  {"amd64", "cpu"},
    {"arm", "cpu"}, {"arm64", "cpu"},  {"aarch64", "cpu"}, {"host", "cpu"}, {"cpu", "cpu"}};

static const slip language_slips[] = {
    {"c", "c"},           {"cpp", "cpp"},          {"c++", "cpp"},       {"cxx", "cpp"},
    {"cu", "cuda"},       {"cuda", "cuda"},        {"python", "python"}, {"py", "python"},
    {"triton", "triton"}, {"tilelang", "tilelang"}};

static void warn_of_slip(tm_node_reader *reader, const tm_node *node, const char *where,
                         const slip *slips, size_t count, const char *taken) {
    for (size_t i = 0; i < count; i++)
        if (strcasecmp(node->string, slips[i].word) == 0 &&
            strcmp(node->string, slips[i].meant) != 0)
            tm_diag_add(reader->diag, TM_DIAG_WARNING, node->place, where,
                        "expected \"%s\", got \"%s\", which %s; write \"%s\"", slips[i].meant,
                        node->string, taken, slips[i].meant);
}

static void read_targets(tm_node_reader *reader, const tm_node *spec, tm_solution *solution) {
    const char *key = "target_hardware";
    const tm_node *list = tm_node_need(reader, spec, "spec", key, TM_NODE_ARRAY);
    if (!list || !tm_node_may_strings(reader, spec, "spec", key, &solution->targets,
                                      &solution->target_count))
        return;
    if (solution->target_count == 0)
        tm_diag_error(reader->diag, list->place, "spec.target_hardware",
                      "expected at least one name, got none; write [\"cpu\"], [\"cuda\"] or both");
    for (size_t i = 0; i < solution->target_count; i++) {
        if (strcmp(solution->targets[i], "cpu") == 0)
            solution->runs_on_cpu = true;
        else
            solution->runs_on_gpu = true;
    }
    for (const tm_node *name = list->child; name; name = name->next)
        warn_of_slip(reader, name, "spec.target_hardware", target_slips, COUNT(target_slips),
                     "counts as the name of a GPU");
}

static tm_binding default_binding(tm_language language) {
    if (language == TM_LANGUAGE_C)
        return TM_BINDING_C;
    if (language == TM_LANGUAGE_CPP || language == TM_LANGUAGE_CUDA)
        return TM_BINDING_TVM_FFI;
    return TM_BINDING_TORCH; /* Python of any kind gets torch tensors */
}

static void read_spec_binding(tm_node_reader *reader, const tm_node *spec, tm_solution *solution) {
    const char *name = NULL;
    if (!tm_node_may_string(reader, spec, "spec", "binding", &name) || !name)
        return;
    int index = find(name, binding_names, COUNT(binding_names));
    if (index == TM_BINDING_TVM_FFI || index == TM_BINDING_TORCH)
        solution->binding = (tm_binding)index;
    else
        tm_diag_error(reader->diag, tm_node_get(spec, "binding")->place, "spec.binding",
                      "expected \"tvm-ffi\", \"torch\" or null, got \"%s\"; %s", name,
                      index == TM_BINDING_C
                          ? "write \"c\" as \"binding\" under \"tracemill\", flashinfer-bench does "
                            "not load it here"
                          : tm_field_hint(reader->arena, name, &binding_names[TM_BINDING_TVM_FFI],
                                          2, "write one of these"));
}

static void read_spec(tm_node_reader *reader, const tm_node *root, bool files_known,
                      tm_solution *solution) {
    static const char *const keys[] = {"language",     "target_hardware",           "entry_point",
                                       "dependencies", "destination_passing_style", "binding"};
    const tm_node *spec = tm_node_need(reader, root, "", "spec", TM_NODE_OBJECT);
    solution->language = TM_LANGUAGE_OTHER;
    solution->destination_passing = true;
    if (!spec)
        return;
    if (tm_node_need_string(reader, spec, "spec", "language", &solution->language_name)) {
        int index = find(solution->language_name, language_names, COUNT(language_names));
        solution->language = index < 0 ? TM_LANGUAGE_OTHER : (tm_language)index;
        warn_of_slip(reader, tm_node_get(spec, "language"), "spec.language", language_slips,
                     COUNT(language_slips), "is not served");
    }
    read_targets(reader, spec, solution);
    read_entry_point(reader, spec, files_known, solution);
    tm_node_may_strings(reader, spec, "spec", "dependencies", &solution->dependencies,
                        &solution->dependency_count);
    tm_node_may_bool(reader, spec, "spec", "destination_passing_style",
                     &solution->destination_passing);
    solution->binding = default_binding(solution->language);
    read_spec_binding(reader, spec, solution);
    tm_node_note_unknown(reader, spec, "spec", keys, COUNT(keys));
}

/* Optional member under `tracemill` that is one of `names`; -1 when absent or wrong. */
static int read_choice(tm_node_reader *reader, const tm_node *own, const char *key,
                       const char *const *names, size_t count) {
    const char *name = NULL;
    if (!tm_node_may_string(reader, own, "tracemill", key, &name) || !name)
        return -1;
    int index = find(name, names, count);
    if (index < 0)
        tm_diag_error(reader->diag, tm_node_get(own, key)->place,
                      tm_field_join(reader->arena, "tracemill", key),
                      "expected one of %s, got \"%s\"; %s",
                      tm_field_list(reader->arena, names, count), name,
                      tm_field_hint(reader->arena, name, names, count, "write one of these"));
    return index;
}

static void read_constants(tm_node_reader *reader, const tm_node *own, tm_solution *solution) {
    const tm_node *object = tm_node_may(reader, own, "tracemill", "constants", TM_NODE_OBJECT);
    if (!object)
        return;
    tm_constants_row *rows = tm_arena_array(reader->arena, object->count, sizeof *rows);
    for (const tm_node *node = object->child; node; node = node->next) {
        tm_constants_row *row = &rows[solution->constants_count++];
        row->definition = node->key;
        tm_constants_parse(reader, node,
                           tm_field_join(reader->arena, "tracemill.constants", node->key),
                           row->constants, &row->count);
    }
    solution->constants = rows;
}

/* Whether they are inputs is for the definition to say; that a reference has none can be said now:
 * what it leaves behind would be judged by. */
static void read_overwrites(tm_node_reader *reader, const tm_node *own, tm_solution *solution) {
    const char *key = "overwrites", *where = "tracemill.overwrites";
    tm_node_may_strings(reader, own, "tracemill", key, &solution->overwrites,
                        &solution->overwrite_count);
    if (solution->overwrite_count && solution->role == TM_ROLE_REFERENCE)
        tm_diag_error(
            reader->diag, tm_node_key_place(tm_node_get(own, key)), where,
            "expected no such key in a reference, got one; let it leave its inputs alone");
    for (size_t i = 0; i < solution->overwrite_count; i++)
        if (find(solution->overwrites[i], solution->overwrites, i) >= 0)
            tm_diag_error(reader->diag, tm_node_get(own, key)->place, where,
                          "expected each input once, got \"%s\" twice; remove one",
                          solution->overwrites[i]);
}

/* Whether a key that makes macros makes sense; an error when not. */
static bool check_macros(tm_node_reader *reader, const tm_node *own, const char *key,
                         const tm_solution *solution) {
    const char *reason = NULL;
    if (solution->role == TM_ROLE_REFERENCE)
        reason = "in a reference, which serves all rows of its definitions with one shared object";
    else if (solution->language > TM_LANGUAGE_CUDA && solution->language_name)
        reason = tm_arena_format(reader->arena, "beside language \"%s\", which has no macros",
                                 solution->language_name);
    if (reason)
        tm_diag_error(reader->diag, tm_node_key_place(tm_node_get(own, key)),
                      tm_field_join(reader->arena, "tracemill", key),
                      "expected no such key %s, got one; remove it", reason);
    return !reason;
}

/* Whether they are var axes is for the definition to say. */
static void read_baked(tm_node_reader *reader, const tm_node *own, tm_solution *solution) {
    const char *key = "compile_time_axes", *where = "tracemill.compile_time_axes";
    tm_node_may_strings(reader, own, "tracemill", key, &solution->baked, &solution->baked_count);
    if (solution->baked_count == 0 || !check_macros(reader, own, key, solution))
        return;
    if (solution->generic)
        tm_diag_error(reader->diag, tm_node_key_place(tm_node_get(own, key)), where,
                      "expected no such key beside \"generic\": true, which leaves even const axes "
                      "to run time, got both; remove one");
    const tm_node *item = tm_node_get(own, key)->child;
    for (size_t i = 0; i < solution->baked_count; i++, item = item->next)
        if (find(solution->baked[i], solution->baked, i) >= 0)
            tm_diag_error(
                reader->diag, item->place, tm_arena_format(reader->arena, "%s[%zu]", where, i),
                "expected each axis once, got \"%s\" twice; remove one", solution->baked[i]);
}

static void read_variants(tm_node_reader *reader, const tm_node *own, tm_solution *solution) {
    const tm_node *table = tm_node_get(own, "variants");
    if (table && table->type != TM_NODE_NULL && check_macros(reader, own, "variants", solution))
        solution->variants =
            tm_variants_parse(reader, table, "tracemill.variants", &solution->variant_count);
}

static void read_tracemill(tm_node_reader *reader, const tm_node *root, tm_solution *solution) {
    static const char *const keys[] = {"compile_flags", "link_flags",    "binding",
                                       "definitions",   "constants",     "compile_time_axes",
                                       "generic",       "arch_specific", "role",
                                       "match",         "overwrites",    "variants"};
    const char *where = "tracemill";
    const tm_node *own = tm_node_may(reader, root, "", where, TM_NODE_OBJECT);
    if (!own)
        return;
    tm_node_only(reader, own, where, keys, COUNT(keys));
    tm_node_may_strings(reader, own, where, "compile_flags", &solution->compile_flags,
                        &solution->compile_flag_count);
    tm_node_may_strings(reader, own, where, "link_flags", &solution->link_flags,
                        &solution->link_flag_count);
    tm_flag_check_list(reader, own, where, "compile_flags");
    tm_flag_check_list(reader, own, where, "link_flags");
    int binding = read_choice(reader, own, "binding", binding_names, COUNT(binding_names));
    if (binding >= 0)
        solution->binding = (tm_binding)binding;
    tm_node_may_strings(reader, own, where, "definitions", &solution->definitions,
                        &solution->definition_glob_count);
    read_constants(reader, own, solution);
    tm_node_may_bool(reader, own, where, "generic", &solution->generic);
    tm_node_may_bool(reader, own, where, "arch_specific", &solution->arch_specific);
    if (read_choice(reader, own, "role", role_names, COUNT(role_names)) == TM_ROLE_REFERENCE)
        solution->role = TM_ROLE_REFERENCE;
    read_overwrites(reader, own, solution);
    const tm_node *match = tm_node_may(reader, own, where, "match", TM_NODE_OBJECT);
    if (match)
        solution->match = tm_match_parse(reader, match, "tracemill.match");
    read_baked(reader, own, solution);
    read_variants(reader, own, solution);
    if ((match || solution->definition_glob_count > 0) && solution->name &&
        !strstr(solution->name, PLACEHOLDER))
        tm_diag_error(reader->diag, tm_node_get(root, "name")->place, "name",
                      "expected \"" PLACEHOLDER "\" in the name of a family (it has "
                      "tracemill.%s), got \"%s\"; write for example \"%s_" PLACEHOLDER "\"",
                      match ? "match" : "definitions", solution->name, solution->name);
}

const tm_solution *tm_solution_parse(tm_node_reader *reader, const tm_node *node,
                                     const char *folder) {
    static const char *const keys[] = {"name", "definition", "author",   "description",
                                       "spec", "sources",    "tracemill"};
    size_t errors_before = tm_diag_count(reader->diag, TM_DIAG_ERROR);
    if (node->type != TM_NODE_OBJECT) {
        tm_diag_error(reader->diag, node->place, NULL,
                      "expected a solution, an object, got %s; see docs/FORMATS.md",
                      tm_node_describe(reader->arena, node));
        return NULL;
    }
    tm_solution *solution = tm_arena_alloc(reader->arena, sizeof *solution);
    solution->folder = folder;
    solution->node = node;
    solution->source = node->place.source;
    tm_node_need_string(reader, node, "", "name", &solution->name);
    tm_node_need_string(reader, node, "", "definition", &solution->definition);
    tm_node_need_string(reader, node, "", "author", &solution->author);
    tm_node_may_string(reader, node, "", "description", &solution->description);
    bool files_known = read_sources(reader, node, solution);
    read_spec(reader, node, files_known, solution);
    read_tracemill(reader, node, solution);
    tm_node_note_unknown(reader, node, "", keys, COUNT(keys));
    return tm_diag_count(reader->diag, TM_DIAG_ERROR) == errors_before ? solution : NULL;
}

const tm_constants_row *tm_solution_constants(const tm_solution *solution, const char *definition) {
    for (size_t i = 0; i < solution->constants_count; i++)
        if (strcmp(solution->constants[i].definition, definition) == 0)
            return &solution->constants[i];
    return NULL;
}

const char *tm_solution_expand_name(tm_arena *arena, const char *name, const char *definition) {
    tm_text text = {0};
    for (const char *mark; (mark = strstr(name, PLACEHOLDER)) != NULL;
         name = mark + strlen(PLACEHOLDER)) {
        tm_text_add_bytes(&text, name, (size_t)(mark - name));
        tm_text_add(&text, definition);
    }
    tm_text_add(&text, name);
    const char *expanded = tm_arena_copy(arena, tm_text_get(&text), text.length);
    tm_text_free(&text);
    return expanded;
}
