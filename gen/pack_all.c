#include "gen/pack_all.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gen/depfile.h"
#include "gen/filters.h"
#include "gen/pack.h"
#include "gen/pack_native.h"
#include "lib/file.h"
#include "lib/json.h"
#include "lib/text.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* In the folder, from before anything else is until the end: what is there is ours to remove. */
#define MARKER ".tm-pack"

static const char *const own_folders[] = {"definitions", "solutions", "workloads"};

typedef struct {
    const char *folder;
    const tm_scan *scan;
    tm_pack_native native;
    tm_arena *arena;
    tm_diag *diag;
    const char **written; /* paths */
    size_t written_count, written_capacity;
    const char **inputs; /* files that the scan does not know */
    size_t input_count, input_capacity;
    size_t solutions;
} packer;

static bool cannot(packer *p, const char *path) {
    tm_diag_error(p->diag, tm_diag_command_line, NULL, "%s: cannot be written: %s", path,
                  strerror(errno));
    return false;
}

/* folder/a/b/c/d<suffix> of those that are not NULL. */
static const char *path_of(packer *p, const char *const *parts, const char *suffix) {
    tm_text path = {0};
    tm_text_add(&path, p->folder);
    for (; *parts; parts++) {
        tm_text_add(&path, "/");
        tm_text_add_component(&path, *parts);
    }
    tm_text_add(&path, suffix);
    const char *kept = tm_arena_copy(p->arena, path.data, path.length);
    tm_text_free(&path);
    return kept;
}

static bool write_file(packer *p, const char *path, const char *bytes, size_t length) {
    p->written = tm_arena_grow(p->arena, p->written, p->written_count, &p->written_capacity,
                               sizeof *p->written);
    p->written[p->written_count++] = path;
    return tm_file_write(path, bytes, length, NULL) || cannot(p, path);
}

static bool write_solution(packer *p, const tm_solution *solution, const tm_definition *definition,
                           const char *name, char *text) {
    const char *path =
        path_of(p,
                (const char *const[]){"solutions", solution->author, definition->op_type,
                                      definition->name, name, NULL},
                ".json");
    bool good = write_file(p, path, text, strlen(text));
    p->solutions++;
    free(text);
    return good;
}

static void note_inputs(packer *p, const tm_solution *solution, const tm_pack_files *files) {
    for (size_t i = 0; i < files->count; i++) {
        bool packed = i < solution->file_count && solution->files[i].content;
        p->inputs = tm_arena_grow(p->arena, p->inputs, p->input_count, &p->input_capacity,
                                  sizeof *p->inputs);
        if (!packed)
            p->inputs[p->input_count++] = files->files[i].content->path;
    }
}

static bool pack_solution(packer *p, const tm_solution *solution) {
    tm_pack_files files;
    if (solution->role == TM_ROLE_REFERENCE ||
        !tm_pack_files_read(&files, solution, p->arena, p->diag))
        return true;
    note_inputs(p, solution, &files);
    const char *refused = tm_pack_native_refuse(solution, p->arena);
    bool good = true;
    /* One that flashinfer-bench refuses would keep it from reading the others. */
    bool unknown = solution->language == TM_LANGUAGE_C || solution->language == TM_LANGUAGE_OTHER;
    if (refused && (unknown || solution->binding == TM_BINDING_C)) {
        tm_diag_add(p->diag, TM_DIAG_WARNING, tm_node_get(solution->node, "name")->place, "name",
                    "\"%s\" is not packed: %s", solution->name, refused);
        return true;
    }
    for (size_t i = 0; i < p->scan->definition_count; i++) {
        const tm_definition *definition = p->scan->definitions[i].definition;
        if (!tm_filters_covers(solution, definition))
            continue;
        size_t variants = refused ? 0 : solution->variant_count;
        for (size_t v = 0; v == 0 || v < variants; v++) {
            const tm_variant *variant = variants ? &solution->variants[v] : NULL;
            const char *name = tm_pack_native_name(solution, definition, variant, p->arena);
            char *text = refused ? tm_pack_print(solution, &files, definition->name, name)
                                 : tm_pack_native_print(&p->native, solution, &files, definition,
                                                        variant, name);
            good = (!text || write_solution(p, solution, definition, name, text)) && good;
        }
    }
    return good;
}

static bool pack_definition(packer *p, const tm_scanned_definition *scanned) {
    const tm_definition *definition = scanned->definition;
    const char *path = path_of(
        p, (const char *const[]){"definitions", definition->op_type, definition->name, NULL},
        ".json");
    if (!write_file(p, path, definition->source->text, definition->source->length))
        return false;
    tm_text rows = {0};
    for (size_t i = 0; i < scanned->workload_count; i++) {
        tm_json *row = tm_json_object();
        tm_json_set_string(row, "definition", definition->name);
        tm_json_set_node(row, "workload", scanned->workloads[i]->node);
        tm_json_set_null(row, "solution");
        tm_json_set_null(row, "evaluation");
        char *text = tm_json_print(row, false);
        tm_text_format(&rows, "%s\n", text);
        free(text);
        tm_json_free(row);
    }
    path =
        path_of(p, (const char *const[]){"workloads", definition->op_type, definition->name, NULL},
                ".jsonl");
    bool good = rows.length == 0 || write_file(p, path, rows.data, rows.length);
    tm_text_free(&rows);
    return good;
}

static int compare(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Removes what an earlier run wrote and this one did not, and folders that are empty then. */
static void remove_others(packer *p, const char *folder) {
    size_t count;
    const tm_file_entry *entries = tm_file_list(p->arena, folder, &count);
    for (size_t i = 0; entries && i < count; i++) {
        const char *path = tm_file_join(p->arena, folder, entries[i].name);
        struct stat status;
        if (lstat(path, &status) == 0 && S_ISDIR(status.st_mode)) {
            remove_others(p, path);
            rmdir(path);
        } else if (p->written_count == 0 ||
                   !bsearch(&path, p->written, p->written_count, sizeof *p->written, compare))
            unlink(path);
    }
}

static bool write_index(packer *p) {
    const char *index = tm_file_join(p->arena, p->folder, "index.txt");
    tm_text list = {0}, inputs = {0};
    for (size_t i = 0; i < p->written_count; i++)
        if (strstr(p->written[i] + strlen(p->folder), "/solutions/"))
            tm_text_format(&list, "%s\n", p->written[i] + strlen(p->folder) + 1);
    tm_text_format(&inputs, "%s:", index);
    for (size_t i = 0; i < p->scan->input_count; i++)
        tm_depfile_add(&inputs, p->scan->inputs[i]);
    for (size_t i = 0; i < p->input_count; i++)
        tm_depfile_add(&inputs, p->inputs[i]);
    tm_text_add(&inputs, "\n");
    const char *depfile = tm_arena_format(p->arena, "%s.d", index);
    bool good = (tm_file_write(index, tm_text_get(&list), list.length, NULL) || cannot(p, index)) &&
                (tm_file_write(depfile, inputs.data, inputs.length, NULL) || cannot(p, depfile));
    tm_text_free(&list);
    tm_text_free(&inputs);
    return good;
}

/* Whether all that these folders have came from here; an error when not. */
static bool is_ours(packer *p) {
    const char *marker = tm_file_join(p->arena, p->folder, MARKER);
    struct stat status;
    if (lstat(marker, &status) == 0)
        return true;
    for (size_t i = 0; i < COUNT(own_folders); i++) {
        const char *part = tm_file_join(p->arena, p->folder, own_folders[i]);
        if (lstat(part, &status) != 0 && errno == ENOENT)
            continue;
        tm_diag_error(p->diag, tm_diag_command_line, NULL,
                      "%s: expected a folder of an earlier tm-pack all (with %s) or none, since "
                      "what is in it is removed; name another with --output=, or remove it",
                      part, MARKER);
        return false;
    }
    return true;
}

static bool write_marker(packer *p) {
    const char *path = tm_file_join(p->arena, p->folder, MARKER);
    return tm_file_write(path, "", 0, NULL) || cannot(p, path);
}

int tm_pack_all(const tm_options *options, const tm_scan *scan, const char *folder, tm_arena *arena,
                tm_diag *diag) {
    packer p = {.folder = folder, .scan = scan, .arena = arena, .diag = diag};
    if (!is_ours(&p))
        return 2;
    if (!tm_pack_native_open(&p.native, options, scan, arena, diag) || !write_marker(&p))
        return 3;
    bool good = true;
    for (size_t i = 0; i < scan->definition_count; i++)
        good = pack_definition(&p, &scan->definitions[i]) && good;
    for (size_t i = 0; i < scan->solution_count; i++)
        good = pack_solution(&p, scan->solutions[i].solution) && good;
    if (p.written_count)
        qsort(p.written, p.written_count, sizeof *p.written, compare);
    for (size_t i = 0; good && i < COUNT(own_folders); i++)
        remove_others(&p, tm_file_join(arena, folder, own_folders[i]));
    good = good && write_index(&p);
    printf("tracemill: packed %zu solutions for %zu definitions into %s\n", p.solutions,
           scan->definition_count, folder);
    return good ? 0 : 3;
}
