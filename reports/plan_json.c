#include "reports/plan_json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/file.h"
#include "lib/layout.h"

typedef struct {
    tm_node_reader reader; /* where to allocate, where to complain */
    const char *build;
} loader;

static const char *or_empty(const char *text) {
    return text != NULL ? text : "";
}

static const tm_node *need_array(loader *load, const tm_node *object, const char *where,
                                 const char *key) {
    return tm_node_need(&load->reader, object, where, key, TM_NODE_ARRAY);
}

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

const char *tm_plan_json_object(tm_arena *arena, const tm_model_solution *solution, size_t workload,
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
            sum += read_compile_ms(load, tm_plan_json_object(load->reader.arena, solution, i, ""));
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

void tm_plan_json_sort(tm_not_planned *entries, size_t count) {
    if (count > 0)
        qsort(entries, count, sizeof(*entries), compare_not_planned);
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
    tm_plan_json_sort(entries, count);
    model->not_planned = entries;
    model->not_planned_count = count;
    return true;
}

bool tm_plan_json_read(const tm_node_reader *given, const tm_node *plan, const char *build,
                       tm_model *model, tm_model_definition **definitions) {
    loader all = {*given, build}, *load = &all;
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
