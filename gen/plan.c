#include "gen/plan.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "gen/baked.h"
#include "gen/blobs.h"
#include "gen/candidates.h"
#include "gen/constants.h"
#include "gen/dependencies.h"
#include "gen/filters.h"
#include "gen/overwrites.h"
#include "gen/recipe_row.h"
#include "gen/rows.h"
#include "gen/selection.h"
#include "gen/served.h"
#include "lib/layout.h"
#include "lib/text.h"

typedef struct {
    const tm_scan *scan;
    const tm_options *options;
    tm_arena *arena;
    tm_diag *diag;
    tm_plan *plan;
    size_t unit_capacity, contract_capacity, skipped_capacity;
    tm_candidates candidates;
    size_t *solution_capacity;         /* per planned definition */
    size_t *waiting_capacity;          /* the same */
    const tm_contract **own_contracts; /* per planned definition */
    bool *clashed;                     /* per scanned solution: its clash was reported already */
} planner;

static void skip(planner *p, tm_skipped_kind kind, const char *name, const char *definition,
                 const char *reason) {
    tm_plan *plan = p->plan;
    plan->skipped = tm_arena_grow(p->arena, plan->skipped, plan->skipped_count,
                                  &p->skipped_capacity, sizeof *plan->skipped);
    plan->skipped[plan->skipped_count++] = (tm_skipped){kind, name, definition, reason};
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
    plan->contracts = tm_arena_grow(p->arena, plan->contracts, plan->contract_count,
                                    &p->contract_capacity, sizeof *plan->contracts);
    tm_contract *kept = tm_arena_alloc(p->arena, sizeof *kept);
    *kept = contract;
    plan->contracts[plan->contract_count++] = kept;
    return kept;
}

static const tm_contract *generic_contract(planner *p, const tm_definition *definition,
                                           tm_constant_list constants) {
    const char *signature = tm_definition_signature(p->arena, definition);
    uint64_t hash = tm_text_hash(TM_TEXT_HASH_START, signature);
    for (size_t i = 0; i < constants.count; i++)
        hash = tm_text_hash(tm_text_hash(hash, ";"), constants.items[i].name);
    return add_contract(p, (tm_contract){.folder = tm_arena_format(p->arena, "build/generic/%08x",
                                                                   (unsigned)(hash ^ (hash >> 32))),
                                         .definition = definition,
                                         .signature = signature,
                                         .generic = true,
                                         .constants = constants.items,
                                         .constant_count = constants.count});
}

static const tm_place *name_place(const tm_solution *solution) {
    return &tm_node_get(solution->node, "name")->place;
}

/* Whether this is the first clash of that solution: a family has as many as definitions. */
static bool first_clash(planner *p, const tm_scanned_solution *scanned) {
    bool *clashed = &p->clashed[scanned - p->scan->solutions];
    bool first = !*clashed;
    *clashed = true;
    return first;
}

/* The shared object for a generic source and signature: one for all its definitions. NULL after an
 * error when another source has that object already. (Others are named after their solutions.) */
static const tm_unit *add_unit(planner *p, tm_unit unit) {
    tm_plan *plan = p->plan;
    for (size_t i = unit.contract->generic ? plan->unit_count : 0; i-- > 0;) {
        const tm_unit *other = plan->units[i];
        if (strcmp(other->stem, unit.stem) != 0)
            continue;
        if (other->source == unit.source)
            return other;
        const tm_solution *solution = unit.source->solution;
        if (first_clash(p, unit.source))
            tm_diag_error(p->diag, *name_place(solution), "name",
                          "expected a shared object of its own, got %s.so, which \"%s\" in %s has "
                          "already; rename one",
                          unit.stem, other->source->solution->name,
                          other->source->solution->source->path);
        return NULL;
    }
    plan->units = tm_arena_grow(p->arena, plan->units, plan->unit_count, &p->unit_capacity,
                                sizeof *plan->units);
    tm_unit *kept = tm_arena_alloc(p->arena, sizeof *kept);
    *kept = unit;
    plan->units[plan->unit_count++] = kept;
    return kept;
}

static const char *unit_stem(planner *p, const tm_candidate *made, const char *baked,
                             const tm_contract *contract) {
    if (!contract->generic)
        return tm_layout_solution(p->arena, made->name, baked);
    tm_text component = {0};
    tm_text_add_component(
        &component, tm_solution_expand_name(p->arena, made->scanned->solution->name, "generic"));
    const char *stem = tm_arena_format(
        p->arena, "build/generic/%s/%s%s", contract->folder + strlen("build/generic/"),
        tm_text_get(&component), made->variant ? made->variant->suffix : "");
    tm_text_free(&component);
    return stem;
}

/* The object that serves a row, which is NULL unless axes are baked. NULL after an error. */
static const tm_unit *plan_unit(planner *p, const tm_candidate *made, const tm_contract *contract,
                                const char *suffix, const tm_workload *workload) {
    const tm_scanned_solution *scanned = made->scanned;
    const tm_solution *solution = scanned->solution;
    bool packed = false;
    for (size_t i = 0; i < solution->file_count; i++)
        packed = packed || solution->files[i].content;
    const char *stem = unit_stem(p, made, suffix, contract);
    return add_unit(
        p, (tm_unit){.source = scanned,
                     .contract = contract,
                     .stem = stem,
                     .variant = made->variant,
                     .baked = workload,
                     .ninja_folder = packed ? tm_arena_format(p->arena, "build/unpacked/%s",
                                                              stem + strlen("build/"))
                                            : scanned->ninja_folder});
}

/* One object for each distinct tuple of baked values. */
static void plan_baked(planner *p, const tm_candidate *made, tm_planned_solution *planned) {
    const tm_solution *solution = made->scanned->solution;
    const tm_planned_definition *target = &p->plan->definitions[made->definition];
    const tm_definition *definition = target->definition;
    tm_object *objects = tm_arena_array(p->arena, target->row_count, sizeof *objects);
    size_t *row_objects = tm_arena_array(p->arena, target->row_count, sizeof *row_objects);
    size_t count = 0;
    for (size_t row = 0; row < target->row_count; row++) {
        const tm_workload *workload = target->rows[row].workload;
        size_t at = 0;
        while (at < count && !tm_baked_same(solution, definition,
                                            target->rows[objects[at].row].workload, workload))
            at++;
        row_objects[row] = at;
        if (at < count)
            continue;
        const char *suffix = tm_baked_suffix(solution, definition, workload, p->arena);
        objects[count++] =
            (tm_object){suffix, plan_unit(p, made, planned->contract, suffix, workload), row};
    }
    planned->objects = objects;
    planned->object_count = count;
    planned->row_objects = row_objects;
}

/* NULL after an error. */
static tm_planned_solution *plan_solution(planner *p, const tm_candidate *made) {
    const tm_solution *solution = made->scanned->solution;
    const tm_definition *definition = p->plan->definitions[made->definition].definition;
    const tm_contract *own = p->own_contracts[made->definition];
    tm_constant_list constants = {own->constants, own->constant_count};
    if (!made->is_reference)
        constants = tm_constants_extend(p->arena, constants, solution, definition);
    tm_planned_solution *planned = tm_arena_alloc(p->arena, sizeof *planned);
    *planned = (tm_planned_solution){
        .name = made->name,
        .solution = solution,
        .base = made->base ? made->base->name : NULL,
        .variant = made->variant,
        .contract = solution->generic ? generic_contract(p, definition, constants) : own,
        .constants = constants.items};
    if (solution->baked_count) {
        plan_baked(p, made, planned);
        return planned;
    }
    tm_object *object = tm_arena_alloc(p->arena, sizeof *object);
    *object = (tm_object){"", plan_unit(p, made, planned->contract, "", NULL), 0};
    planned->objects = object;
    planned->object_count = 1;
    return object->unit ? planned : NULL;
}

static bool is_reference_for(const planner *p, const tm_scanned_solution *scanned,
                             const tm_definition *definition) {
    const tm_solution *solution = scanned->solution;
    return solution->role == TM_ROLE_REFERENCE &&
           !tm_served_judge(p->options, solution, p->arena).reason &&
           tm_filters_covers(solution, definition);
}

/* What judges the definition: the source tree's own reference, else that of the first dataset that
 * has one. Of two in one tree the later is an error; one of another tree is not planned. */
static const tm_scanned_solution *find_reference(planner *p, const tm_definition *definition) {
    const tm_scan *scan = p->scan;
    const tm_scanned_solution *best = NULL;
    for (size_t i = 0; i < scan->solution_count; i++)
        if (is_reference_for(p, &scan->solutions[i], definition) &&
            (!best || scan->solutions[i].tree < best->tree))
            best = &scan->solutions[i];
    for (size_t i = 0; best && i < scan->solution_count; i++) {
        const tm_scanned_solution *other = &scan->solutions[i];
        if (other == best || !is_reference_for(p, other, definition))
            continue;
        const tm_solution *solution = other->solution;
        if (other->tree != best->tree)
            skip(p, TM_SKIPPED_SOLUTION,
                 tm_solution_expand_name(p->arena, solution->name, definition->name),
                 definition->name,
                 best->tree == 0 ? "the source tree has a reference of its definition"
                                 : "an earlier dataset has a reference of its definition");
        else if (first_clash(p, other))
            tm_diag_error(p->diag, *name_place(solution), "name",
                          "expected one reference of the definition \"%s\", got \"%s\" beside "
                          "\"%s\" in %s; remove one",
                          definition->name, solution->name, best->solution->name,
                          best->solution->source->path);
    }
    return best;
}

/* NULL when the row can be planned, with what makes its blobs in it; else why not. */
static const char *row_reason(planner *p, tm_blobs *blobs, tm_row *row) {
    size_t bytes;
    if (!tm_workload_bytes(row->workload, &bytes))
        return "its tensors are larger than an address space";
    bool missing;
    const char *reason =
        tm_blobs_check(blobs, row->workload, p->options->datasets[row->dataset], &missing);
    if (missing || !reason)
        reason = tm_recipe_row_plan(row, missing, p->options->synthesize_blobs, p->arena, p->diag);
    return reason;
}

static void plan_rows(planner *p, const tm_scanned_definition *scanned,
                      tm_planned_definition *planned, tm_blobs *blobs) {
    tm_row *rows = tm_arena_array(p->arena, scanned->workload_count, sizeof *rows);
    size_t count = 0;
    const char *list = p->options->workloads;
    for (size_t i = 0; i < scanned->workload_count; i++) {
        tm_row row = {.workload = scanned->workloads[i], .dataset = scanned->workload_datasets[i]};
        if (!tm_rows_selected(list, row.workload->uuid))
            continue;
        const char *reason = row_reason(p, blobs, &row);
        if (reason)
            skip(p, TM_SKIPPED_WORKLOAD, row.workload->uuid, scanned->definition->name, reason);
        else
            rows[count++] = row;
    }
    size_t selected = count;
    if (strcmp(list, "smoke") == 0)
        count = tm_rows_keep_smoke(p->arena, rows, count);
    planned->rows = selected ? rows : NULL;
    planned->row_count = count;
}

/* The planned definition with its contract, reference and rows. */
static void plan_definition(planner *p, const tm_scanned_definition *scanned, tm_blobs *blobs,
                            tm_planned_definition *planned) {
    const tm_definition *definition = scanned->definition;
    planned->definition = definition;
    const tm_scanned_solution *reference = find_reference(p, definition);
    tm_constant_list constants =
        tm_constants_of(p->arena, definition, reference ? reference->solution : NULL);
    p->own_contracts[planned - p->plan->definitions] =
        add_contract(p, (tm_contract){.folder = own_folder(p, definition),
                                      .definition = definition,
                                      .signature = tm_definition_signature(p->arena, definition),
                                      .constants = constants.items,
                                      .constant_count = constants.count});
    plan_rows(p, scanned, planned, blobs);
    if (!reference) {
        skip(p, TM_SKIPPED_DEFINITION, definition->name, NULL, "no native reference");
        return;
    }
    const char *missing = tm_constants_missing(&constants, reference->solution);
    if (missing) {
        skip(p, TM_SKIPPED_DEFINITION, definition->name, NULL,
             tm_arena_format(p->arena,
                             "the value of its constant \"%s\" is in no table; add "
                             "tracemill.constants to the definition",
                             missing));
        return;
    }
    if (planned->row_count == 0)
        skip(p, TM_SKIPPED_DEFINITION, definition->name, NULL,
             planned->rows
                 ? "all workloads are too large for a smoke test; --workloads=all runs them"
                 : "no workloads");
    tm_candidates_add(&p->candidates, p->arena,
                      (tm_candidate){.scanned = reference,
                                     .definition = (size_t)(planned - p->plan->definitions),
                                     .name = tm_solution_expand_name(
                                         p->arena, reference->solution->name, definition->name),
                                     .is_reference = true});
}

/* The variants that are selected, by their own names or all by that of their base. Without a table
 * that is the solution itself. */
static void add_candidates(planner *p, tm_candidate made) {
    const tm_solution *solution = made.scanned->solution;
    bool all = tm_selection_name(p->options, made.name);
    if (!solution->variants) {
        if (all)
            tm_candidates_add(&p->candidates, p->arena, made);
        return;
    }
    const char *name = made.name;
    for (size_t i = 0; i < solution->variant_count; i++) {
        const tm_variant *variant = &solution->variants[i];
        const char *own = tm_arena_format(p->arena, "%s%s", name, variant->suffix);
        if (!all && !tm_selection_name(p->options, own))
            continue;
        if (!made.base) {
            made.base = tm_arena_alloc(p->arena, sizeof *made.base);
            *made.base = (tm_base){.name = name};
            tm_candidates_add(&p->candidates, p->arena, made);
        }
        made.name = own;
        made.variant = variant;
        tm_candidates_add(&p->candidates, p->arena, made);
    }
}

static void attach(planner *p, const tm_scanned_solution *scanned, size_t index) {
    const tm_solution *solution = scanned->solution;
    const tm_definition *definition = p->plan->definitions[index].definition;
    const char *name = tm_solution_expand_name(p->arena, solution->name, definition->name);
    if (!tm_selection_solution(p->options, solution, name, p->arena))
        return;
    tm_served served = tm_served_judge(p->options, solution, p->arena);
    if (served.reason && !served.needs) {
        skip(p, TM_SKIPPED_SOLUTION, name, definition->name, served.reason);
        return;
    }
    const char *wrong = tm_overwrites_wrong(solution, definition);
    const tm_contract *own = p->own_contracts[index];
    size_t baked = tm_baked_wrong(solution, definition, own->constants, own->constant_count);
    if (!wrong && baked == solution->baked_count)
        add_candidates(
            p, (tm_candidate){
                   .scanned = scanned, .definition = index, .name = name, .served = served});
    else if (!first_clash(p, scanned))
        return;
    else if (wrong)
        tm_overwrites_refuse(solution, definition, wrong, p->arena, p->diag);
    else
        tm_baked_refuse(solution, definition, baked, p->arena, p->diag);
}

static int compare_name(const void *name, const void *planned) {
    return strcmp(name, ((const tm_planned_definition *)planned)->definition->name);
}

/* Why a solution has nothing to solve, with the name that may be meant. */
static const char *no_definition(const planner *p, const char *name) {
    const char *nearest = tm_scan_nearest(p->scan, name, p->arena);
    return nearest ? tm_arena_format(p->arena,
                                     "its definition \"%s\" is not in the dataset; did you mean "
                                     "\"%s\"?",
                                     name, nearest)
                   : "its definition is not in the dataset";
}

static void attach_everywhere(planner *p, const tm_scanned_solution *scanned) {
    const tm_solution *solution = scanned->solution;
    tm_dependencies_note(solution, p->arena, p->diag);
    if (solution->role == TM_ROLE_REFERENCE)
        return;
    bool family = solution->definition_glob_count || solution->match;
    if (family) {
        for (size_t i = 0; i < p->plan->definition_count; i++)
            if (tm_filters_covers(solution, p->plan->definitions[i].definition))
                attach(p, scanned, i);
        return;
    }
    const tm_planned_definition *planned =
        p->plan->definition_count == 0
            ? NULL
            : bsearch(solution->definition, p->plan->definitions, p->plan->definition_count,
                      sizeof *p->plan->definitions, compare_name);
    if (planned)
        attach(p, scanned, (size_t)(planned - p->plan->definitions));
    else if (!tm_scan_find(p->scan, solution->definition))
        skip(p, TM_SKIPPED_SOLUTION, solution->name, solution->definition,
             tm_scan_is_broken(p->scan, solution->definition)
                 ? "its definition has errors"
                 : no_definition(p, solution->definition));
}

static int compare_units(const void *a, const void *b) {
    return strcmp((*(tm_unit *const *)a)->stem, (*(tm_unit *const *)b)->stem);
}

static int compare_contracts(const void *a, const void *b) {
    return strcmp((*(tm_contract *const *)a)->folder, (*(tm_contract *const *)b)->folder);
}

static void add_waiting(planner *p, const tm_candidate *made) {
    tm_planned_definition *definition = &p->plan->definitions[made->definition];
    definition->waiting = tm_arena_grow(p->arena, definition->waiting, definition->waiting_count,
                                        &p->waiting_capacity[definition - p->plan->definitions],
                                        sizeof *definition->waiting);
    definition->waiting[definition->waiting_count++] =
        (tm_waiting){.name = made->name,
                     .solution = made->scanned->solution,
                     .needs = made->served.needs,
                     .reason = made->served.reason};
}

/* Gives the definitions their references and solutions, with what must be compiled for them. */
static void plan_candidates(planner *p) {
    tm_plan *plan = p->plan;
    tm_candidates_sort(&p->candidates);
    for (size_t i = 0; i < p->candidates.count; i++) {
        const tm_candidate *made = &p->candidates.items[i];
        tm_planned_definition *definition = &plan->definitions[made->definition];
        if (made->base && !made->variant)
            continue;
        if (made->served.needs) {
            if (!made->dropped)
                add_waiting(p, made);
            continue;
        }
        tm_planned_solution *planned = made->dropped ? NULL : plan_solution(p, made);
        if (!made->is_reference && planned) {
            definition->solutions =
                tm_arena_grow(p->arena, definition->solutions, definition->solution_count,
                              &p->solution_capacity[definition - plan->definitions],
                              sizeof *definition->solutions);
            definition->solutions[definition->solution_count++] = planned;
        } else if (made->is_reference && planned)
            definition->reference = planned;
        else if (made->is_reference)
            skip(p, TM_SKIPPED_DEFINITION, definition->definition->name, NULL,
                 "its reference has errors");
    }
    if (plan->unit_count)
        qsort(plan->units, plan->unit_count, sizeof *plan->units, compare_units);
    if (plan->contract_count)
        qsort(plan->contracts, plan->contract_count, sizeof *plan->contracts, compare_contracts);
}

tm_plan *tm_plan_make(const tm_scan *scan, const tm_options *options, tm_arena *arena,
                      tm_diag *diag) {
    tm_plan *plan = tm_arena_alloc(arena, sizeof *plan);
    planner p = {.scan = scan, .options = options, .arena = arena, .diag = diag, .plan = plan};
    plan->definitions = tm_arena_array(arena, scan->definition_count, sizeof *plan->definitions);
    p.solution_capacity = tm_arena_array(arena, scan->definition_count, sizeof(size_t));
    p.waiting_capacity = tm_arena_array(arena, scan->definition_count, sizeof(size_t));
    p.own_contracts = tm_arena_array(arena, scan->definition_count, sizeof *p.own_contracts);
    p.clashed = tm_arena_array(arena, scan->solution_count, sizeof *p.clashed);
    tm_blobs *blobs = tm_blobs_create(arena, diag);
    for (size_t i = 0; i < scan->definition_count; i++)
        if (tm_selection_definition(options, scan->definitions[i].definition))
            plan_definition(&p, &scan->definitions[i], blobs,
                            &plan->definitions[plan->definition_count++]);
    for (size_t i = 0; i < scan->broken_count; i++)
        if (tm_text_matches(options->definitions, scan->broken[i]) &&
            !tm_scan_find(scan, scan->broken[i]))
            skip(&p, TM_SKIPPED_DEFINITION, scan->broken[i], NULL, "its file has errors");
    plan->blob_count = tm_blobs_inputs(blobs, &plan->blobs);
    for (size_t i = 0; i < scan->solution_count; i++)
        attach_everywhere(&p, &scan->solutions[i]);
    tm_filters_check(scan, options, arena, diag);
    tm_candidates_settle(&p.candidates, scan, diag);
    plan_candidates(&p);
    for (size_t i = 0; i < plan->definition_count; i++) {
        const tm_planned_definition *planned = &plan->definitions[i];
        if (planned->reference)
            plan->cell_count += planned->solution_count * planned->row_count;
    }
    return plan;
}

const tm_object *tm_plan_object(const tm_planned_solution *solution, size_t row) {
    return &solution->objects[solution->row_objects ? solution->row_objects[row] : 0];
}

bool tm_plan_has_blobs(const tm_planned_definition *planned, size_t row) {
    const tm_input *inputs = planned->rows[row].workload->inputs;
    for (size_t i = 0; !planned->rows[row].recipe && i < planned->definition->input_count; i++)
        if (inputs[i].kind == TM_INPUT_SAFETENSORS)
            return true;
    return false;
}
