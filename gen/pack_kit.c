#include "gen/pack_kit.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "gen/pack_files.h"
#include "lib/field.h"
#include "lib/file.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define MOST_FOLDERS 32 /* within each other */

/* What is not written in config.toml stands where its table does. */
static tm_node *make(tm_arena *arena, tm_node_type type, const char *key, tm_place place) {
    tm_node *node = tm_node_make(arena, type, place);
    node->key_offset = (uint32_t)place.offset;
    node->key = key;
    return node;
}

static void append_string(tm_arena *arena, tm_node_growing *parent, const char *key,
                          const char *string, tm_place place) {
    tm_node *node = make(arena, TM_NODE_STRING, key, place);
    node->string = string;
    tm_node_append(parent, node);
}

/* Copies those members that are there. */
static void take(tm_arena *arena, tm_node_growing *to, const tm_node *from, const char *const *keys,
                 size_t count) {
    for (size_t i = 0; i < count; i++) {
        const tm_node *node = tm_node_get(from, keys[i]);
        if (!node)
            continue;
        tm_node *copy = tm_arena_alloc(arena, sizeof *copy);
        *copy = *node;
        copy->next = NULL;
        tm_node_append(to, copy);
    }
}

/* All source files below `folder`/`inside`, by name, as {"path": ...}. */
static void list_sources(tm_node_reader *reader, tm_node_growing *list, const char *folder,
                         const char *inside, int depth) {
    size_t count;
    const char *path = *inside ? tm_file_join(reader->arena, folder, inside) : folder;
    const tm_file_entry *entries = tm_file_list(reader->arena, path, &count);
    if (!entries || depth > MOST_FOLDERS)
        tm_diag_error(reader->diag, list->node->place, "sources", "%s: cannot be read: %s", path,
                      entries ? "nested too deeply" : strerror(errno));
    for (size_t i = 0; entries && depth <= MOST_FOLDERS && i < count; i++) {
        const char *name = tm_file_join(reader->arena, inside, entries[i].name);
        if (entries[i].is_folder)
            list_sources(reader, list, folder, name, depth + 1);
        else if (tm_pack_files_is_source(name)) {
            tm_node_growing source = {
                .node = make(reader->arena, TM_NODE_OBJECT, NULL, list->node->place)};
            append_string(reader->arena, &source, "path", name, list->node->place);
            tm_node_append(list, source.node);
        }
    }
}

/* Where the sources are: solution/<source_dir or language>, else the folder itself. NULL after an
 * error. */
static const char *sources_folder(tm_node_reader *reader, const tm_node *build,
                                  const char *folder) {
    const char *name = NULL;
    struct stat status;
    if (!tm_node_need_string(reader, build, "build", "language", &name) ||
        !tm_node_may_string(reader, build, "build", "source_dir", &name))
        return NULL;
    const tm_node *place =
        tm_node_get(build, tm_node_get(build, "source_dir") ? "source_dir" : "language");
    const char *inside =
        tm_field_check_path(reader, place->place, "build.source_dir", name, "the folder solution/");
    if (!inside)
        return NULL;
    const char *path =
        tm_file_join(reader->arena, tm_file_join(reader->arena, folder, "solution"), inside);
    if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
        return path;
    if (!tm_node_get(build, "source_dir"))
        return folder;
    tm_diag_error(reader->diag, place->place, "build.source_dir",
                  "expected a folder with the sources, got \"%s\", and %s is none", name, path);
    return NULL;
}

static void add_spec(tm_node_reader *reader, tm_node_growing *root, const tm_node *build) {
    static const char *const keys[] = {"language",     "target_hardware",           "entry_point",
                                       "dependencies", "destination_passing_style", "binding"};
    tm_arena *arena = reader->arena;
    tm_node_growing spec = {.node = make(arena, TM_NODE_OBJECT, "spec", build->place)};
    take(arena, &spec, build, keys, COUNT(keys));
    if (!tm_node_get(build, "target_hardware")) {
        tm_node_growing targets = {.node =
                                       make(arena, TM_NODE_ARRAY, "target_hardware", build->place)};
        append_string(arena, &targets, NULL, "cuda", build->place);
        tm_node_append(&spec, targets.node);
    }
    tm_node_append(root, spec.node);
}

const tm_solution *tm_pack_kit_read(tm_node_reader *reader, const tm_node *config,
                                    const char *folder) {
    static const char *const top_keys[] = {"solution", "build"};
    static const char *const solution_keys[] = {"name", "definition", "author", "description"};
    static const char *const build_keys[] = {
        "language", "target_hardware", "entry_point", "dependencies", "destination_passing_style",
        "binding",  "source_dir"};
    const tm_node *solution = tm_node_need(reader, config, "", "solution", TM_NODE_OBJECT);
    const tm_node *build = tm_node_need(reader, config, "", "build", TM_NODE_OBJECT);
    if (!solution || !build)
        return NULL;
    tm_node_note_unknown(reader, config, "", top_keys, COUNT(top_keys));
    tm_node_note_unknown(reader, solution, "solution", solution_keys, COUNT(solution_keys));
    tm_node_note_unknown(reader, build, "build", build_keys, COUNT(build_keys));
    const char *sources = sources_folder(reader, build, folder);
    if (!sources)
        return NULL;
    tm_node_growing root = {.node = make(reader->arena, TM_NODE_OBJECT, NULL, config->place)};
    take(reader->arena, &root, solution, solution_keys, COUNT(solution_keys));
    add_spec(reader, &root, build);
    tm_node_growing list = {.node = make(reader->arena, TM_NODE_ARRAY, "sources", build->place)};
    list_sources(reader, &list, sources, "", 0);
    tm_node_append(&root, list.node);
    return tm_solution_parse(reader, root.node, sources);
}
