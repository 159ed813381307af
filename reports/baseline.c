#include "reports/baseline.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/file.h"
#include "lib/instant.h"
#include "lib/json.h"
#include "reports/walk.h"

typedef struct {
    tm_arena *arena;
    tm_baseline *baseline;
    size_t capacity;
    const char *ending; /* which files to read: ".json" or ".jsonl" */
} collector;

/* Counts a file or a row that is no trace, and keeps what is wrong with the first. */
static void note_broken(collector *all, const char *path, const tm_diag *diag) {
    tm_baseline *baseline = all->baseline;
    const tm_diag_entry *entries;
    size_t count = tm_diag_entries(diag, &entries), i = 0;
    while (i < count && entries[i].severity != TM_DIAG_ERROR)
        i++;
    if (baseline->broken++ > 0)
        return;
    baseline->broken_why = i == count
                               ? tm_arena_format(all->arena, "%s: not a trace", path)
                               : tm_arena_format(all->arena, "%s:%d:%d: %s", path, entries[i].line,
                                                 entries[i].column, entries[i].message);
}

/* What the operating system does not let be read: the traces are not whole. */
static void note_refused(void *context, const char *what) {
    tm_baseline *baseline = ((collector *)context)->baseline;
    if (baseline->refused++ == 0)
        baseline->refused_why = what;
}

/* Whether the system refused a file that is one; a pipe or a dangling link is none. */
static bool is_refused(int reason) {
    return reason != EINVAL && reason != EFBIG && reason != ENOENT;
}

/* A row without a result is a workload; another object that is no trace, a report. */
static void take(collector *all, const tm_node *node, const char *path, const char *samples_path) {
    const tm_node *workload = tm_node_get(node, "workload");
    const tm_node *solution = tm_node_get(node, "solution");
    if (workload == NULL || solution == NULL || solution->type != TM_NODE_STRING)
        return;
    tm_baseline_cell cell = {.node = node, .path = path, .samples_path = samples_path};
    tm_node_reader reader = {all->arena, tm_diag_create(all->arena)};
    if (!tm_trace_parse(&reader, node, &cell.trace) ||
        !tm_node_need_string(&reader, workload, "workload", "uuid", &cell.uuid)) {
        note_broken(all, path, reader.diag);
        return;
    }
    tm_baseline *baseline = all->baseline;
    if (tm_instant_compare(cell.trace.timestamp, baseline->newest) > 0)
        baseline->newest = cell.trace.timestamp;
    baseline->cells = tm_arena_grow(all->arena, baseline->cells, baseline->count, &all->capacity,
                                    sizeof(*baseline->cells));
    baseline->cells[baseline->count++] = cell;
}

static void take_file(void *context, const char *path) {
    collector *all = context;
    const tm_source *source = tm_file_read(all->arena, path);
    tm_diag *unheard = tm_diag_create(all->arena);
    if (source == NULL && is_refused(errno)) {
        note_refused(all, tm_arena_format(all->arena, "%s: %s", path, strerror(errno)));
        return;
    }
    if (source == NULL) {
        tm_diag_error(unheard, tm_diag_command_line, NULL, "cannot read it: %s", strerror(errno));
        note_broken(all, path, unheard);
        return;
    }
    if (strcmp(all->ending, ".json") == 0) {
        const tm_node *node = tm_json_parse_all(all->arena, source, unheard);
        if (node != NULL)
            take(all, node, path, tm_trace_beside(all->arena, path, ".samples"));
        else
            note_broken(all, path, unheard);
        return;
    }
    size_t at = 0, begin, end;
    while (tm_json_next_row(source, &at, &begin, &end)) {
        const tm_node *node = tm_json_parse(all->arena, source, begin, end, unheard);
        if (node != NULL)
            take(all, node, path, NULL);
        else
            note_broken(all, path, unheard);
    }
}

static int compare_keys(const tm_baseline_cell *left, const tm_baseline_cell *right) {
    int order = strcmp(left->trace.definition, right->trace.definition);
    if (order == 0)
        order = strcmp(left->trace.solution, right->trace.solution);
    return order != 0 ? order : strcmp(left->uuid, right->uuid);
}

/* The newest of a cell's first. */
static int compare_newest(const void *left_pointer, const void *right_pointer) {
    const tm_baseline_cell *left = left_pointer, *right = right_pointer;
    int order = compare_keys(left, right);
    return order != 0 ? order : -tm_instant_compare(left->trace.timestamp, right->trace.timestamp);
}

/* Failed ones first, those without a verdict last. */
static int score_order(const tm_trace *trace) {
    return trace->status == TM_STATUS_PASSED ? 1 : trace->status == TM_STATUS_VOID ? 2 : 0;
}

static int compare_scored(const void *left_pointer, const void *right_pointer) {
    const tm_baseline_cell *left = left_pointer, *right = right_pointer;
    const tm_trace *a = &left->trace, *b = &right->trace;
    int order = compare_keys(left, right);
    if (order == 0)
        order = score_order(a) - score_order(b);
    if (order == 0 && a->has_performance && b->has_performance)
        order = (a->latency_ms > b->latency_ms) - (a->latency_ms < b->latency_ms);
    return order != 0 ? order : -tm_instant_compare(a->timestamp, b->timestamp);
}

static int compare_only_keys(const void *left, const void *right) {
    return compare_keys(left, right);
}

/* How many cells from `first` on are traces of one. */
static size_t count_same(const tm_baseline *baseline, size_t first) {
    size_t end = first + 1;
    while (end < baseline->count &&
           compare_keys(&baseline->cells[first], &baseline->cells[end]) == 0)
        end++;
    return end - first;
}

static void note_repeats(tm_arena *arena, const tm_baseline_cell *others, size_t count,
                         tm_baseline_cell *cell) {
    tm_trace *repeats = tm_arena_array(arena, count, sizeof(*repeats));
    for (size_t i = 0; i < count; i++)
        repeats[i] = others[i].trace;
    cell->repeats = repeats;
    cell->repeat_count = count;
}

static const tm_baseline_cell *find_hardware(const tm_baseline_cell *cells, size_t count,
                                             const char *hardware) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(cells[i].trace.hardware, hardware) == 0)
            return &cells[i];
    return NULL;
}

static void settle(tm_arena *arena, tm_baseline *baseline, tm_baseline_rule rule) {
    tm_baseline_cell *cells = baseline->cells;
    size_t kept = 0, all = baseline->count;
    if (all > 0)
        qsort(cells, all, sizeof(*cells),
              rule == TM_BASELINE_SCORED ? compare_scored : compare_newest);
    if (rule == TM_BASELINE_EACH)
        return;
    for (size_t i = 0, same; i < all; i += same) {
        same = count_same(baseline, i);
        size_t first = kept;
        cells[kept++] = cells[i];
        if (rule == TM_BASELINE_NEWEST)
            for (size_t j = i + 1; j < i + same; j++)
                if (find_hardware(&cells[first], kept - first, cells[j].trace.hardware) == NULL)
                    cells[kept++] = cells[j];
        if (same > 1 && rule == TM_BASELINE_SCORED)
            note_repeats(arena, &cells[i + 1], same - 1, &cells[first]);
    }
    baseline->repeated = all - kept;
    baseline->count = kept;
}

static void tell_refused(tm_arena *arena, const tm_baseline_request *request,
                         const tm_baseline *baseline, tm_diag *diag) {
    if (baseline->refused == 0)
        return;
    const char *more = baseline->refused == 1
                           ? ""
                           : tm_arena_format(arena, " (and %zu more)", baseline->refused - 1);
    tm_diag_error(diag, tm_diag_command_line, request->option,
                  "cannot read all traces: %s%s; what is there is missing here",
                  baseline->refused_why, more);
}

bool tm_baseline_read(tm_arena *arena, const tm_baseline_request *request, tm_diag *diag,
                      tm_baseline *baseline) {
    /* Where one JSON file per cell is, samples are too. */
    static const char *const places[] = {"build/traces", "traces", "report/traces",
                                         "build/report/traces", ""};
    static const char *const endings[] = {".json", ".jsonl"};
    const char *folder = request->folder;
    struct stat status;
    *baseline = (tm_baseline){.newest = ""};
    if (stat(folder, &status) != 0 || !S_ISDIR(status.st_mode)) {
        tm_diag_error(diag, tm_diag_command_line, request->option,
                      "expected a folder with traces of an earlier run, got \"%s\"", folder);
        return false;
    }
    const char *broken_why = NULL, *refused_why = NULL;
    size_t refused = 0;
    for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++)
        for (size_t j = 0; j < 2; j++) {
            const char *path =
                places[i][0] != '\0' ? tm_file_join(arena, folder, places[i]) : folder;
            collector all = {arena, baseline, 0, endings[j]};
            *baseline = (tm_baseline){.path = path, .newest = ""};
            tm_walk_files(arena, &(tm_walk){endings[j], &all, take_file, note_refused}, path);
            settle(arena, baseline, request->rule);
            refused = baseline->refused > 0 ? baseline->refused : refused;
            refused_why = refused_why == NULL ? baseline->refused_why : refused_why;
            if (baseline->count > 0) {
                tell_refused(arena, request, baseline, diag);
                return true;
            }
            if (broken_why == NULL)
                broken_why = baseline->broken_why;
        }
    baseline->refused = refused;
    baseline->refused_why = refused_why;
    tell_refused(arena, request, baseline, diag);
    tm_diag_error(
        diag, tm_diag_command_line, request->option,
        "expected traces below \"%s\", got none%s%s%s; give the build folder of an earlier "
        "`ninja bench`, its build/traces, or a FlashInfer-Trace dataset with traces",
        folder, broken_why != NULL ? " that can be read (" : "",
        broken_why != NULL ? broken_why : "", broken_why != NULL ? ")" : "");
    return false;
}

const char *tm_baseline_skipped(tm_arena *arena, size_t broken, const char *broken_why) {
    if (broken == 1)
        return tm_arena_format(arena, "skipped a file or row that is no trace, %s", broken_why);
    return tm_arena_format(arena, "skipped %zu files or rows that are no traces, the first at %s",
                           broken, broken_why);
}

const tm_baseline_cell *tm_baseline_find(const tm_baseline *baseline,
                                         const tm_baseline_cell *like) {
    const tm_baseline_cell *found = baseline->count > 0
                                        ? bsearch(like, baseline->cells, baseline->count,
                                                  sizeof(*baseline->cells), compare_only_keys)
                                        : NULL;
    if (found == NULL)
        return NULL;
    while (found > baseline->cells && compare_keys(found - 1, found) == 0)
        found--;
    size_t count = count_same(baseline, (size_t)(found - baseline->cells));
    const tm_baseline_cell *same = find_hardware(found, count, like->trace.hardware);
    return same != NULL ? same : found;
}
