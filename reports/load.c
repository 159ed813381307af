#include "reports/load.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/crew.h"
#include "lib/file.h"
#include "lib/json.h"
#include "lib/layout.h"
#include "lib/text.h"
#include "reports/figure.h"
#include "reports/hardware.h"
#include "reports/score.h"

typedef struct {
    tm_node_reader reader; /* where to allocate, where to complain */
    const char *build;
    tm_hardware hardware;
    const char *newest;
    bool unreadable; /* the operating system refused a file */
} loader;

static const char *or_empty(const char *text) {
    return text != NULL ? text : "";
}

static const tm_node *need_array(loader *load, const tm_node *object, const char *where,
                                 const char *key) {
    return tm_node_need(&load->reader, object, where, key, TM_NODE_ARRAY);
}

/* ---- the plan ---- */

/* Whether a variant's name begins with that of its base. */
static bool is_base(loader *load, const tm_node *node, const char *where,
                    const tm_model_solution *solution) {
    size_t length = strlen(solution->base);
    if (strncmp(solution->name, solution->base, length) == 0)
        return true;
    tm_diag_error(load->reader.diag, tm_node_get(node, "base")->place, where,
                  "expected a base that \"%s\" begins with, got \"%s\"", solution->name,
                  solution->base);
    return false;
}

/* A file beside the object that a solution has for a workload. */
static const char *object_file(tm_arena *arena, const tm_model_solution *solution, size_t workload,
                               const char *end) {
    const char *suffix = solution->objects != NULL ? solution->objects[workload] : "";
    return tm_layout_solution(arena, solution->name, tm_arena_format(arena, "%s%s", suffix, end));
}

/* What tm-cc noted beside the object; a file that is not there, or says nothing, is no matter. */
static double read_compile_ms(loader *load, const char *compiled) {
    if (compiled == NULL)
        return 0.0;
    const char *file = tm_arena_format(load->reader.arena, "%s.ms", compiled);
    const tm_source *source =
        tm_file_read(load->reader.arena, tm_file_join(load->reader.arena, load->build, file));
    double ms = source != NULL ? strtod(source->text, NULL) : 0.0;
    return isfinite(ms) && ms > 0.0 ? ms : 0.0;
}

/* With compile-time axes, of all its objects. */
static double compile_ms_of(loader *load, const tm_model_solution *solution,
                            size_t workload_count) {
    if (solution->objects == NULL)
        return read_compile_ms(load, solution->compiled);
    double sum = 0.0;
    for (size_t i = 0; i < workload_count; i++) {
        size_t first = 0;
        while (strcmp(solution->objects[first], solution->objects[i]) != 0)
            first++;
        if (first == i)
            sum += read_compile_ms(load, object_file(load->reader.arena, solution, i, ""));
    }
    return sum;
}

static bool read_solution(loader *load, const tm_node *node, const char *where,
                          size_t workload_count, bool waits, tm_model_solution *solution) {
    if (node->type != TM_NODE_OBJECT) {
        tm_diag_error(load->reader.diag, node->place, where, "expected an object, got %s",
                      tm_node_describe(load->reader.arena, node));
        return false;
    }
    bool good = tm_node_need_string(&load->reader, node, where, "name", &solution->name);
    good &= tm_node_need_string(&load->reader, node, where, "author", &solution->author);
    good &= tm_node_need_string(&load->reader, node, where, "language", &solution->language);
    good &= tm_node_may_string(&load->reader, node, where, "binding", &solution->binding);
    good &= tm_node_may_string(&load->reader, node, where, "compiled", &solution->compiled);
    good &= tm_node_may_string(&load->reader, node, where, "source", &solution->source);
    if (waits) {
        good &= tm_node_need_string(&load->reader, node, where, "status", &solution->needs);
        good &= tm_node_need_string(&load->reader, node, where, "reason", &solution->reason);
    }
    solution->variant = tm_node_may(&load->reader, node, where, "variant", TM_NODE_OBJECT);
    good &= solution->variant != NULL || tm_node_get(node, "variant") == NULL;
    if (solution->variant != NULL) {
        good &= tm_node_need_string(&load->reader, node, where, "base", &solution->base);
        good &= tm_node_need_string(&load->reader, node, where, "family", &solution->family);
        good = good && is_base(load, node, where, solution);
    }
    size_t count = 0;
    good &= tm_node_may_strings(&load->reader, node, where, "sources", &solution->sources, &count);
    count = 0;
    good &= tm_node_may_strings(&load->reader, node, where, "objects", &solution->objects, &count);
    if (solution->objects != NULL && count != workload_count) {
        tm_diag_error(load->reader.diag, tm_node_get(node, "objects")->place, where,
                      "expected an object for each of %zu workloads, got %zu", workload_count,
                      count);
        good = false;
    }
    if (good)
        solution->compile_ms = compile_ms_of(load, solution, workload_count);
    return good;
}

static bool read_solutions(loader *load, const tm_node *node, const char *where,
                           tm_model_definition *definition) {
    static const char *const keys[] = {"solutions", "waiting"};
    const tm_node *lists[] = {
        need_array(load, node, where, keys[0]),
        tm_node_may(&load->reader, node, where, keys[1], TM_NODE_ARRAY)}; /* or NULL: none */
    if (lists[0] == NULL)
        return false;
    tm_arena *arena = load->reader.arena;
    size_t most = lists[0]->count + (lists[1] != NULL ? lists[1]->count : 0);
    tm_model_solution *solutions = tm_arena_array(arena, most, sizeof(*solutions));
    bool good = true;
    for (int waits = 0; waits < 2 && lists[waits] != NULL; waits++) {
        size_t index = 0;
        for (const tm_node *item = lists[waits]->child; item != NULL; item = item->next, index++)
            good &= read_solution(
                load, item, tm_arena_format(arena, "%s.%s[%zu]", where, keys[waits], index),
                definition->workload_count, waits, &solutions[definition->solution_count++]);
    }
    definition->solutions = solutions;
    return good;
}

static bool read_workloads(loader *load, const tm_node *node, const char *where,
                           tm_model_definition *definition) {
    const char *const *uuids = NULL;
    size_t count = 0;
    if (need_array(load, node, where, "workloads") == NULL ||
        !tm_node_may_strings(&load->reader, node, where, "workloads", &uuids, &count))
        return false;
    tm_model_workload *workloads = tm_arena_array(load->reader.arena, count, sizeof(*workloads));
    for (size_t i = 0; i < count; i++)
        workloads[i] = (tm_model_workload){.uuid = uuids[i], .axes = ""};
    definition->workloads = workloads;
    definition->workload_count = count;
    return true;
}

static bool read_definition(loader *load, const tm_node *node, const char *where,
                            tm_model_definition *definition) {
    if (node->type != TM_NODE_OBJECT) {
        tm_diag_error(load->reader.diag, node->place, where, "expected an object, got %s",
                      tm_node_describe(load->reader.arena, node));
        return false;
    }
    bool good = tm_node_need_string(&load->reader, node, where, "name", &definition->name);
    good &= tm_node_need_string(&load->reader, node, where, "op_type", &definition->op_type);
    good &= tm_node_may_string(&load->reader, node, where, "reference", &definition->reference);
    good &= read_workloads(load, node, where, definition);
    good &= read_solutions(load, node, where, definition);
    return good;
}

static bool read_definitions(loader *load, const tm_node *plan, tm_model *model,
                             tm_model_definition **out) {
    const tm_node *list = need_array(load, plan, "", "definitions");
    if (list == NULL)
        return false;
    tm_model_definition *definitions =
        tm_arena_array(load->reader.arena, list->count, sizeof(*definitions));
    bool good = true;
    size_t index = 0;
    for (const tm_node *item = list->child; item != NULL; item = item->next, index++) {
        const char *where = tm_arena_format(load->reader.arena, "definitions[%zu]", index);
        good &= read_definition(load, item, where, &definitions[index]);
    }
    model->definitions = definitions;
    model->definition_count = list->count;
    *out = definitions;
    return good;
}

static int compare_names(const void *left, const void *right) {
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static int compare_not_planned(const void *left_pointer, const void *right_pointer) {
    const tm_not_planned *left = left_pointer, *right = right_pointer;
    int order = strcmp(left->kind, right->kind);
    if (order == 0)
        order = strcmp(left->reason, right->reason);
    if (order == 0)
        order = strcmp(or_empty(left->definition), or_empty(right->definition));
    return order != 0 ? order : strcmp(left->name, right->name);
}

/* Why a planned definition has no cell, or NULL when it has some. */
static const char *no_cells_reason(const tm_model_definition *definition) {
    if (definition->reference == NULL)
        return "no native reference";
    if (definition->solution_count == 0)
        return "no solution";
    return definition->workload_count == 0 ? "no workload" : NULL;
}

/* What the plan left out, and the planned definitions without a cell that it does not mention. */
static bool read_not_planned(loader *load, const tm_node *plan, tm_model *model) {
    const tm_node *list = need_array(load, plan, "", "not_planned");
    if (list == NULL)
        return false;
    tm_arena *arena = load->reader.arena;
    tm_not_planned *entries =
        tm_arena_array(arena, list->count + model->definition_count, sizeof(*entries));
    const char **named = tm_arena_array(arena, list->count, sizeof(*named));
    size_t count = 0, named_count = 0;
    bool good = true;
    for (const tm_node *item = list->child; item != NULL; item = item->next, count++) {
        const char *where = tm_arena_format(arena, "not_planned[%zu]", count);
        tm_not_planned *entry = &entries[count];
        bool read = tm_node_need_string(&load->reader, item, where, "kind", &entry->kind);
        read &= tm_node_need_string(&load->reader, item, where, "name", &entry->name);
        read &= tm_node_need_string(&load->reader, item, where, "reason", &entry->reason);
        read &= tm_node_may_string(&load->reader, item, where, "definition", &entry->definition);
        if (read && strcmp(entry->kind, "definition") == 0)
            named[named_count++] = entry->name;
        good &= read;
    }
    if (!good)
        return false;
    qsort(named, named_count, sizeof(*named), compare_names);
    for (size_t i = 0; i < model->definition_count; i++) {
        const tm_model_definition *definition = &model->definitions[i];
        if (definition->name == NULL) /* an error that has been reported */
            continue;
        const char *reason = no_cells_reason(definition);
        if (reason != NULL &&
            bsearch(&definition->name, named, named_count, sizeof(*named), compare_names) == NULL)
            entries[count++] =
                (tm_not_planned){.kind = "definition", .name = definition->name, .reason = reason};
    }
    qsort(entries, count, sizeof(*entries), compare_not_planned);
    model->not_planned = entries;
    model->not_planned_count = count;
    return true;
}

static bool read_plan(loader *load, const tm_node *plan, tm_model *model,
                      tm_model_definition **definitions) {
    if (plan->type != TM_NODE_OBJECT) {
        tm_diag_error(load->reader.diag, plan->place, NULL, "expected an object, got %s",
                      tm_node_describe(load->reader.arena, plan));
        return false;
    }
    tm_node_reader *reader = &load->reader;
    size_t count;
    bool good = tm_node_need_string(reader, plan, "", "backend", &model->backend);
    good &= tm_node_may_strings(reader, plan, "", "arch", &model->arch, &count);
    good &=
        tm_node_may_strings(reader, plan, "", "diagnostics", &model->dataset_diagnostics, &count);
    const tm_node *errors = tm_node_need(reader, plan, "", "errors", TM_NODE_NUMBER);
    if (errors != NULL)
        model->dataset_errors = errors->integer;
    good &= errors != NULL;
    good &= read_definitions(load, plan, model, definitions);
    good &= read_not_planned(load, plan, model);
    return good;
}

/* ---- the traces ---- */

static bool is_same(loader *load, const tm_node *object, const char *where, const char *key,
                    const char *expected) {
    const tm_node *got = tm_node_get(object, key);
    if (got != NULL && got->type == TM_NODE_STRING && strcmp(got->string, expected) == 0)
        return true;
    tm_diag_error(load->reader.diag, got != NULL ? got->place : object->place, where,
                  "expected \"%s\", got %s; delete the file and run `ninja bench` again", expected,
                  got != NULL ? tm_node_describe(load->reader.arena, got) : "nothing");
    return false;
}

/* A trace that is this cell's. */
static bool read_trace(loader *load, const tm_source *source, const tm_model_definition *definition,
                       const char *solution, const char *uuid, tm_model_cell *cell) {
    const tm_node *node = tm_json_parse_all(load->reader.arena, source, load->reader.diag);
    if (node == NULL || !tm_trace_parse(&load->reader, node, &cell->trace))
        return false;
    bool good = is_same(load, node, "definition", "definition", definition->name);
    good &= is_same(load, node, "solution", "solution", solution);
    const tm_node *workload = tm_node_get(node, "workload");
    good &= workload != NULL && is_same(load, workload, "workload.uuid", "uuid", uuid);
    cell->node = node;
    return good;
}

/* The first error from entry `begin` on, as the reason of a broken cell. */
static const char *first_error(const tm_diag *diag, size_t begin) {
    const tm_diag_entry *entries;
    size_t count = tm_diag_entries(diag, &entries);
    while (begin < count && entries[begin].severity != TM_DIAG_ERROR)
        begin++;
    return begin < count ? entries[begin].message : "not a trace of this cell";
}

static const char *find_log(loader *load, const tm_model_cell *cell, const char *compiler_log) {
    tm_arena *arena = load->reader.arena;
    size_t stem = strlen(cell->trace_path) - strlen(".json");
    const char *log = tm_arena_format(arena, "%.*s.log", (int)stem, cell->trace_path);
    if (access(tm_file_join(arena, load->build, log), F_OK) == 0)
        return log;
    bool compiled = cell->state == TM_MODEL_RAN && cell->trace.status == TM_STATUS_COMPILE_ERROR;
    return compiled && access(tm_file_join(arena, load->build, compiler_log), F_OK) == 0
               ? compiler_log
               : NULL;
}

/* Of this cell alone: `load` is its row's. */
static void load_cell(loader *load, const tm_model_definition *definition,
                      const tm_model_solution *solution, size_t index, tm_model_cell *cell) {
    tm_arena *arena = load->reader.arena;
    const tm_model_workload *workload = &definition->workloads[index];
    cell->reason = "";
    if (solution->needs != NULL) {
        *cell = (tm_model_cell){
            .state = TM_MODEL_WAITING, .needs = solution->needs, .reason = solution->reason};
        return;
    }
    cell->trace_path = tm_layout_trace(arena, solution->author, definition->op_type,
                                       definition->name, solution->name, workload->uuid);
    cell->command = tm_arena_format(arena, "%s --solution %s",
                                    tm_layout_harness(arena, definition->name, workload->uuid, ""),
                                    object_file(arena, solution, index, ".so"));
    const char *path = tm_file_join(arena, load->build, cell->trace_path);
    errno = 0;
    const tm_source *source = tm_file_read(arena, path);
    if (source == NULL && (errno == ENOENT || errno == ENOTDIR)) {
        cell->state = TM_MODEL_NOT_RUN;
        return;
    }
    if (source == NULL) {
        load->unreadable = true;
        cell->state = TM_MODEL_BROKEN;
        cell->reason = tm_arena_format(arena, "cannot read it: %s", strerror(errno));
        tm_diag_error(load->reader.diag, ((tm_place){0}), NULL, "%s: %s", path, cell->reason);
        return;
    }
    const tm_diag_entry *entries;
    size_t entry_count = tm_diag_entries(load->reader.diag, &entries);
    if (!read_trace(load, source, definition, solution->name, workload->uuid, cell)) {
        cell->state = TM_MODEL_BROKEN;
        cell->reason = first_error(load->reader.diag, entry_count);
        return;
    }
    cell->state = TM_MODEL_RAN;
    cell->reason = cell->trace.reason;
    if (cell->trace.status != TM_STATUS_PASSED)
        cell->log_path = find_log(load, cell, object_file(arena, solution, index, ".log"));
    const tm_node *seed = tm_node_get(cell->trace.details_node, "seed");
    if (seed && seed->number > 0) /* the same inputs again; drawn only when calls were made */
        cell->command = tm_arena_format(arena, "%s --seed=%.0f", cell->command, seed->number);
}

/* What a cell says of more than itself. */
static void note_cell(loader *load, const tm_model_cell *cell, tm_model_workload *workload) {
    if (cell->state != TM_MODEL_RAN)
        return;
    if (strcmp(cell->trace.timestamp, load->newest) > 0)
        load->newest = cell->trace.timestamp;
    tm_hardware_add(&load->hardware, cell->trace.hardware);
    /* Of the row and not of the solution: any trace of it says the same. */
    const tm_node *weak = tm_node_get(cell->trace.details_node, "weak");
    if (weak != NULL && weak->type == TM_NODE_ARRAY && weak->count > 0)
        workload->weak = weak;
    if (workload->axes_node == NULL) {
        workload->axes_node = tm_node_get(cell->trace.workload, "axes");
        workload->axes = tm_figure_axes(load->reader.arena, workload->axes_node);
    }
}

/* The cells of one solution: what one member of the crew reads at a time. */
typedef struct {
    const tm_model_definition *definition;
    tm_model_solution *solution;
    tm_diag *diag;
    bool unreadable;
} row;

typedef struct {
    const char *build;
    row *rows;
    tm_arena *arenas[TM_CREW_MOST];
} row_list;

static void load_row(void *context, size_t index, int member) {
    row_list *list = context;
    row *one = &list->rows[index];
    if (list->arenas[member] == NULL)
        list->arenas[member] = tm_arena_create();
    tm_arena *arena = list->arenas[member];
    one->diag = tm_diag_create(arena);
    loader load = {.reader = {arena, one->diag}, .build = list->build};
    size_t count = one->definition->workload_count;
    tm_model_cell *cells = tm_arena_array(arena, count, sizeof(*cells));
    for (size_t i = 0; i < count; i++)
        load_cell(&load, one->definition, one->solution, i, &cells[i]);
    one->solution->cells = cells;
    one->solution->score = tm_score_cells(cells, count);
    one->unreadable = load.unreadable;
}

static void load_rows(loader *load, tm_model_definition *definitions, size_t definition_count) {
    size_t count = 0;
    for (size_t i = 0; i < definition_count; i++) {
        if (definitions[i].reference == NULL) /* nothing to judge by: no cells */
            definitions[i].solution_count = definitions[i].workload_count = 0;
        count += definitions[i].solution_count;
    }
    row_list list = {.build = load->build};
    list.rows = tm_arena_array(load->reader.arena, count, sizeof(*list.rows));
    count = 0;
    for (size_t i = 0; i < definition_count; i++)
        for (size_t j = 0; j < definitions[i].solution_count; j++)
            /* The arrays were made in this file and are shared as const only from here on. */
            list.rows[count++] = (row){
                &definitions[i], (tm_model_solution *)&definitions[i].solutions[j], NULL, false};
    tm_crew_run(count, load_row, &list);
    for (int i = 0; i < TM_CREW_MOST; i++)
        if (list.arenas[i] != NULL)
            tm_arena_adopt(load->reader.arena, list.arenas[i]);
    for (size_t i = 0; i < count; i++) {
        tm_diag_append(load->reader.diag, list.rows[i].diag);
        load->unreadable |= list.rows[i].unreadable;
    }
}

/* What its solutions' cells amount to, in the plan's order. */
static void settle_definition(loader *load, tm_model_definition *definition) {
    tm_model_workload *workloads = (tm_model_workload *)definition->workloads;
    for (size_t i = 0; i < definition->solution_count; i++) {
        const tm_model_solution *solution = &definition->solutions[i];
        for (size_t j = 0; j < definition->workload_count; j++)
            note_cell(load, &solution->cells[j], &workloads[j]);
        tm_score_add(&definition->score, &solution->score);
    }
    tm_score_settle(definition);
}

/* After the definitions: those of one without cells are not counted. */
static void list_waiting(tm_arena *arena, tm_model *model) {
    size_t most = 0, count = 0;
    for (size_t i = 0; i < model->definition_count; i++)
        most += model->definitions[i].solution_count;
    tm_not_planned *entries = tm_arena_array(arena, most, sizeof(*entries));
    for (size_t i = 0; i < model->definition_count; i++) {
        const tm_model_definition *definition = &model->definitions[i];
        for (size_t j = 0; j < definition->solution_count; j++) {
            const tm_model_solution *solution = &definition->solutions[j];
            if (solution->score.waiting > 0)
                entries[count++] =
                    (tm_not_planned){solution->needs, solution->name, definition->name,
                                     solution->reason, solution->score.waiting};
        }
    }
    if (count > 0)
        qsort(entries, count, sizeof(*entries), compare_not_planned);
    model->waiting = entries;
    model->waiting_count = count;
}

tm_load_result tm_load_model(tm_arena *arena, const char *plan_path, const char *build,
                             tm_diag *diag, const tm_model **out) {
    *out = NULL;
    const tm_source *source = tm_file_read(arena, plan_path);
    if (source == NULL) {
        bool missing = errno == ENOENT || errno == ENOTDIR;
        tm_diag_error(diag, ((tm_place){0}), NULL, "cannot read the plan %s: %s%s", plan_path,
                      strerror(errno), missing ? "; run ./configure first" : "");
        return missing ? TM_LOAD_BROKEN_PLAN : TM_LOAD_UNREADABLE;
    }
    const tm_node *plan = tm_json_parse_all(arena, source, diag);
    tm_model *model = tm_arena_alloc(arena, sizeof(*model));
    loader load = {.reader = {arena, diag}, .build = build, .newest = ""};
    tm_model_definition *definitions = NULL;
    if (plan == NULL || !read_plan(&load, plan, model, &definitions))
        return TM_LOAD_BROKEN_PLAN;
    load_rows(&load, definitions, model->definition_count);
    for (size_t i = 0; i < model->definition_count; i++) {
        settle_definition(&load, &definitions[i]);
        tm_score_add(&model->score, &definitions[i].score);
    }
    list_waiting(arena, model);
    model->hardware = tm_hardware_list(arena, &load.hardware);
    model->newest = load.newest;
    *out = model;
    if (load.unreadable)
        return TM_LOAD_UNREADABLE;
    return model->score.broken > 0 ? TM_LOAD_BROKEN_TRACES : TM_LOAD_OK;
}
