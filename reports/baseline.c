#include "reports/baseline.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/file.h"
#include "lib/json.h"

#define MAX_DEPTH 16

typedef struct {
    tm_arena *arena;
    tm_baseline *baseline;
    size_t capacity;
    const char *ending; /* which files to read: ".json" or ".jsonl" */
} collector;

static bool ends_with(const char *text, const char *ending) {
    size_t length = strlen(text), rest = strlen(ending);
    return length > rest && strcmp(text + length - rest, ending) == 0;
}

static const char *or_empty(const char *text) {
    return text != NULL ? text : "";
}

/* A row without a result is a workload; another object that is no trace, a report. */
static void take(collector *all, const tm_node *node, const char *samples_path) {
    const tm_node *workload = tm_node_get(node, "workload");
    const tm_node *solution = tm_node_get(node, "solution");
    if (workload == NULL || solution == NULL || solution->type != TM_NODE_STRING)
        return;
    tm_baseline_cell cell = {.samples_path = samples_path};
    tm_node_reader reader = {all->arena, tm_diag_create(all->arena)};
    const tm_node *uuid = tm_node_get(workload, "uuid");
    if (uuid == NULL || uuid->type != TM_NODE_STRING ||
        !tm_trace_parse(&reader, node, &cell.trace)) {
        all->baseline->broken++;
        return;
    }
    tm_trace *trace = &cell.trace;
    cell.uuid = uuid->string;
    trace->author = or_empty(trace->author);
    trace->hardware = or_empty(trace->hardware);
    trace->timestamp = or_empty(trace->timestamp);
    trace->reason = or_empty(trace->reason);
    if (strcmp(trace->timestamp, all->baseline->newest) > 0)
        all->baseline->newest = trace->timestamp;
    tm_baseline *baseline = all->baseline;
    baseline->cells = tm_arena_grow(all->arena, baseline->cells, baseline->count, &all->capacity,
                                    sizeof(*baseline->cells));
    baseline->cells[baseline->count++] = cell;
}

static void take_file(collector *all, const char *path) {
    const tm_source *source = tm_file_read(all->arena, path);
    tm_diag *unheard = tm_diag_create(all->arena);
    if (source == NULL) {
        all->baseline->broken++;
        return;
    }
    if (ends_with(path, ".json")) {
        const tm_node *node = tm_json_parse_all(all->arena, source, unheard);
        int stem = (int)(strlen(path) - strlen(".json"));
        if (node != NULL)
            take(all, node, tm_arena_format(all->arena, "%.*s.samples", stem, path));
        else
            all->baseline->broken++;
        return;
    }
    size_t at = 0, begin, end;
    while (tm_json_next_row(source, &at, &begin, &end)) {
        const tm_node *node = tm_json_parse(all->arena, source, begin, end, unheard);
        if (node != NULL)
            take(all, node, NULL);
        else
            all->baseline->broken++;
    }
}

static void walk(collector *all, const char *folder, int depth) {
    size_t count;
    const tm_file_entry *entries = tm_file_list(all->arena, folder, &count);
    for (size_t i = 0; entries != NULL && i < count; i++) {
        const char *path = tm_file_join(all->arena, folder, entries[i].name);
        if (entries[i].is_folder && depth < MAX_DEPTH)
            walk(all, path, depth + 1);
        else if (!entries[i].is_folder && ends_with(path, all->ending))
            take_file(all, path);
    }
}

static int compare_keys(const tm_baseline_cell *left, const tm_baseline_cell *right) {
    int order = strcmp(left->trace.definition, right->trace.definition);
    if (order == 0)
        order = strcmp(left->trace.solution, right->trace.solution);
    return order != 0 ? order : strcmp(left->uuid, right->uuid);
}

/* The newest of a cell's first. */
static int compare_cells(const void *left_pointer, const void *right_pointer) {
    const tm_baseline_cell *left = left_pointer, *right = right_pointer;
    int order = compare_keys(left, right);
    return order != 0 ? order : -strcmp(left->trace.timestamp, right->trace.timestamp);
}

static int compare_only_keys(const void *left, const void *right) {
    return compare_keys(left, right);
}

static void settle(tm_baseline *baseline) {
    size_t kept = 0;
    if (baseline->count > 0)
        qsort(baseline->cells, baseline->count, sizeof(*baseline->cells), compare_cells);
    for (size_t i = 0; i < baseline->count; i++)
        if (kept == 0 || compare_keys(&baseline->cells[kept - 1], &baseline->cells[i]) != 0)
            baseline->cells[kept++] = baseline->cells[i];
    baseline->count = kept;
}

bool tm_baseline_read(tm_arena *arena, const char *folder, tm_diag *diag, tm_baseline *baseline) {
    /* Where one JSON file per cell is, samples are too. */
    static const char *const places[] = {"build/traces", "traces", "report/traces",
                                         "build/report/traces", ""};
    static const char *const endings[] = {".json", ".jsonl"};
    struct stat status;
    *baseline = (tm_baseline){.newest = ""};
    if (stat(folder, &status) != 0 || !S_ISDIR(status.st_mode)) {
        tm_diag_error(diag, tm_diag_command_line, "--baseline",
                      "expected a folder with traces of an earlier run, got \"%s\"", folder);
        return false;
    }
    size_t broken = 0;
    for (size_t i = 0; i < 2; i++)
        for (size_t j = 0; j < sizeof(places) / sizeof(*places); j++) {
            const char *path =
                places[j][0] != '\0' ? tm_file_join(arena, folder, places[j]) : folder;
            collector all = {arena, baseline, 0, endings[i]};
            *baseline = (tm_baseline){.path = path, .newest = ""};
            if (stat(path, &status) == 0)
                walk(&all, path, 0);
            settle(baseline);
            if (baseline->count > 0)
                return true;
            broken += baseline->broken;
        }
    tm_diag_error(diag, tm_diag_command_line, "--baseline",
                  "expected traces below \"%s\", got none%s; give the build folder of an earlier "
                  "`ninja bench`, its build/traces, or a FlashInfer-Trace dataset with traces",
                  folder, broken > 0 ? " that can be read" : "");
    return false;
}

const tm_baseline_cell *tm_baseline_find(const tm_baseline *baseline, const char *definition,
                                         const char *solution, const char *uuid) {
    tm_baseline_cell key = {.uuid = uuid,
                            .trace = {.definition = definition, .solution = solution}};
    return baseline->count > 0 ? bsearch(&key, baseline->cells, baseline->count,
                                         sizeof(*baseline->cells), compare_only_keys)
                               : NULL;
}
