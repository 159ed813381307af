#include "reports/load.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "lib/file.h"
#include "lib/instant.h"
#include "lib/json.h"
#include "lib/layout.h"
#include "lib/text.h"
#include "reports/crew.h"
#include "reports/figure.h"
#include "reports/hardware.h"
#include "reports/plan_json.h"
#include "reports/score.h"

typedef struct {
    tm_node_reader reader; /* where to allocate, where to complain */
    const char *build;
    tm_hardware hardware;
    const char *newest;
    bool unreadable; /* the operating system refused a file */
} loader;

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
    const char *log = tm_trace_beside(arena, cell->trace_path, ".log");
    if (log != NULL && access(tm_file_join(arena, load->build, log), F_OK) == 0)
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
                                    tm_plan_json_object(arena, solution, index, ".so"));
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
        cell->log_path = find_log(load, cell, tm_plan_json_object(arena, solution, index, ".log"));
    const tm_node *seed = tm_node_get(cell->trace.details_node, "seed");
    if (seed && seed->number > 0) /* the same inputs again; drawn only when calls were made */
        cell->command = tm_arena_format(arena, "%s --seed=%.0f", cell->command, seed->number);
}

/* What a cell says of more than itself. */
static void note_cell(loader *load, const tm_model_cell *cell, tm_model_workload *workload) {
    if (cell->state != TM_MODEL_RAN)
        return;
    if (tm_instant_compare(cell->trace.timestamp, load->newest) > 0)
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
    tm_plan_json_sort(entries, count);
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
    if (plan == NULL || !tm_plan_json_read(&load.reader, plan, build, model, &definitions))
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
