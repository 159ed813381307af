/* emit_json: the plan for the report, the facts of each solution for its judge, unpacked sources,
 * and the depfile. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "gen/depfile.h"
#include "gen/emit.h"
#include "lib/file.h"
#include "lib/json.h"
#include "lib/layout.h"
#include "lib/text.h"

/* Prints, writes and frees a JSON document. */
static bool write_json(const char *path, tm_json *json, tm_diag *diag) {
    char *text = tm_json_print(json, true);
    bool good = tm_emit_file(path, text, strlen(text), diag);
    free(text);
    tm_json_free(json);
    return good;
}

/* axis -> value, of those that are compiled in. */
static tm_json *baked_json(const tm_planned_solution *planned, const tm_workload *workload,
                           const tm_definition *definition) {
    tm_json *json = tm_json_object();
    for (size_t i = 0; i < planned->solution->baked_count; i++) {
        const char *axis = planned->solution->baked[i];
        tm_json_set_int(json, axis, workload->axes[tm_definition_axis(definition, axis)]);
    }
    return json;
}

static bool emit_facts(const tm_planned_solution *planned, const tm_object *object,
                       const tm_planned_definition *target, tm_arena *arena, tm_diag *diag) {
    const tm_definition *definition = target->definition;
    const tm_contract *contract = planned->contract;
    tm_json *json = tm_json_object();
    tm_json_set_string(json, "name", planned->name);
    tm_json_set_string(json, "author", planned->solution->author);
    tm_json_set_string(json, "definition", definition->name);
    tm_json_set_string(json, "language", planned->solution->language_name);
    bool is_ffi = planned->solution->binding == TM_BINDING_TVM_FFI;
    tm_json_set_string(json, "binding", is_ffi ? "tvm-ffi" : "c");
    if (is_ffi) {
        tm_json_set_string(json, "entry", planned->solution->entry_symbol);
        tm_json_set_bool(json, "destination_passing", planned->solution->destination_passing);
    }
    tm_json *axes = tm_json_array();
    for (size_t i = 0; i < definition->axis_count; i++)
        if (contract->generic || !definition->axes[i].is_const)
            tm_json_push_string(axes, definition->axes[i].name);
    tm_json_set(json, "axes", axes);
    tm_json *constants = tm_json_array();
    for (size_t i = 0; contract->generic && i < contract->constant_count; i++)
        tm_json_push_number(constants, planned->constants[i].value);
    tm_json_set(json, "constants", constants);
    tm_json *overwrites = tm_json_array();
    for (size_t i = 0; i < planned->solution->overwrite_count; i++)
        tm_json_push_string(overwrites, planned->solution->overwrites[i]);
    tm_json_set(json, "overwrites", overwrites);
    if (planned->row_objects)
        tm_json_set(json, "baked",
                    baked_json(planned, target->rows[object->row].workload, definition));
    tm_json_set_string(json, "log", tm_arena_format(arena, "%s.log", object->unit->stem));
    const char *suffix = tm_arena_format(arena, "%s.json", object->suffix);
    return write_json(tm_layout_solution(arena, planned->name, suffix), json, diag);
}

static bool emit_all_facts(const tm_planned_solution *planned, const tm_planned_definition *target,
                           tm_arena *arena, tm_diag *diag) {
    bool good = true;
    for (size_t i = 0; i < planned->object_count; i++)
        good = emit_facts(planned, &planned->objects[i], target, arena, diag) && good;
    return good;
}

/* Sources that a packed solution.json carries, as files for the compiler. */
static bool unpack(const tm_unit *unit, tm_arena *arena, tm_diag *diag) {
    const tm_solution *solution = unit->source->solution;
    bool good = true;
    for (size_t i = 0; i < solution->file_count; i++) {
        const char *content = solution->files[i].content;
        if (content)
            good = tm_emit_file(tm_file_join(arena, unit->ninja_folder, solution->files[i].path),
                                content, strlen(content), diag) &&
                   good;
    }
    return good;
}

static int compare_stem(const void *stem, const void *unit) {
    return strcmp(stem, (*(tm_unit *const *)unit)->stem);
}

/* Whether build/unpacked/solutions/NAME/FILE or build/unpacked/generic/HASH/NAME/FILE is a packed
 * source of this plan: build/solutions/NAME is its unit's stem. Units are sorted by it. */
static bool is_unpacked(const tm_plan *plan, const char *path, tm_arena *arena) {
    const char *below = path + strlen("build/unpacked/"), *file = below;
    for (int folders = strncmp(below, "generic/", 8) == 0 ? 3 : 2; file && folders > 0; folders--)
        file = strchr(file, '/') ? strchr(file, '/') + 1 : NULL;
    if (!file || !plan->unit_count)
        return false;
    const char *stem = tm_arena_format(arena, "build/%.*s", (int)(file - below) - 1, below);
    tm_unit *const *unit =
        bsearch(stem, plan->units, plan->unit_count, sizeof *plan->units, compare_stem);
    const tm_solution *solution = unit ? (*unit)->source->solution : NULL;
    for (size_t i = 0; solution && i < solution->file_count; i++)
        if (solution->files[i].content && strcmp(solution->files[i].path, file) == 0)
            return true;
    return false;
}

/* Removes what an earlier plan unpacked and this one does not list, so that no include finds it.
 * False when something stays in the folder. */
static bool prune(const char *folder, const tm_plan *plan, tm_arena *arena) {
    size_t count;
    const tm_file_entry *entries = tm_file_list(arena, folder, &count);
    bool empty = true;
    for (size_t i = 0; entries && i < count; i++) {
        const char *path = tm_file_join(arena, folder, entries[i].name);
        bool gone = entries[i].is_folder && prune(path, plan, arena) && rmdir(path) == 0;
        if (!entries[i].is_folder && !is_unpacked(plan, path, arena))
            gone = unlink(path) == 0;
        empty = empty && gone;
    }
    return empty;
}

bool tm_emit_solutions(const tm_plan *plan, tm_arena *arena, tm_diag *diag) {
    bool good = true;
    prune("build/unpacked", plan, arena);
    for (size_t i = 0; i < plan->unit_count; i++)
        good = unpack(plan->units[i], arena, diag) && good;
    for (size_t i = 0; i < plan->definition_count; i++) {
        const tm_planned_definition *planned = &plan->definitions[i];
        if (planned->reference)
            good = emit_all_facts(planned->reference, planned, arena, diag) && good;
        for (size_t s = 0; s < planned->solution_count; s++)
            good = emit_all_facts(planned->solutions[s], planned, arena, diag) && good;
    }
    return good;
}

/* What the report must know to show variants of one solution together, and which object a row with
 * baked axes has. */
static void set_variant(tm_json *json, const tm_planned_solution *planned, size_t rows) {
    if (planned->variant) {
        tm_json_set_string(json, "base", planned->base);
        tm_json_set_string(json, "family", planned->solution->name);
        tm_json *values = tm_json_object();
        for (size_t i = 0; i < planned->variant->macro_count; i++)
            tm_json_set_node(values, planned->variant->macros[i].name,
                             planned->variant->macros[i].node);
        tm_json_set(json, "variant", values);
    }
    if (!planned->row_objects)
        return;
    tm_json *objects = tm_json_array();
    for (size_t row = 0; row < rows; row++)
        tm_json_push_string(objects, tm_plan_object(planned, row)->suffix);
    tm_json_set(json, "objects", objects);
}

/* As ninja names them: $srcdir and $dataset0 are for the report to find. */
static void set_sources(tm_json *json, const tm_unit *unit, tm_arena *arena) {
    const tm_solution *solution = unit->source->solution;
    tm_json *sources = tm_json_array();
    for (size_t i = 0; i < solution->file_count; i++)
        tm_json_push_string(sources,
                            tm_file_join(arena, unit->ninja_folder, solution->files[i].path));
    tm_json_set(json, "sources", sources);
}

static tm_json *planned_json(const tm_planned_definition *planned, tm_arena *arena) {
    tm_json *json = tm_json_object();
    tm_json_set_string(json, "name", planned->definition->name);
    tm_json_set_string(json, "op_type", planned->definition->op_type);
    tm_json_set_string(json, "reference", planned->reference ? planned->reference->name : NULL);
    tm_json *workloads = tm_json_array();
    for (size_t i = 0; i < planned->row_count; i++)
        tm_json_push_string(workloads, planned->rows[i].workload->uuid);
    tm_json_set(json, "workloads", workloads);
    tm_json *solutions = tm_json_array();
    for (size_t i = 0; i < planned->solution_count; i++) {
        tm_json *solution = tm_json_object();
        tm_json_set_string(solution, "name", planned->solutions[i]->name);
        tm_json_set_string(solution, "author", planned->solutions[i]->solution->author);
        tm_json_set_string(solution, "language", planned->solutions[i]->solution->language_name);
        bool is_ffi = planned->solutions[i]->solution->binding == TM_BINDING_TVM_FFI;
        tm_json_set_string(solution, "binding", is_ffi ? "tvm-ffi" : "c");
        const tm_object *object = planned->solutions[i]->objects;
        const tm_unit *unit = planned->solutions[i]->object_count > 0 ? object->unit : NULL;
        tm_json_set_string(solution, "compiled", unit ? unit->stem : NULL);
        if (unit) {
            tm_json_set_string(
                solution, "source",
                tm_file_join(arena, unit->ninja_folder, unit->source->solution->entry_file));
            set_sources(solution, unit, arena);
        }
        set_variant(solution, planned->solutions[i], planned->row_count);
        tm_json_push(solutions, solution);
    }
    tm_json_set(json, "solutions", solutions);
    tm_json *waiting = tm_json_array();
    for (size_t i = 0; i < planned->waiting_count; i++) {
        const tm_waiting *one = &planned->waiting[i];
        tm_json *solution = tm_json_object();
        tm_json_set_string(solution, "name", one->name);
        tm_json_set_string(solution, "author", one->solution->author);
        tm_json_set_string(solution, "language", one->solution->language_name);
        tm_json_set_string(solution, "status", one->needs);
        tm_json_set_string(solution, "reason", one->reason);
        tm_json_push(waiting, solution);
    }
    tm_json_set(json, "waiting", waiting);
    return json;
}

static tm_json *skipped_json(const tm_plan *plan) {
    static const char *const kinds[] = {"definition", "solution", "workload"};
    tm_json *list = tm_json_array();
    for (size_t i = 0; i < plan->skipped_count; i++) {
        const tm_skipped *skipped = &plan->skipped[i];
        tm_json *row = tm_json_object();
        tm_json_set_string(row, "kind", kinds[skipped->kind]);
        tm_json_set_string(row, "name", skipped->name);
        tm_json_set_string(row, "definition", skipped->definition);
        tm_json_set_string(row, "reason", skipped->reason);
        tm_json_push(list, row);
    }
    return list;
}

static tm_json *diagnostics_json(const tm_diag *diag, tm_arena *arena) {
    tm_json *list = tm_json_array();
    const tm_diag_entry *entries;
    size_t count = tm_diag_entries(diag, &entries);
    for (size_t i = 0; i < count; i++) {
        if (entries[i].severity != TM_DIAG_ERROR)
            continue;
        const char *path = entries[i].path ? entries[i].path : "tracemill";
        tm_json_push_string(
            list, entries[i].line
                      ? tm_arena_format(arena, "%s:%d:%d: error: %s", path, entries[i].line,
                                        entries[i].column, entries[i].message)
                      : tm_arena_format(arena, "%s: error: %s", path, entries[i].message));
    }
    return list;
}

bool tm_emit_plan(const tm_plan *plan, const tm_options *options, tm_arena *arena, tm_diag *diag) {
    tm_json *json = tm_json_object();
    tm_json_set_string(json, "backend", options->backend);
    tm_json *archs = tm_json_array();
    for (const char *at = options->arch; *at;) {
        size_t length = strcspn(at, ",");
        tm_json_push_string(archs, tm_arena_copy(arena, at, length));
        at += length + (at[length] == ',');
    }
    tm_json_set(json, "arch", archs);
    tm_json_set_int(json, "cells", (int64_t)plan->cell_count);
    tm_json *definitions = tm_json_array();
    for (size_t i = 0; i < plan->definition_count; i++)
        tm_json_push(definitions, planned_json(&plan->definitions[i], arena));
    tm_json_set(json, "definitions", definitions);
    tm_json_set(json, "not_planned", skipped_json(plan));
    tm_json_set_int(json, "errors", (int64_t)tm_diag_count(diag, TM_DIAG_ERROR));
    tm_json_set(json, "diagnostics", diagnostics_json(diag, arena));
    return write_json("build/plan.json", json, diag);
}

bool tm_emit_depfile(const tm_plan *plan, const tm_scan *scan, tm_diag *diag) {
    tm_text out = {0};
    tm_text_add(&out, "build/matrix.ninja:");
    for (size_t i = 0; i < scan->input_count; i++)
        tm_depfile_add(&out, scan->inputs[i]);
    for (size_t i = 0; i < plan->blob_count; i++)
        tm_depfile_add(&out, plan->blobs[i]);
    tm_text_add(&out, "\n");
    bool good = tm_emit_file("build/matrix.ninja.d", tm_text_get(&out), out.length, diag);
    tm_text_free(&out);
    return good;
}
