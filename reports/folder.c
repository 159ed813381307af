#include "reports/folder.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/file.h"
#include "lib/json.h"
#include "lib/text.h"
#include "reports/baseline.h"
#include "reports/figure.h"
#include "reports/hardware.h"
#include "reports/score.h"
#include "reports/walk.h"

/* What a file of a dataset says of the definition or solution that it holds. */
typedef struct {
    const char *name, *group; /* a definition's op_type, a solution's author */
    const char *language;     /* "" of a definition */
    const char *path;
} dataset_entry;

typedef struct {
    dataset_entry *entries; /* sorted by name once all are there */
    size_t count, capacity;
} dataset_list;

typedef struct {
    tm_node_reader reader;
    tm_baseline traces;
    dataset_list definitions, solutions;
    tm_hardware hardware;
    bool is_refused; /* the operating system let not all of it be read; an error tells */
} folder_reader;

typedef struct {
    folder_reader *folder;
    const char *group; /* the key that says it */
    dataset_list *list;
} entry_reader;

/* ---- the dataset around the traces ---- */

static void read_entry(void *context, const char *path) {
    const entry_reader *entries = context;
    folder_reader *folder = entries->folder;
    dataset_list *list = entries->list;
    const char *group = entries->group;
    tm_arena *arena = folder->reader.arena;
    const tm_source *source = tm_file_read(arena, path);
    tm_diag *unheard = tm_diag_create(arena);
    const tm_node *node = source != NULL ? tm_json_parse_all(arena, source, unheard) : NULL;
    tm_node_reader reader = {arena, unheard};
    dataset_entry entry = {.language = "", .path = path};
    if (node == NULL || node->type != TM_NODE_OBJECT ||
        !tm_node_need_string(&reader, node, "", "name", &entry.name) ||
        !tm_node_need_string(&reader, node, "", group, &entry.group)) {
        tm_diag_add(folder->reader.diag, TM_DIAG_WARNING, tm_diag_command_line, path,
                    "expected an object with name and %s, got none; it is passed over", group);
        return;
    }
    tm_node_may_string(&reader, tm_node_get(node, "spec"), "spec", "language", &entry.language);
    list->entries =
        tm_arena_grow(arena, list->entries, list->count, &list->capacity, sizeof(entry));
    list->entries[list->count++] = entry;
}

static void refuse_entries(void *context, const char *what) {
    folder_reader *folder = ((const entry_reader *)context)->folder;
    tm_diag_error(folder->reader.diag, tm_diag_command_line, "FOLDER",
                  "cannot read all of the dataset: %s; what is there is not known here", what);
    folder->is_refused = true;
}

static void read_entries(folder_reader *folder, const char *path, const char *group,
                         dataset_list *list) {
    entry_reader reader = {folder, group, list};
    tm_walk_files(folder->reader.arena, &(tm_walk){".json", &reader, read_entry, refuse_entries},
                  path);
}

static int compare_entries(const void *left, const void *right) {
    return strcmp(((const dataset_entry *)left)->name, ((const dataset_entry *)right)->name);
}

static const dataset_entry *find_entry(const dataset_list *list, const char *name) {
    const dataset_entry key = {.name = name};
    return list->count > 0 ? bsearch(&key, list->entries, list->count, sizeof(key), compare_entries)
                           : NULL;
}

static void read_dataset(folder_reader *folder, const char *root) {
    tm_arena *arena = folder->reader.arena;
    dataset_list *lists[] = {&folder->definitions, &folder->solutions};
    read_entries(folder, tm_file_join(arena, root, "definitions"), "op_type", lists[0]);
    read_entries(folder, tm_file_join(arena, root, "solutions"), "author", lists[1]);
    for (int i = 0; i < 2; i++) {
        if (lists[i]->count == 0)
            continue;
        dataset_entry *entries = lists[i]->entries;
        qsort(entries, lists[i]->count, sizeof(*entries), compare_entries);
        for (size_t j = 1; j < lists[i]->count; j++)
            if (compare_entries(&entries[j - 1], &entries[j]) == 0)
                tm_diag_add(folder->reader.diag, TM_DIAG_WARNING, tm_diag_command_line,
                            entries[j].path, "expected a name of its own, got \"%s\" as in %s",
                            entries[j].name, entries[j - 1].path);
    }
}

/* ---- who wrote what ---- */

/* What follows the last "traces/" of a trace's path, else the folder where traces were found. */
static const char *below_traces(const folder_reader *folder, const char *path) {
    static const char traces[] = "/traces/";
    const char *rest = path + strlen(folder->traces.path);
    for (const char *at = rest; (at = strstr(at, traces)) != NULL; rest = at)
        at += strlen(traces) - 1;
    return rest;
}

/* A component of a trace's path below the traces' folder, of "AUTHOR/OP_TYPE/NAME.jsonl" or, as
 * flashinfer-bench 0.1.2 writes, "OP_TYPE/NAME.jsonl"; "" when there is none. */
static const char *path_part(folder_reader *folder, const tm_baseline_cell *cell, bool is_author) {
    const char *rest = below_traces(folder, cell->path);
    const char *parts[3] = {NULL};
    size_t count = 0;
    for (rest += *rest == '/'; count < 3 && strchr(rest, '/') != NULL; count++) {
        size_t length = strcspn(rest, "/");
        parts[count] = tm_arena_copy(folder->reader.arena, rest, length);
        rest += length + 1;
    }
    if (is_author)
        return count == 2 ? parts[0] : "";
    return count == 2 ? parts[1] : count == 1 ? parts[0] : "";
}

static const char *first_of(const dataset_entry *entry, const char *told, const char *part) {
    return entry != NULL ? entry->group : told[0] != '\0' ? told : part;
}

static const char *author_of(folder_reader *folder, const tm_baseline_cell *cell) {
    const char *author = first_of(find_entry(&folder->solutions, cell->trace.solution),
                                  cell->trace.author, path_part(folder, cell, true));
    return author[0] != '\0' ? author : "unknown";
}

static const char *op_type_of(folder_reader *folder, const tm_baseline_cell *cell) {
    const char *op_type = first_of(find_entry(&folder->definitions, cell->trace.definition),
                                   cell->trace.op_type, path_part(folder, cell, false));
    return op_type[0] != '\0' ? op_type : "unknown";
}

/* ---- the model ---- */

const char *tm_folder_reason(tm_arena *arena, const tm_trace *trace) {
    const char *log = trace->log;
    size_t end = strlen(log);
    if (trace->reason[0] != '\0' || trace->status == TM_STATUS_PASSED)
        return trace->reason;
    while (end > 0 && strchr(" \r\n", log[end - 1]) != NULL)
        end--;
    size_t begin = end;
    while (begin > 0 && log[begin - 1] != '\n')
        begin--;
    return tm_arena_copy(arena, log + begin, end - begin);
}

static int compare_workloads(const void *left, const void *right) {
    return strcmp(((const tm_model_workload *)left)->uuid,
                  ((const tm_model_workload *)right)->uuid);
}

/* The workloads of `count` cells of one definition, each once. */
static void add_workloads(folder_reader *folder, const tm_baseline_cell *cells, size_t count,
                          tm_model_definition *definition) {
    tm_model_workload *workloads = tm_arena_array(folder->reader.arena, count, sizeof(*workloads));
    for (size_t i = 0; i < count; i++) {
        const tm_node *axes = tm_node_get(cells[i].trace.workload, "axes");
        const tm_node *weak = tm_node_get(cells[i].trace.details_node, "weak");
        bool has_weak = weak != NULL && weak->type == TM_NODE_ARRAY && weak->count > 0;
        workloads[i] = (tm_model_workload){.uuid = cells[i].uuid,
                                           .axes = tm_figure_axes(folder->reader.arena, axes),
                                           .axes_node = axes,
                                           .weak = has_weak ? weak : NULL};
    }
    qsort(workloads, count, sizeof(*workloads), compare_workloads);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || compare_workloads(&workloads[kept - 1], &workloads[i]) != 0)
            workloads[kept++] = workloads[i];
        else if (workloads[kept - 1].weak == NULL)
            workloads[kept - 1].weak = workloads[i].weak;
    }
    definition->workloads = workloads;
    definition->workload_count = kept;
}

static const char *log_beside(tm_arena *arena, const char *path) {
    const char *log = tm_trace_beside(arena, path, ".log");
    return log != NULL && access(log, F_OK) == 0 ? log : NULL;
}

/* The solution of `count` cells, sorted by uuid as the workloads are. */
static void add_solution(folder_reader *folder, const tm_baseline_cell *traces, size_t count,
                         tm_model_definition *definition, tm_model_solution *solution) {
    tm_arena *arena = folder->reader.arena;
    tm_model_cell *cells = tm_arena_array(arena, definition->workload_count, sizeof(*cells));
    const dataset_entry *entry = find_entry(&folder->solutions, traces->trace.solution);
    *solution = (tm_model_solution){.name = traces->trace.solution,
                                    .author = author_of(folder, traces),
                                    .language = entry != NULL ? entry->language : "",
                                    .cells = cells};
    for (size_t i = 0, at = 0; i < definition->workload_count; i++) {
        if (at == count || strcmp(definition->workloads[i].uuid, traces[at].uuid) != 0) {
            cells[i] = (tm_model_cell){.state = TM_MODEL_NOT_RUN, .reason = ""};
            continue;
        }
        const tm_baseline_cell *cell = &traces[at++];
        cells[i] = (tm_model_cell){.state = TM_MODEL_RAN,
                                   .node = cell->node,
                                   .trace = cell->trace,
                                   .reason = tm_folder_reason(arena, &cell->trace),
                                   .trace_path = cell->path,
                                   .repeats = cell->repeats,
                                   .repeat_count = cell->repeat_count};
        if (cell->trace.status != TM_STATUS_PASSED)
            cells[i].log_path = log_beside(arena, cell->path);
        tm_hardware_add(&folder->hardware, cell->trace.hardware);
        for (size_t j = 0; j < cell->repeat_count; j++)
            tm_hardware_add(&folder->hardware, cell->repeats[j].hardware);
    }
    solution->score = tm_score_cells(cells, definition->workload_count);
    tm_score_add(&definition->score, &solution->score);
}

/* How many of the cells, sorted, have the first one's definition, and solution where asked. */
static size_t run_length(const tm_baseline_cell *cells, size_t count, bool of_solution) {
    size_t length = 1;
    while (length < count && strcmp(cells->trace.definition, cells[length].trace.definition) == 0 &&
           (!of_solution || strcmp(cells->trace.solution, cells[length].trace.solution) == 0))
        length++;
    return length;
}

static void add_definition(folder_reader *folder, const tm_baseline_cell *cells, size_t count,
                           tm_model_definition *definition) {
    *definition = (tm_model_definition){.name = cells->trace.definition,
                                        .op_type = op_type_of(folder, cells)};
    add_workloads(folder, cells, count, definition);
    size_t solution_count = 0;
    for (size_t i = 0; i < count; i += run_length(cells + i, count - i, true))
        solution_count++;
    tm_model_solution *solutions =
        tm_arena_array(folder->reader.arena, solution_count, sizeof(*solutions));
    definition->solutions = solutions;
    for (size_t i = 0; i < count;) {
        size_t length = run_length(cells + i, count - i, true);
        add_solution(folder, cells + i, length, definition,
                     &solutions[definition->solution_count++]);
        i += length;
    }
    tm_score_settle(definition);
}

static const char *backend_of(const tm_baseline *traces) {
    for (size_t i = 0; i < traces->count; i++) {
        const tm_node *clock = tm_node_get(traces->cells[i].trace.details_node, "clock");
        if (clock != NULL && clock->type == TM_NODE_STRING)
            return strcmp(clock->string, "monotonic") == 0 ? "cpu" : "cuda";
    }
    return "";
}

static const tm_model *make_model(folder_reader *folder) {
    tm_arena *arena = folder->reader.arena;
    const tm_baseline *traces = &folder->traces;
    tm_model *model = tm_arena_alloc(arena, sizeof(*model));
    size_t definition_count = 0;
    for (size_t i = 0; i < traces->count;
         i += run_length(traces->cells + i, traces->count - i, false))
        definition_count++;
    tm_model_definition *definitions =
        tm_arena_array(arena, definition_count, sizeof(*definitions));
    for (size_t i = 0; i < traces->count;) {
        size_t length = run_length(traces->cells + i, traces->count - i, false);
        tm_model_definition *definition = &definitions[model->definition_count++];
        add_definition(folder, traces->cells + i, length, definition);
        tm_score_add(&model->score, &definition->score);
        i += length;
    }
    model->definitions = definitions;
    model->backend = backend_of(traces);
    model->arch = tm_arena_alloc(arena, sizeof(*model->arch));
    model->dataset_diagnostics = model->arch;
    model->hardware = tm_hardware_list(arena, &folder->hardware);
    model->newest = traces->newest;
    return model;
}

/* The folder of the dataset that the traces lie in. */
static const char *dataset_root(tm_arena *arena, const char *path, const tm_baseline *traces) {
    return strcmp(traces->path, path) == 0 ? tm_file_join(arena, path, "..") : path;
}

static bool exists(const char *path) {
    return access(path, F_OK) == 0;
}

static bool has_plan(tm_arena *arena, const char *folder) {
    return exists(tm_file_join(arena, folder, "build/plan.json")) &&
           exists(tm_file_join(arena, folder, "build/traces"));
}

const char *tm_folder_build(tm_arena *arena, const char *path) {
    return path != NULL && has_plan(arena, path) ? path : ".";
}

bool tm_folder_read(tm_arena *arena, const char *path, tm_diag *diag, tm_folder_traces *traces) {
    folder_reader reader = {.reader = {arena, diag}};
    const tm_baseline_request request = {path, "FOLDER", TM_BASELINE_EACH};
    bool good = tm_baseline_read(arena, &request, diag, &reader.traces);
    *traces = (tm_folder_traces){.path = path, .is_refused = reader.traces.refused > 0};
    if (!good)
        return false;
    read_dataset(&reader, dataset_root(arena, path, &reader.traces));
    const tm_baseline *found = &reader.traces;
    tm_folder_trace *list = tm_arena_array(arena, found->count, sizeof(*list));
    for (size_t i = 0; i < found->count; i++)
        list[i] = (tm_folder_trace){&found->cells[i], author_of(&reader, &found->cells[i]),
                                    op_type_of(&reader, &found->cells[i])};
    *traces = (tm_folder_traces){.path = found->path,
                                 .traces = list,
                                 .count = found->count,
                                 .is_refused = found->refused > 0 || reader.is_refused,
                                 .broken = found->broken,
                                 .broken_why = found->broken_why};
    return true;
}

/* A cell with several traces, as show takes it. */
static const char *first_repeated(tm_arena *arena, const tm_baseline *traces) {
    const tm_baseline_cell *cell = traces->cells;
    while (cell->repeat_count == 0)
        cell++;
    return tm_arena_format(arena, "%s %s %s", cell->trace.definition, cell->trace.solution,
                           cell->uuid);
}

tm_load_result tm_folder_load(tm_arena *arena, const char *path, tm_diag *diag,
                              const tm_model **model) {
    const char *folder = path != NULL ? path : ".";
    *model = NULL;
    if (has_plan(arena, folder))
        return tm_load_model(arena, tm_file_join(arena, folder, "build/plan.json"), folder, diag,
                             model);
    if (path == NULL && !exists("build/traces") && !exists("build/report/traces")) {
        tm_diag_error(diag, tm_diag_command_line, "FOLDER",
                      "expected a folder with traces, got nothing, and there is no build/traces "
                      "here; give one");
        return TM_LOAD_BROKEN_PLAN;
    }
    folder_reader reader = {.reader = {arena, diag}};
    const tm_baseline_request request = {folder, "FOLDER", TM_BASELINE_SCORED};
    if (!tm_baseline_read(arena, &request, diag, &reader.traces))
        return reader.traces.refused > 0 ? TM_LOAD_UNREADABLE : TM_LOAD_BROKEN_PLAN;
    read_dataset(&reader, dataset_root(arena, folder, &reader.traces));
    *model = make_model(&reader);
    if (reader.traces.repeated > 0)
        tm_diag_add(
            diag, TM_DIAG_WARNING, tm_diag_command_line, NULL,
            "%s: %s beyond the first of a cell, such as %s; of each cell one that failed counts, "
            "else the fastest",
            folder, tm_figure_count(arena, reader.traces.repeated, "trace"),
            first_repeated(arena, &reader.traces));
    if (reader.traces.broken > 0)
        tm_diag_error(diag, tm_diag_command_line, NULL, "%s: %s; the others are shown", folder,
                      tm_baseline_skipped(arena, reader.traces.broken, reader.traces.broken_why));
    if (reader.traces.refused > 0 || reader.is_refused)
        return TM_LOAD_UNREADABLE;
    return reader.traces.broken > 0 ? TM_LOAD_BROKEN_TRACES : TM_LOAD_OK;
}

/* Those of the definitions that match, as far as they name one. */
static const tm_not_planned *select_not_planned(tm_arena *arena, const char *globs,
                                                const tm_not_planned *entries, size_t *count) {
    tm_not_planned *selected = tm_arena_array(arena, *count, sizeof(*selected));
    size_t kept = 0;
    for (size_t i = 0; i < *count; i++) {
        bool is_definition = strcmp(entries[i].kind, "definition") == 0;
        const char *name = is_definition ? entries[i].name : entries[i].definition;
        if (name != NULL && tm_text_matches(globs, name))
            selected[kept++] = entries[i];
    }
    *count = kept;
    return selected;
}

const tm_model *tm_folder_select(tm_arena *arena, const tm_model *model, const char *globs,
                                 tm_diag *diag) {
    tm_model *selected = tm_arena_alloc(arena, sizeof(*selected));
    tm_model_definition *definitions =
        tm_arena_array(arena, model->definition_count, sizeof(*definitions));
    const char **names = tm_arena_array(arena, model->definition_count, sizeof(*names));
    *selected = *model;
    selected->definitions = definitions;
    selected->definition_count = 0;
    selected->score = (tm_score){0};
    selected->not_planned =
        select_not_planned(arena, globs, model->not_planned, &selected->not_planned_count);
    selected->waiting = select_not_planned(arena, globs, model->waiting, &selected->waiting_count);
    for (size_t i = 0; i < model->definition_count; i++) {
        names[i] = model->definitions[i].name;
        if (!tm_text_matches(globs, names[i]))
            continue;
        definitions[selected->definition_count++] = model->definitions[i];
        tm_score_add(&selected->score, &model->definitions[i].score);
    }
    if (selected->definition_count > 0)
        return selected;
    const char *nearest = tm_text_nearest(globs, names, model->definition_count);
    tm_diag_error(diag, tm_diag_command_line, "--definition",
                  "expected one of the %zu with traces, got \"%s\"; %s%s%s",
                  model->definition_count, globs,
                  nearest != NULL ? "did you mean "
                                  : "tm-report best "
                                    "lists them",
                  nearest != NULL ? nearest : "", nearest != NULL ? "?" : "");
    return NULL;
}
