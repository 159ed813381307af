#include "gen/scan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/field.h"
#include "lib/file.h"
#include "lib/json.h"
#include "lib/text.h"

typedef struct {
    const tm_options *options;
    tm_arena *arena;
    tm_diag *diag;
    tm_node_reader reader;
    tm_scan *scan;
    size_t definition_capacity, solution_capacity;
    size_t dataset;           /* the one being read */
    size_t tree;              /* 0: the source tree; i + 1: dataset i */
    const char *root;         /* of the tree being read */
    const char *ninja_prefix; /* what ninja calls that root */
} scanner;

typedef void (*file_visitor)(scanner *s, const char *path);

static void note_input(scanner *s, const char *path) {
    tm_scan *scan = s->scan;
    scan->inputs = tm_arena_grow(s->arena, scan->inputs, scan->input_count, &scan->input_capacity,
                                 sizeof *scan->inputs);
    scan->inputs[scan->input_count++] = path;
}

static bool ends_with(const char *text, const char *suffix) {
    size_t length = strlen(text), tail = strlen(suffix);
    return length >= tail && strcmp(text + length - tail, suffix) == 0;
}

/* Whether a folder is one solution's: it holds this file, and what else is in it or below is the
 * solution's own. */
static bool is_leaf(const tm_file_entry *entries, size_t count, const char *file) {
    for (size_t i = 0; i < count; i++)
        if (!entries[i].is_folder && strcmp(entries[i].name, file) == 0)
            return true;
    return false;
}

/* Build files would name it, and go on behind the name. */
static void refuse_name(scanner *s, const char *folder, const char *name) {
    tm_source *source = tm_arena_alloc(s->arena, sizeof *source);
    source->path = folder;
    tm_diag_error(s->diag, ((tm_place){source, TM_WHOLE_FILE}), NULL,
                  "expected names without control characters, got \"%s\"; rename it", name);
}

/* Visits every file below `folder` whose name ends with `suffix`, in sorted order. With `leaf`, a
 * folder that holds a file of that name is visited for that file alone: no other can be added, so
 * the folder is no input, and an editor that saves by renaming does not cause a new plan. */
static void walk(scanner *s, const char *folder, const char *suffix, const char *leaf,
                 file_visitor visit, int depth) {
    size_t count;
    const tm_file_entry *entries = tm_file_list(s->arena, folder, &count);
    if (!entries && errno == ENOENT) {
        note_input(s, s->root); /* changes when the folder appears */
        return;
    }
    if (entries && leaf && is_leaf(entries, count, leaf)) {
        visit(s, tm_file_join(s->arena, folder, leaf));
        return;
    }
    note_input(s, folder);
    if (!entries || depth > 32) {
        tm_source source = {.path = folder};
        const tm_source *kept =
            memcpy(tm_arena_alloc(s->arena, sizeof source), &source, sizeof source);
        tm_diag_error(s->diag, ((tm_place){kept, TM_WHOLE_FILE}), NULL,
                      "the folder cannot be read: %s",
                      depth > 32 ? "nested too deeply" : strerror(errno));
        return;
    }
    for (size_t i = 0; i < count; i++) {
        const char *path = tm_file_join(s->arena, folder, entries[i].name);
        bool is_wanted = entries[i].is_folder || (suffix && ends_with(entries[i].name, suffix));
        if (is_wanted && tm_field_has_control(entries[i].name))
            refuse_name(s, folder, entries[i].name);
        else if (entries[i].is_folder)
            walk(s, path, suffix, leaf, visit, depth + 1);
        else if (is_wanted)
            visit(s, path);
    }
}

/* Reads a file as a source; NULL after appending an error. */
static const tm_source *read_source(scanner *s, const char *path) {
    note_input(s, path);
    const tm_source *source = tm_file_read(s->arena, path);
    if (source)
        return source;
    int error = errno;
    tm_source *missing = tm_arena_alloc(s->arena, sizeof *missing);
    missing->path = path;
    missing->text = "";
    tm_diag_error(s->diag, ((tm_place){missing, TM_WHOLE_FILE}), NULL,
                  "expected a readable file: %s", strerror(error));
    return NULL;
}

static const tm_node *read_json(scanner *s, const char *path) {
    const tm_source *source = read_source(s, path);
    return source ? tm_json_parse_all(s->arena, source, s->diag) : NULL;
}

/* Remembers what a definition with errors is called: as it says, else as its file is, which is the
 * name in every dataset that flashinfer-bench wrote. */
static void note_broken(scanner *s, const tm_node *node, const char *path) {
    const tm_node *name = tm_node_get(node, "name");
    const char *base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    tm_scan *scan = s->scan;
    scan->broken = tm_arena_grow(s->arena, scan->broken, scan->broken_count, &scan->broken_capacity,
                                 sizeof *scan->broken);
    scan->broken[scan->broken_count++] =
        name && name->type == TM_NODE_STRING
            ? name->string
            : tm_arena_copy(s->arena, base, strlen(base) - strlen(".json"));
}

static void visit_definition(scanner *s, const char *path) {
    const tm_node *node = read_json(s, path);
    const tm_definition *definition = node ? tm_definition_parse(&s->reader, node) : NULL;
    if (!definition) {
        note_broken(s, node, path);
        return;
    }
    tm_scan *scan = s->scan;
    scan->definitions = tm_arena_grow(s->arena, scan->definitions, scan->definition_count,
                                      &s->definition_capacity, sizeof *scan->definitions);
    scan->definitions[scan->definition_count++] = (tm_scanned_definition){.definition = definition};
}

/* Whether the files that a solution lists beside itself are there; appends an error for each that
 * is not. One that goes missing later is for the compiler to say. */
static bool has_sources(scanner *s, const tm_solution *solution) {
    bool good = true;
    size_t index = 0;
    const tm_node *item = tm_node_get(solution->node, "sources")->child;
    for (; item; item = item->next, index++) {
        const tm_solution_file *file = &solution->files[index];
        const char *path = tm_file_join(s->arena, solution->folder, file->path);
        if (file->content || access(path, R_OK) == 0)
            continue;
        int reason = errno;
        note_input(s, tm_file_nearest(s->arena, path)); /* adding the file plans again */
        tm_diag_error(s->diag, tm_node_get(item, "path")->place,
                      tm_arena_format(s->arena, "sources[%zu].path", index),
                      "expected a readable file, got \"%s\" (%s: %s); add the file or remove the "
                      "entry",
                      file->path, path, strerror(reason));
        good = false;
    }
    return good;
}

static void visit_solution(scanner *s, const char *path) {
    const tm_node *node = read_json(s, path);
    const char *slash = strrchr(path, '/');
    const char *folder = tm_arena_copy(s->arena, path, slash ? (size_t)(slash - path) : 0);
    const tm_solution *solution = node ? tm_solution_parse(&s->reader, node, folder) : NULL;
    if (!solution || !has_sources(s, solution))
        return;
    size_t above = strcmp(s->root, ".") == 0 ? 0 : strlen(s->root); /* joined, "." is left out */
    const char *below = folder + above;
    while (*below == '/')
        below++;
    tm_scan *scan = s->scan;
    scan->solutions = tm_arena_grow(s->arena, scan->solutions, scan->solution_count,
                                    &s->solution_capacity, sizeof *scan->solutions);
    scan->solutions[scan->solution_count++] = (tm_scanned_solution){
        .solution = solution,
        .ninja_folder = tm_arena_format(s->arena, "%s/%s", s->ninja_prefix, below),
        .tree = s->tree};
}

static const tm_place *uuid_place(const tm_workload *workload) {
    const tm_node *node = tm_node_get(workload->node, "uuid");
    return node ? &node->place : &workload->node->place;
}

static void add_workload(scanner *s, tm_scanned_definition *owner, const tm_workload *workload) {
    size_t datasets = owner->workload_capacity;
    owner->workloads = tm_arena_grow(s->arena, owner->workloads, owner->workload_count,
                                     &owner->workload_capacity, sizeof *owner->workloads);
    owner->workload_datasets =
        tm_arena_grow(s->arena, owner->workload_datasets, owner->workload_count, &datasets,
                      sizeof *owner->workload_datasets);
    owner->workloads[owner->workload_count] = workload;
    owner->workload_datasets[owner->workload_count++] = s->dataset;
}

static void read_row(scanner *s, const tm_node *row) {
    const char *name = tm_workload_row_definition(&s->reader, row);
    if (!name)
        return;
    tm_scanned_definition *owner = tm_scan_find(s->scan, name);
    if (!owner && tm_scan_is_broken(s->scan, name))
        return; /* the row may be good: what is to be mended is the definition */
    if (!owner) {
        const tm_node *node = tm_node_get(row, "definition");
        tm_diag_error(s->diag, node->place, "definition",
                      "expected the name of a definition in the dataset, got \"%s\"; add its "
                      "definition file or remove the row",
                      name);
        return;
    }
    const tm_workload *workload = tm_workload_parse(&s->reader, row, owner->definition);
    if (workload)
        add_workload(s, owner, workload);
}

static void visit_workloads(scanner *s, const char *path) {
    const tm_source *source = read_source(s, path);
    if (!source)
        return;
    size_t begin, end;
    for (size_t at = 0; tm_json_next_row(source, &at, &begin, &end);) {
        s->scan->workload_rows++;
        const tm_node *row = tm_json_parse(s->arena, source, begin, end, s->diag);
        if (row)
            read_row(s, row);
    }
}

static int compare_definitions(const void *a, const void *b) {
    const tm_scanned_definition *left = a, *right = b;
    int order = strcmp(left->definition->name, right->definition->name);
    if (order)
        return order;
    return strcmp(left->definition->source->path, right->definition->source->path);
}

/* Sorts definitions and drops all but the first of equal name. */
static void settle_definitions(scanner *s) {
    tm_scan *scan = s->scan;
    if (scan->definition_count)
        qsort(scan->definitions, scan->definition_count, sizeof *scan->definitions,
              compare_definitions);
    size_t kept = 0;
    for (size_t i = 0; i < scan->definition_count; i++) {
        const tm_definition *definition = scan->definitions[i].definition;
        if (kept && strcmp(scan->definitions[kept - 1].definition->name, definition->name) == 0) {
            tm_diag_error(s->diag, tm_node_get(definition->node, "name")->place, "name",
                          "expected a name of its own, got \"%s\", which %s has already; rename "
                          "or remove one",
                          definition->name, scan->definitions[kept - 1].definition->source->path);
            continue;
        }
        scan->definitions[kept++] = scan->definitions[i];
    }
    scan->definition_count = kept;
}

static int compare_workloads(const void *a, const void *b) {
    return strcmp((*(const tm_workload *const *)a)->uuid, (*(const tm_workload *const *)b)->uuid);
}

/* Drops rows whose UUID another row of the definition has already. */
static void settle_workloads(scanner *s, tm_scanned_definition *owner) {
    size_t count = owner->workload_count;
    if (count < 2)
        return;
    const tm_workload **sorted = tm_arena_array(s->arena, count, sizeof *sorted);
    memcpy(sorted, owner->workloads, count * sizeof *sorted);
    qsort(sorted, count, sizeof *sorted, compare_workloads);
    bool distinct = true;
    for (size_t i = 1; i < count && distinct; i++)
        distinct = strcmp(sorted[i - 1]->uuid, sorted[i]->uuid) != 0;
    if (distinct)
        return;
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        size_t first = 0;
        while (first < kept &&
               strcmp(owner->workloads[first]->uuid, owner->workloads[i]->uuid) != 0)
            first++;
        if (first < kept) {
            tm_place place = *uuid_place(owner->workloads[first]);
            int line, column;
            tm_place_resolve(place, &line, &column);
            tm_diag_error(s->diag, *uuid_place(owner->workloads[i]), "workload.uuid",
                          "expected a UUID of its own, got \"%s\", which the row at %s:%d has "
                          "already; give the row another one",
                          owner->workloads[i]->uuid, place.source->path, line);
            continue;
        }
        owner->workload_datasets[kept] = owner->workload_datasets[i];
        owner->workloads[kept++] = owner->workloads[i];
    }
    owner->workload_count = kept;
}

static int compare_name(const void *name, const void *scanned) {
    return strcmp(name, ((const tm_scanned_definition *)scanned)->definition->name);
}

tm_scanned_definition *tm_scan_find(const tm_scan *scan, const char *name) {
    if (scan->definition_count == 0)
        return NULL;
    return bsearch(name, scan->definitions, scan->definition_count, sizeof *scan->definitions,
                   compare_name);
}

bool tm_scan_is_broken(const tm_scan *scan, const char *name) {
    for (size_t i = 0; i < scan->broken_count; i++)
        if (strcmp(scan->broken[i], name) == 0)
            return true;
    return false;
}

static bool same_folder(const char *a, const char *b) {
    struct stat left, right;
    return stat(a, &left) == 0 && stat(b, &right) == 0 && left.st_dev == right.st_dev &&
           left.st_ino == right.st_ino;
}

tm_scan *tm_scan_read(const tm_options *options, tm_arena *arena, tm_diag *diag) {
    scanner s = {.options = options,
                 .arena = arena,
                 .diag = diag,
                 .reader = {arena, diag},
                 .scan = tm_arena_alloc(arena, sizeof(tm_scan))};
    if (options->config_path)
        note_input(&s, options->config_path);
    for (size_t i = 0; i < options->dataset_count; i++) {
        const char *folder = tm_file_join(arena, options->datasets[i], "definitions");
        size_t count;
        s.root = options->datasets[i];
        if (!tm_file_list(arena, folder, &count))
            tm_diag_error(diag, tm_diag_command_line, NULL,
                          "--dataset=%s: expected a folder with definitions/ in it, got %s",
                          options->datasets[i], strerror(errno));
        walk(&s, folder, ".json", NULL, visit_definition, 0);
    }
    settle_definitions(&s);
    for (size_t i = 0; i < options->dataset_count; i++) {
        s.dataset = i;
        s.tree = i + 1;
        s.root = options->datasets[i];
        s.ninja_prefix = tm_arena_format(arena, "$dataset%zu", i);
        walk(&s, tm_file_join(arena, s.root, "workloads"), ".jsonl", NULL, visit_workloads, 0);
        if (options->dataset_is_srcdir || same_folder(s.root, options->srcdir))
            continue; /* its kernels/ come below, for every dataset */
        walk(&s, tm_file_join(arena, s.root, "solutions"), ".json", NULL, visit_solution, 0);
        walk(&s, tm_file_join(arena, s.root, "kernels"), NULL, "solution.json", visit_solution, 0);
    }
    s.root = options->srcdir;
    s.tree = 0;
    s.ninja_prefix = "$srcdir";
    walk(&s, tm_file_join(arena, s.root, "kernels"), NULL, "solution.json", visit_solution, 0);
    for (size_t i = 0; i < s.scan->definition_count; i++)
        settle_workloads(&s, &s.scan->definitions[i]);
    return s.scan;
}

const char *tm_scan_nearest(const tm_scan *scan, const char *name, tm_arena *arena) {
    const char **names = tm_arena_array(arena, scan->definition_count, sizeof *names);
    for (size_t i = 0; i < scan->definition_count; i++)
        names[i] = scan->definitions[i].definition->name;
    return tm_text_nearest(name, names, scan->definition_count);
}
