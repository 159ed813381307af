#include "reports/jsonl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/file.h"
#include "lib/json.h"
#include "lib/text.h"

/* The paths that this run has, in the end sorted. */
typedef struct {
    const char **paths;
    size_t count;
} path_list;

static bool fail(tm_diag *diag, const char *verb, const char *path) {
    tm_diag_error(diag, ((tm_place){0}), NULL, "cannot %s %s: %s", verb, path, strerror(errno));
    return false;
}

static int compare_paths(const void *left, const void *right) {
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static int compare_authors(const void *left, const void *right) {
    const tm_model_solution *const *left_solution = left, *const *right_solution = right;
    int order = strcmp((*left_solution)->author, (*right_solution)->author);
    if (order == 0) /* both are in one array: the plan's order */
        return *left_solution < *right_solution ? -1 : *left_solution > *right_solution;
    return order;
}

const char *tm_jsonl_path(tm_arena *arena, const char *out, const char *author, const char *op_type,
                          const char *definition) {
    tm_text text = {0};
    tm_text_add(&text, "traces/");
    tm_text_add_component(&text, author);
    tm_text_add(&text, "/");
    tm_text_add_component(&text, op_type);
    tm_text_add(&text, "/");
    tm_text_add_component(&text, definition);
    tm_text_add(&text, ".jsonl");
    const char *path = tm_file_join(arena, out, tm_text_get(&text));
    tm_text_free(&text);
    return path;
}

void tm_jsonl_add_row(tm_text *text, const tm_node *node) {
    tm_json_add_source(text, node);
    tm_text_add(text, "\n");
}

static void add_rows(tm_text *text, const tm_model_definition *definition,
                     const tm_model_solution *solution) {
    for (size_t i = 0; i < definition->workload_count; i++) {
        const tm_model_cell *cell = &solution->cells[i];
        if (cell->state == TM_MODEL_RAN && cell->trace.status != TM_STATUS_VOID)
            tm_jsonl_add_row(text, cell->node);
    }
}

/* One file per author of the definition. */
static bool write_definition(tm_arena *arena, const tm_model_definition *definition,
                             const char *out, path_list *written, tm_diag *diag) {
    size_t count = definition->solution_count;
    const tm_model_solution **solutions = tm_arena_array(arena, count, sizeof(*solutions));
    for (size_t i = 0; i < count; i++)
        solutions[i] = &definition->solutions[i];
    qsort(solutions, count, sizeof(*solutions), compare_authors);
    bool good = true;
    tm_text text = {0};
    for (size_t begin = 0, end; begin < count; begin = end) {
        const char *author = solutions[begin]->author;
        tm_text_clear(&text);
        for (end = begin; end < count && strcmp(solutions[end]->author, author) == 0; end++)
            add_rows(&text, definition, solutions[end]);
        if (text.length == 0)
            continue;
        const char *path = tm_jsonl_path(arena, out, author, definition->op_type, definition->name);
        written->paths[written->count++] = path;
        if (!tm_file_write(path, tm_text_get(&text), text.length, NULL))
            good = fail(diag, "write", path);
    }
    tm_text_free(&text);
    return good;
}

/* Removes what this run did not write: `depth` folders further down lie the files. */
static bool remove_stale(tm_arena *arena, const char *folder, int depth, const path_list *written,
                         tm_diag *diag) {
    size_t count;
    errno = 0;
    const tm_file_entry *entries = tm_file_list(arena, folder, &count);
    if (entries == NULL)
        return errno == ENOENT || errno == 0 ? true : fail(diag, "list", folder);
    bool good = true;
    for (size_t i = 0; i < count; i++) {
        const char *path = tm_file_join(arena, folder, entries[i].name);
        if (depth > 0 && entries[i].is_folder) {
            good &= remove_stale(arena, path, depth - 1, written, diag);
            (void)rmdir(path); /* refused while something is in it */
        }
        bool is_ours =
            depth == 0 && !entries[i].is_folder && tm_text_ends_with(entries[i].name, ".jsonl");
        if (is_ours && bsearch(&path, written->paths, written->count, sizeof(*written->paths),
                               compare_paths) == NULL) {
            if (unlink(path) != 0)
                good = fail(diag, "remove", path);
        }
    }
    return good;
}

bool tm_jsonl_write(tm_arena *arena, const tm_model *model, const char *out, tm_diag *diag) {
    size_t most = 0;
    for (size_t i = 0; i < model->definition_count; i++)
        most += model->definitions[i].solution_count;
    path_list written = {tm_arena_array(arena, most, sizeof(*written.paths)), 0};
    bool good = true;
    for (size_t i = 0; i < model->definition_count; i++)
        good &= write_definition(arena, &model->definitions[i], out, &written, diag);
    qsort(written.paths, written.count, sizeof(*written.paths), compare_paths);
    return remove_stale(arena, tm_file_join(arena, out, "traces"), 2, &written, diag) && good;
}
