/* tm-gen: from datasets to build/matrix.ninja, contract headers and workload tables.
 *
 * Exit status: 0 planned (a broken dataset file is reported, the rest is planned), 1 with --check
 * and errors in the dataset, 2 bad options, 3 a file could not be written. */
#include <stdio.h>
#include <string.h>

#include "gen/emit.h"
#include "gen/options.h"
#include "gen/plan.h"
#include "gen/scan.h"

#define MOST_NAMES 10 /* of definitions without cells; more are counted */

static const char *op_type_of(const tm_scan *scan, const char *name) {
    const tm_scanned_definition *scanned = tm_scan_find(scan, name);
    return scanned ? scanned->definition->op_type : "unreadable";
}

/* "no native reference: gqa_paged 22, moe 14", of those with that reason. */
static void print_reason(const tm_scan *scan, const tm_skipped *const *gaps, size_t count,
                         const char *reason, bool *done) {
    printf("  %s:", reason);
    const char *separator = " ";
    for (size_t i = 0; i < count; i++) {
        if (done[i] || strcmp(gaps[i]->reason, reason) != 0)
            continue;
        const char *op_type = op_type_of(scan, gaps[i]->name);
        size_t same = 0;
        for (size_t j = i; j < count; j++) {
            bool is_same = strcmp(gaps[j]->reason, reason) == 0 &&
                           strcmp(op_type_of(scan, gaps[j]->name), op_type) == 0;
            done[j] = done[j] || is_same;
            same += is_same;
        }
        printf("%s%s %zu", separator, op_type, same);
        separator = ", ";
    }
    printf("\n");
}

/* Why definitions have no cells: by name, or, of many, how many of each op_type. */
static void print_gaps(const tm_options *options, const tm_scan *scan, const tm_plan *plan,
                       tm_arena *arena) {
    const tm_skipped **gaps = tm_arena_array(arena, plan->skipped_count, sizeof *gaps);
    bool *done = tm_arena_array(arena, plan->skipped_count, sizeof *done);
    size_t count = 0;
    for (size_t i = 0; i < plan->skipped_count; i++)
        if (plan->skipped[i].kind == TM_SKIPPED_DEFINITION)
            gaps[count++] = &plan->skipped[i];
    bool by_name = options->check || count <= MOST_NAMES;
    if (count > 0 && by_name)
        printf("tracemill: definitions without cells:\n");
    else if (count > 0)
        printf("tracemill: %zu definitions without cells; ninja check names them:\n", count);
    for (size_t i = 0; i < count; i++)
        if (by_name)
            printf("  %s: %s\n", gaps[i]->name, gaps[i]->reason);
        else if (!done[i])
            print_reason(scan, gaps, count, gaps[i]->reason, done);
}

/* "3 solutions wait: NEEDS_PYTHON 2, NEEDS_CUTLASS 1", in the order of the plan. */
static void print_waiting(const tm_plan *plan) {
    const char *needs[16];
    size_t counts[16] = {0}, kinds = 0, all = 0;
    for (size_t i = 0; i < plan->definition_count; i++)
        for (size_t w = 0; w < plan->definitions[i].waiting_count; w++, all++) {
            const char *one = plan->definitions[i].waiting[w].needs;
            size_t kind = 0;
            while (kind < kinds && strcmp(needs[kind], one) != 0)
                kind++;
            if (kind == kinds && kinds + 1 < sizeof needs / sizeof *needs)
                needs[kinds++] = one;
            counts[kind]++;
        }
    if (!all)
        return;
    printf("tracemill: %zu solution%s wait%s:", all, all == 1 ? "" : "s", all == 1 ? "s" : "");
    for (size_t kind = 0; kind < kinds; kind++)
        printf("%s %s %zu", kind ? "," : "", needs[kind], counts[kind]);
    printf("\n");
}

/* One line that says what follows, or what was found. */
static void print_outcome(const tm_options *options, const tm_scan *scan, const tm_plan *plan,
                          size_t errors, tm_arena *arena) {
    size_t solutions = 0, referenced = 0;
    for (size_t i = 0; i < plan->definition_count; i++) {
        solutions += plan->definitions[i].solution_count;
        referenced += plan->definitions[i].reference != NULL;
    }
    printf("tracemill: %zu definitions (%zu with a native reference), %zu workload rows, "
           "%zu solutions: %zu cells for %s\n",
           plan->definition_count, referenced, scan->workload_rows, solutions, plan->cell_count,
           options->arch);
    print_waiting(plan);
    print_gaps(options, scan, plan, arena);
    if (errors)
        printf("tracemill: %zu error%s in the dataset; what has errors is left out\n", errors,
               errors == 1 ? "" : "s");
}

static bool emit_everything(const tm_options *options, const tm_scan *scan, const tm_plan *plan,
                            tm_arena *arena, tm_diag *diag) {
    return tm_emit_contracts(plan, arena, diag) && tm_emit_tables(plan, options, arena, diag) &&
           tm_emit_blobs(plan, options, arena, diag) && tm_emit_solutions(plan, arena, diag) &&
           tm_emit_plan(plan, options, arena, diag) && tm_emit_ninja(plan, options, arena, diag) &&
           tm_emit_depfile(plan, scan, diag);
}

int main(int argc, char **argv) {
    tm_arena *arena = tm_arena_create();
    tm_diag *diag = tm_diag_create(arena);
    tm_options options;
    int status = 0;
    if (!tm_options_parse(&options, arena, argc, argv, diag)) {
        tm_diag_print(diag, TM_DIAG_WARNING, stderr);
        status = 2;
        goto out;
    }
    const tm_scan *scan = tm_scan_read(&options, arena, diag);
    const tm_plan *plan = tm_plan_make(scan, &options, arena, diag);
    size_t errors = tm_diag_count(diag, TM_DIAG_ERROR); /* of the dataset: nothing is written yet */
    if (options.check)
        status = errors ? 1 : 0;
    else if (!emit_everything(&options, scan, plan, arena, diag))
        status = 3;
    tm_diag_print(diag, options.check ? TM_DIAG_NOTE : TM_DIAG_WARNING, stderr);
    print_outcome(&options, scan, plan, errors, arena);
out:
    tm_arena_destroy(arena);
    return status;
}
