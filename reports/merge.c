#include "reports/merge.h"

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/file.h"
#include "lib/instant.h"
#include "lib/text.h"
#include "reports/figure.h"
#include "reports/jsonl.h"

/* ---- which traces ---- */

typedef struct {
    const tm_folder_trace *trace;
    size_t order; /* among all that were read: later folders are newer where timestamps are equal */
} merge_row;

static int compare_cells(const merge_row *left, const merge_row *right) {
    const tm_baseline_cell *a = left->trace->cell, *b = right->trace->cell;
    int order = strcmp(a->trace.hardware, b->trace.hardware);
    if (order == 0)
        order = strcmp(a->trace.definition, b->trace.definition);
    if (order == 0)
        order = strcmp(a->trace.solution, b->trace.solution);
    return order != 0 ? order : strcmp(a->uuid, b->uuid);
}

/* The newest of a cell's first. */
static int compare_rows(const void *left_pointer, const void *right_pointer) {
    const merge_row *left = left_pointer, *right = right_pointer;
    int order = compare_cells(left, right);
    if (order == 0)
        order = -tm_instant_compare(left->trace->cell->trace.timestamp,
                                    right->trace->cell->trace.timestamp);
    return order != 0 ? order : (left->order < right->order) - (left->order > right->order);
}

/* In which file a trace stands. */
static int compare_files(const tm_folder_trace *left, const tm_folder_trace *right) {
    int order = strcmp(left->author, right->author);
    if (order == 0)
        order = strcmp(left->op_type, right->op_type);
    return order != 0 ? order : strcmp(left->cell->trace.definition, right->cell->trace.definition);
}

static int compare_traces(const void *left_pointer, const void *right_pointer) {
    const tm_folder_trace *left = *(const tm_folder_trace *const *)left_pointer;
    const tm_folder_trace *right = *(const tm_folder_trace *const *)right_pointer;
    int order = compare_files(left, right);
    if (order == 0)
        order = strcmp(left->cell->trace.solution, right->cell->trace.solution);
    return order != 0 ? order : strcmp(left->cell->uuid, right->cell->uuid);
}

static merge_row *collect(tm_arena *arena, tm_merge *merge, size_t *count) {
    size_t most = 0, order = 0;
    for (size_t i = 0; i < merge->input_count; i++)
        most += merge->inputs[i].count;
    merge_row *rows = tm_arena_array(arena, most, sizeof(*rows));
    *count = 0;
    for (size_t i = 0; i < merge->input_count; i++)
        for (size_t j = 0; j < merge->inputs[i].count; j++) {
            const tm_folder_trace *trace = &merge->inputs[i].traces[j];
            if (trace->cell->trace.status == TM_STATUS_VOID)
                merge->voids++;
            else
                rows[(*count)++] = (merge_row){trace, order++};
        }
    if (*count > 0)
        qsort(rows, *count, sizeof(*rows), compare_rows);
    size_t kept = 0;
    for (size_t i = 0; i < *count; i++)
        if (kept == 0 || compare_cells(&rows[kept - 1], &rows[i]) != 0)
            rows[kept++] = rows[i];
    merge->older = *count - kept;
    *count = kept;
    return rows;
}

static const char *folder_of(tm_arena *arena, const char *hardware) {
    tm_text text = {0};
    tm_text_add_component(&text, hardware);
    const char *name = tm_arena_copy(arena, tm_text_get(&text), text.length);
    tm_text_free(&text);
    return name;
}

tm_merge tm_merge_make(tm_arena *arena, const tm_folder_traces *inputs, size_t input_count) {
    tm_merge merge = {.inputs = inputs, .input_count = input_count};
    const merge_row *rows = collect(arena, &merge, &merge.count);
    const tm_folder_trace **traces = tm_arena_array(arena, merge.count, sizeof(*traces));
    for (size_t i = 0; i < merge.count; i++)
        traces[i] = rows[i].trace;
    tm_merge_part *parts = tm_arena_array(arena, merge.count, sizeof(*parts));
    for (size_t begin = 0, end; begin < merge.count; begin = end) {
        const char *hardware = traces[begin]->cell->trace.hardware;
        for (end = begin; end < merge.count; end++)
            if (strcmp(traces[end]->cell->trace.hardware, hardware) != 0)
                break;
        qsort(traces + begin, end - begin, sizeof(*traces), compare_traces);
        parts[merge.part_count++] =
            (tm_merge_part){hardware, folder_of(arena, hardware), traces + begin, end - begin};
    }
    if (merge.part_count == 1)
        parts[0].folder = "";
    merge.parts = parts;
    return merge;
}

/* ---- where to ---- */

static bool is_below(const char *path, const char *folder) {
    char inner[PATH_MAX], outer[PATH_MAX];
    if (realpath(path, inner) == NULL || realpath(folder, outer) == NULL)
        return false;
    size_t length = strlen(outer);
    return strncmp(inner, outer, length) == 0 && (inner[length] == '/' || inner[length] == '\0');
}

/* "." and ".." cannot be renamed to; neither can "/". */
static bool is_named(const char *path) {
    size_t end = strlen(path);
    while (end > 0 && path[end - 1] == '/')
        end--;
    size_t begin = end;
    while (begin > 0 && path[begin - 1] != '/')
        begin--;
    const char *last = path + begin;
    size_t length = end - begin;
    return length > 2 || (length == 2 && strncmp(last, "..", 2) != 0) ||
           (length == 1 && last[0] != '.');
}

bool tm_merge_allows(tm_arena *arena, const tm_merge *merge, const char *out, tm_diag *diag) {
    if (!is_named(out)) {
        tm_diag_error(diag, tm_diag_command_line, "--out",
                      "expected a folder to be made, got \"%s\"; give the name of a new folder",
                      out);
        return false;
    }
    const char *nearest = tm_file_nearest(arena, out);
    for (size_t i = 0; i < merge->input_count; i++)
        if (is_below(nearest, merge->inputs[i].path)) {
            tm_diag_error(diag, tm_diag_command_line, "--out",
                          "expected a folder outside of what is merged, got \"%s\", which is in "
                          "%s; give another one",
                          out, merge->inputs[i].path);
            return false;
        }
    size_t count = 0;
    errno = 0;
    const tm_file_entry *entries = tm_file_list(arena, out, &count);
    if (entries == NULL && errno == ENOENT)
        return true;
    if (entries == NULL)
        tm_diag_error(diag, tm_diag_command_line, "--out",
                      "expected a folder to be made, got \"%s\": %s; give another one", out,
                      strerror(errno));
    else if (count > 0)
        tm_diag_error(diag, tm_diag_command_line, "--out",
                      "expected a folder that is empty or not there yet, got \"%s\", which holds "
                      "%s%s; give another one, or remove it first",
                      out, entries[0].name, count > 1 ? " and more" : "");
    return entries != NULL && count == 0;
}

/* ---- writing ---- */

static bool write_part(tm_arena *arena, const tm_merge_part *part, const char *folder,
                       tm_diag *diag) {
    const char *root = part->folder[0] != '\0' ? tm_file_join(arena, folder, part->folder) : folder;
    tm_text text = {0};
    bool good = true;
    for (size_t begin = 0, end; good && begin < part->count; begin = end) {
        const tm_folder_trace *first = part->traces[begin];
        tm_text_clear(&text);
        for (end = begin; end < part->count && compare_files(first, part->traces[end]) == 0; end++)
            tm_jsonl_add_row(&text, part->traces[end]->cell->node);
        const char *path = tm_jsonl_path(arena, root, first->author, first->op_type,
                                         first->cell->trace.definition);
        good = tm_file_write(path, tm_text_get(&text), text.length, NULL);
        if (!good)
            tm_diag_error(diag, tm_diag_command_line, NULL, "cannot write %s: %s", path,
                          strerror(errno));
    }
    tm_text_free(&text);
    return good;
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *place) {
    (void)status, (void)kind, (void)place;
    return remove(path);
}

/* mkdtemp's folder is for its owner alone. */
static bool open_to_others(const char *folder) {
    mode_t mask = umask(0);
    umask(mask);
    return chmod(folder, 0777 & ~mask) == 0;
}

bool tm_merge_write(tm_arena *arena, const tm_merge *merge, const char *out, tm_diag *diag) {
    size_t length = strlen(out);
    while (length > 1 && out[length - 1] == '/')
        length--;
    char *folder = tm_arena_format(arena, "%.*s.XXXXXX", (int)length, out);
    if (!tm_file_make_parents(folder) || mkdtemp(folder) == NULL) {
        tm_diag_error(diag, tm_diag_command_line, NULL, "cannot make a folder beside %s: %s", out,
                      strerror(errno));
        return false;
    }
    bool good = true;
    for (size_t i = 0; good && i < merge->part_count; i++)
        good = write_part(arena, &merge->parts[i], folder, diag);
    if (good && (!open_to_others(folder) || rename(folder, out) != 0)) {
        tm_diag_error(diag, tm_diag_command_line, NULL, "cannot make %s: %s", out, strerror(errno));
        good = false;
    }
    if (!good)
        nftw(folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    return good;
}
