#include "gen/plan.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gen/blobs.h"
#include "lib/layout.h"
#include "lib/text.h"

/* Rows that --workloads=smoke takes of each definition: the smallest by bytes, and only one of a
 * definition whose smallest is already large. */
#define SMOKE_ROWS 3
#define SMOKE_LARGE_BYTES ((size_t)64 << 20)

typedef struct {
    const tm_scan *scan;
    const tm_options *options;
    tm_arena *arena;
    tm_diag *diag;
    tm_plan *plan;
    size_t unit_capacity, contract_capacity, skipped_capacity;
    tm_planned_solution **by_name; /* every planned solution, for the check of unique names */
    size_t by_name_count, by_name_capacity;
    size_t *solution_capacity; /* per planned definition */
} planner;

static void *grow(tm_arena *arena, void *array, size_t count, size_t *capacity, size_t size) {
    if (count < *capacity)
        return array;
    *capacity = *capacity ? *capacity * 2 : 16;
    void *bigger = tm_arena_array(arena, *capacity, size);
    if (count)
        memcpy(bigger, array, count * size);
    return bigger;
}

static void skip(planner *p, tm_skipped_kind kind, const char *name, const char *definition,
                 const char *reason) {
    tm_plan *plan = p->plan;
    plan->skipped = grow(p->arena, plan->skipped, plan->skipped_count, &p->skipped_capacity,
                         sizeof *plan->skipped);
    plan->skipped[plan->skipped_count++] = (tm_skipped){kind, name, definition, reason};
}

/* Whether `name` is in a NULL-terminated list of globs; a NULL list holds everything. */
static bool listed(const char *const *globs, const char *name) {
    if (!globs)
        return true;
    for (; *globs; globs++)
        if (tm_text_matches(*globs, name))
            return true;
    return false;
}

static bool definition_selected(const planner *p, const tm_definition *definition) {
    const tm_options *options = p->options;
    return tm_text_matches(options->definitions, definition->name) &&
           tm_text_matches(options->op_types, definition->op_type) &&
           listed(tm_config_definitions(options->config), definition->name);
}

/* NULL when this build can run the solution, else why not. */
static const char *unserved(const planner *p, const tm_solution *solution) {
    switch (solution->language) {
    case TM_LANGUAGE_PYTHON:
    case TM_LANGUAGE_TRITON:
    case TM_LANGUAGE_TILELANG:
        return tm_arena_format(p->arena, "language %s needs the Python host, which comes later",
                               solution->language_name);
    case TM_LANGUAGE_OTHER:
        return tm_arena_format(p->arena, "language %s is not supported", solution->language_name);
    default:
        break;
    }
    if (solution->binding == TM_BINDING_TORCH)
        return "the torch binding needs the Python host, which comes later";
    if (solution->binding == TM_BINDING_TVM_FFI)
        return "the tvm-ffi binding is not served yet";
    bool cpu = strcmp(p->options->backend, "cpu") == 0;
    if (cpu && !solution->runs_on_cpu)
        return "targets a GPU, and this build is for the CPU";
    if (!cpu && !solution->runs_on_gpu)
        return "targets the CPU, and this build is for a GPU";
    if (cpu && solution->language == TM_LANGUAGE_CUDA)
        return "language cuda does not run on the CPU";
    return NULL;
}

/* Whether a solution that names a family, or one definition, is for this definition. */
static bool solution_is_for(const tm_solution *solution, const tm_definition *definition) {
    if (solution->match && !tm_match_covers(solution->match, definition))
        return false;
    if (solution->definition_glob_count == 0)
        return solution->match || strcmp(solution->definition, definition->name) == 0;
    for (size_t i = 0; i < solution->definition_glob_count; i++)
        if (tm_text_matches(solution->definitions[i], definition->name))
            return true;
    return false;
}

/* Sets or replaces one constant in a list that stays sorted by name. */
static void set_constant(tm_constant *list, size_t *count, tm_constant constant) {
    size_t at = 0;
    while (at < *count && strcmp(list[at].name, constant.name) < 0)
        at++;
    if (at == *count || strcmp(list[at].name, constant.name) != 0) {
        if (*count == 2 * TM_MAX_CONSTANTS)
            return;
        memmove(list + at + 1, list + at, (*count - at) * sizeof *list);
        (*count)++;
    }
    list[at] = constant;
}

/* The constants of a definition: its own win over the table of the family's reference. */
static const tm_constant *definition_constants(const planner *p, const tm_definition *definition,
                                               const tm_solution *reference, size_t *count) {
    tm_constant *list = tm_arena_array(p->arena, 2 * TM_MAX_CONSTANTS, sizeof *list);
    *count = 0;
    const tm_constants_row *row =
        reference ? tm_solution_constants(reference, definition->name) : NULL;
    for (size_t i = 0; row && i < row->count; i++)
        set_constant(list, count, row->constants[i]);
    for (size_t i = 0; i < definition->constant_count; i++)
        set_constant(list, count, definition->constants[i]);
    return list;
}

static bool has_constant(const tm_constant *list, size_t count, const char *name) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i].name, name) == 0)
            return true;
    return false;
}

/* The constants that a family's table speaks of and this definition lacks, or NULL. */
static const char *missing_constant(const tm_solution *reference, const tm_constant *have,
                                    size_t count) {
    if (reference->constants_count == 0)
        return NULL;
    const tm_constants_row *row = &reference->constants[0];
    for (size_t i = 0; i < row->count; i++)
        if (!has_constant(have, count, row->constants[i].name))
            return row->constants[i].name;
    return NULL;
}

static uint64_t hash_text(uint64_t hash, const char *text) {
    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 0x100000001b3u; /* FNV-1a */
    return hash;
}

/* build/gen/<definition> */
static const char *own_folder(const planner *p, const tm_definition *definition) {
    char *path = tm_layout_gen(p->arena, definition->name, "contract.h");
    *strrchr(path, '/') = '\0';
    return path;
}

static const tm_contract *add_contract(planner *p, tm_contract contract) {
    tm_plan *plan = p->plan;
    for (size_t i = plan->contract_count; i-- > 0;)
        if (strcmp(plan->contracts[i]->folder, contract.folder) == 0)
            return plan->contracts[i];
    plan->contracts = grow(p->arena, plan->contracts, plan->contract_count, &p->contract_capacity,
                           sizeof *plan->contracts);
    tm_contract *kept = tm_arena_alloc(p->arena, sizeof *kept);
    *kept = contract;
    plan->contracts[plan->contract_count++] = kept;
    return kept;
}

static const tm_contract *generic_contract(planner *p, const tm_definition *definition,
                                           const tm_constant *constants, size_t count) {
    const char *signature = tm_definition_signature(p->arena, definition);
    uint64_t hash = hash_text(0xcbf29ce484222325u, signature);
    for (size_t i = 0; i < count; i++)
        hash = hash_text(hash_text(hash, ";"), constants[i].name);
    return add_contract(p, (tm_contract){.folder = tm_arena_format(p->arena, "build/generic/%08x",
                                                                   (unsigned)(hash ^ (hash >> 32))),
                                         .definition = definition,
                                         .signature = signature,
                                         .generic = true,
                                         .constants = constants,
                                         .constant_count = count});
}

/* The shared object for a generic source and signature: one for all its definitions. */
static const tm_unit *add_unit(planner *p, tm_unit unit) {
    tm_plan *plan = p->plan;
    if (unit.contract->generic)
        for (size_t i = plan->unit_count; i-- > 0;)
            if (strcmp(plan->units[i]->stem, unit.stem) == 0)
                return plan->units[i];
    plan->units =
        grow(p->arena, plan->units, plan->unit_count, &p->unit_capacity, sizeof *plan->units);
    tm_unit *kept = tm_arena_alloc(p->arena, sizeof *kept);
    *kept = unit;
    plan->units[plan->unit_count++] = kept;
    return kept;
}

static const char *unit_stem(planner *p, const tm_solution *solution, const char *name,
                             const tm_contract *contract) {
    if (!contract->generic)
        return tm_layout_solution(p->arena, name, "");
    tm_text component = {0};
    tm_text_add_component(&component, tm_solution_expand_name(p->arena, solution->name, "generic"));
    const char *stem =
        tm_arena_format(p->arena, "build/generic/%s/%s",
                        contract->folder + strlen("build/generic/"), tm_text_get(&component));
    tm_text_free(&component);
    return stem;
}

static tm_planned_solution *plan_solution(planner *p, const tm_scanned_solution *scanned,
                                          const tm_definition *definition,
                                          const tm_contract *own_contract,
                                          const tm_constant *constants, size_t count) {
    const tm_solution *solution = scanned->solution;
    const tm_constants_row *row = tm_solution_constants(solution, definition->name);
    if (row && solution->role != TM_ROLE_REFERENCE) {
        size_t known = count; /* the definition's own values are the judge's, and win */
        tm_constant *merged = tm_arena_array(p->arena, 2 * TM_MAX_CONSTANTS, sizeof *merged);
        memcpy(merged, constants, count * sizeof *merged);
        for (size_t i = 0; i < row->count; i++)
            if (!has_constant(constants, known, row->constants[i].name))
                set_constant(merged, &count, row->constants[i]);
        constants = merged;
    }
    tm_planned_solution *planned = tm_arena_alloc(p->arena, sizeof *planned);
    planned->name = tm_solution_expand_name(p->arena, solution->name, definition->name);
    planned->solution = solution;
    planned->constants = constants;
    const tm_contract *contract =
        solution->generic ? generic_contract(p, definition, constants, count) : own_contract;
    bool packed = false;
    for (size_t i = 0; i < solution->file_count; i++)
        packed = packed || solution->files[i].content;
    const char *stem = unit_stem(p, solution, planned->name, contract);
    planned->unit = add_unit(
        p, (tm_unit){.source = scanned,
                     .contract = contract,
                     .stem = stem,
                     .ninja_folder = packed ? tm_arena_format(p->arena, "build/unpacked/%s",
                                                              strrchr(stem, '/') + 1)
                                            : scanned->ninja_folder});
    return planned;
}

static const tm_scanned_solution *find_reference(const planner *p,
                                                 const tm_definition *definition) {
    for (size_t i = 0; i < p->scan->solution_count; i++) {
        const tm_solution *solution = p->scan->solutions[i].solution;
        if (solution->role == TM_ROLE_REFERENCE && !unserved(p, solution) &&
            solution_is_for(solution, definition))
            return &p->scan->solutions[i];
    }
    return NULL;
}

static bool workload_named(const char *list, const char *uuid) {
    return strcmp(list, "all") == 0 || strcmp(list, "smoke") == 0 || tm_text_matches(list, uuid);
}

/* Keeps the SMOKE_ROWS smallest rows, in their order; of equal ones the first. */
static void keep_smallest(planner *p, tm_planned_definition *planned, const tm_workload **rows,
                          size_t *datasets) {
    size_t count = planned->workload_count;
    bool *kept = tm_arena_array(p->arena, count, sizeof *kept);
    size_t *sizes = tm_arena_array(p->arena, count, sizeof *sizes);
    for (size_t i = 0; i < count; i++)
        if (!tm_workload_bytes(rows[i], &sizes[i]))
            sizes[i] = SIZE_MAX;
    for (int pick = 0; pick < SMOKE_ROWS; pick++) {
        size_t smallest = count;
        for (size_t i = 0; i < count; i++)
            if (!kept[i] && (smallest == count || sizes[i] < sizes[smallest]))
                smallest = i;
        if (smallest < count && (pick == 0 || sizes[smallest] <= SMOKE_LARGE_BYTES))
            kept[smallest] = true;
    }
    planned->workload_count = 0;
    for (size_t i = 0; i < count; i++)
        if (kept[i]) {
            datasets[planned->workload_count] = datasets[i];
            rows[planned->workload_count++] = rows[i];
        }
}

static void plan_workloads(planner *p, const tm_scanned_definition *scanned,
                           tm_planned_definition *planned, tm_blobs *blobs) {
    size_t count = scanned->workload_count;
    const tm_workload **rows = tm_arena_array(p->arena, count, sizeof *rows);
    size_t *datasets = tm_arena_array(p->arena, count, sizeof *datasets);
    const char *list = p->options->workloads;
    for (size_t i = 0; i < count; i++) {
        const tm_workload *workload = scanned->workloads[i];
        size_t bytes;
        if (!workload_named(list, workload->uuid))
            continue;
        if (!tm_workload_bytes(workload, &bytes)) {
            skip(p, TM_SKIPPED_WORKLOAD, workload->uuid, scanned->definition->name,
                 "its tensors are larger than an address space");
            continue;
        }
        const char *reason =
            tm_blobs_check(blobs, workload, p->options->datasets[scanned->workload_datasets[i]]);
        if (reason) {
            skip(p, TM_SKIPPED_WORKLOAD, workload->uuid, scanned->definition->name, reason);
            continue;
        }
        rows[planned->workload_count] = workload;
        datasets[planned->workload_count++] = scanned->workload_datasets[i];
    }
    if (strcmp(list, "smoke") == 0)
        keep_smallest(p, planned, rows, datasets);
    planned->workloads = rows;
    planned->workload_datasets = datasets;
}

/* The planned definition with its contract, reference and rows. */
static void plan_definition(planner *p, const tm_scanned_definition *scanned, tm_blobs *blobs,
                            tm_planned_definition *planned) {
    const tm_definition *definition = scanned->definition;
    planned->definition = definition;
    const tm_scanned_solution *reference = find_reference(p, definition);
    size_t count;
    const tm_constant *constants =
        definition_constants(p, definition, reference ? reference->solution : NULL, &count);
    const tm_contract *contract =
        add_contract(p, (tm_contract){.folder = own_folder(p, definition),
                                      .definition = definition,
                                      .signature = tm_definition_signature(p->arena, definition),
                                      .constants = constants,
                                      .constant_count = count});
    plan_workloads(p, scanned, planned, blobs);
    if (!reference) {
        skip(p, TM_SKIPPED_DEFINITION, definition->name, NULL, "no native reference");
        return;
    }
    const char *missing = missing_constant(reference->solution, constants, count);
    if (missing) {
        skip(p, TM_SKIPPED_DEFINITION, definition->name, NULL,
             tm_arena_format(p->arena,
                             "the value of its constant \"%s\" is in no table; add "
                             "tracemill.constants to the definition",
                             missing));
        return;
    }
    if (planned->workload_count == 0)
        skip(p, TM_SKIPPED_DEFINITION, definition->name, NULL, "no workloads");
    planned->reference = plan_solution(p, reference, definition, contract, constants, count);
}

static const tm_contract *contract_of(const planner *p, const tm_definition *definition) {
    const char *folder = own_folder(p, definition);
    for (size_t i = 0; i < p->plan->contract_count; i++)
        if (strcmp(p->plan->contracts[i]->folder, folder) == 0)
            return p->plan->contracts[i];
    return NULL;
}

static void attach(planner *p, const tm_scanned_solution *scanned, size_t index) {
    const tm_solution *solution = scanned->solution;
    tm_planned_definition *planned = &p->plan->definitions[index];
    const tm_definition *definition = planned->definition;
    const char *name = tm_solution_expand_name(p->arena, solution->name, definition->name);
    if (!tm_text_matches(p->options->solutions, name) ||
        !tm_text_matches(p->options->authors, solution->author) ||
        !listed(tm_config_solutions(p->options->config), name))
        return;
    const char *reason = unserved(p, solution);
    if (reason) {
        skip(p, TM_SKIPPED_SOLUTION, name, definition->name, reason);
        return;
    }
    const tm_contract *own = contract_of(p, definition);
    planned->solutions = grow(p->arena, planned->solutions, planned->solution_count,
                              &p->solution_capacity[index], sizeof *planned->solutions);
    tm_planned_solution *made =
        plan_solution(p, scanned, definition, own, own->constants, own->constant_count);
    planned->solutions[planned->solution_count++] = made;
    p->by_name =
        grow(p->arena, p->by_name, p->by_name_count, &p->by_name_capacity, sizeof *p->by_name);
    p->by_name[p->by_name_count++] = made;
}

static int find_planned(const tm_plan *plan, const char *name) {
    size_t low = 0, high = plan->definition_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(name, plan->definitions[middle].definition->name);
        if (order == 0)
            return (int)middle;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return -1;
}

static void attach_everywhere(planner *p, const tm_scanned_solution *scanned) {
    const tm_solution *solution = scanned->solution;
    if (solution->role == TM_ROLE_REFERENCE)
        return;
    bool family = solution->definition_glob_count || solution->match;
    if (family) {
        for (size_t i = 0; i < p->plan->definition_count; i++)
            if (solution_is_for(solution, p->plan->definitions[i].definition))
                attach(p, scanned, i);
        return;
    }
    int index = find_planned(p->plan, solution->definition);
    if (index >= 0)
        attach(p, scanned, (size_t)index);
    else if (!tm_scan_find(p->scan, solution->definition))
        skip(p, TM_SKIPPED_SOLUTION, solution->name, solution->definition,
             tm_scan_is_broken(p->scan, solution->definition)
                 ? "its definition has errors"
                 : "its definition is not in the dataset");
}

static int compare_planned(const void *a, const void *b) {
    const tm_planned_solution *left = *(tm_planned_solution *const *)a;
    const tm_planned_solution *right = *(tm_planned_solution *const *)b;
    int order = strcmp(left->name, right->name);
    return order ? order : strcmp(left->solution->source->path, right->solution->source->path);
}

/* Reports solutions of equal name, and drops all but the first from their definitions. */
static void settle_names(planner *p) {
    if (p->by_name_count)
        qsort(p->by_name, p->by_name_count, sizeof *p->by_name, compare_planned);
    for (size_t i = 1; i < p->by_name_count; i++) {
        tm_planned_solution *first = p->by_name[i - 1], *second = p->by_name[i];
        if (strcmp(first->name, second->name) != 0)
            continue;
        tm_diag_error(p->diag, tm_node_get(second->solution->node, "name")->place, "name",
                      "expected a name of its own, got \"%s\", which %s has already; rename one",
                      second->name, first->solution->source->path);
        p->by_name[i] = first;
        for (size_t d = 0; d < p->plan->definition_count; d++) {
            tm_planned_definition *planned = &p->plan->definitions[d];
            size_t kept = 0;
            for (size_t s = 0; s < planned->solution_count; s++)
                if (planned->solutions[s] != second)
                    planned->solutions[kept++] = planned->solutions[s];
            planned->solution_count = kept;
        }
    }
    for (size_t d = 0; d < p->plan->definition_count; d++) {
        tm_planned_definition *planned = &p->plan->definitions[d];
        if (planned->solution_count)
            qsort(planned->solutions, planned->solution_count, sizeof *planned->solutions,
                  compare_planned);
    }
}

static int compare_units(const void *a, const void *b) {
    return strcmp((*(tm_unit *const *)a)->stem, (*(tm_unit *const *)b)->stem);
}

static int compare_contracts(const void *a, const void *b) {
    return strcmp((*(tm_contract *const *)a)->folder, (*(tm_contract *const *)b)->folder);
}

/* Drops units that no kept solution needs (a duplicate name), then sorts. */
static void settle_units(planner *p) {
    tm_plan *plan = p->plan;
    if (plan->unit_count)
        qsort(plan->units, plan->unit_count, sizeof *plan->units, compare_units);
    size_t kept = 0;
    for (size_t i = 0; i < plan->unit_count; i++)
        if (!kept || strcmp(plan->units[kept - 1]->stem, plan->units[i]->stem) != 0)
            plan->units[kept++] = plan->units[i];
    plan->unit_count = kept;
    if (plan->contract_count)
        qsort(plan->contracts, plan->contract_count, sizeof *plan->contracts, compare_contracts);
}

tm_plan *tm_plan_make(const tm_scan *scan, const tm_options *options, tm_arena *arena,
                      tm_diag *diag) {
    tm_plan *plan = tm_arena_alloc(arena, sizeof *plan);
    planner p = {.scan = scan, .options = options, .arena = arena, .diag = diag, .plan = plan};
    plan->definitions = tm_arena_array(arena, scan->definition_count, sizeof *plan->definitions);
    p.solution_capacity = tm_arena_array(arena, scan->definition_count, sizeof(size_t));
    tm_blobs *blobs = tm_blobs_create(arena, diag);
    for (size_t i = 0; i < scan->definition_count; i++)
        if (definition_selected(&p, scan->definitions[i].definition))
            plan_definition(&p, &scan->definitions[i], blobs,
                            &plan->definitions[plan->definition_count++]);
    for (size_t i = 0; i < scan->broken_count; i++)
        if (tm_text_matches(options->definitions, scan->broken[i]) &&
            !tm_scan_find(scan, scan->broken[i]))
            skip(&p, TM_SKIPPED_DEFINITION, scan->broken[i], NULL, "its file has errors");
    plan->blob_count = tm_blobs_inputs(blobs, &plan->blobs);
    for (size_t i = 0; i < scan->solution_count; i++)
        attach_everywhere(&p, &scan->solutions[i]);
    settle_names(&p);
    settle_units(&p);
    for (size_t i = 0; i < plan->definition_count; i++) {
        const tm_planned_definition *planned = &plan->definitions[i];
        if (planned->reference)
            plan->cell_count += planned->solution_count * planned->workload_count;
    }
    return plan;
}
