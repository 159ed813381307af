/* tm-gen: from datasets to build/matrix.ninja, contract headers and workload tables.
 *
 * Exit status: 0 planned (a broken dataset file is reported, the rest is planned), 1 with --check
 * and errors in the dataset, 2 bad options, 3 a file could not be written. */
#include <stdio.h>

#include "gen/emit.h"
#include "gen/options.h"
#include "gen/plan.h"
#include "gen/scan.h"

/* One line that says what follows, or what was found. */
static void print_outcome(const tm_options *options, const tm_scan *scan, const tm_plan *plan,
                          size_t errors) {
    size_t solutions = 0, referenced = 0;
    for (size_t i = 0; i < plan->definition_count; i++) {
        solutions += plan->definitions[i].solution_count;
        referenced += plan->definitions[i].reference != NULL;
    }
    printf("tracemill: %zu definitions (%zu with a native reference), %zu workload rows, "
           "%zu solutions: %zu cells for %s\n",
           plan->definition_count, referenced, scan->workload_rows, solutions, plan->cell_count,
           options->arch);
    const char *reason = NULL; /* runs of equal reasons were appended side by side */
    for (size_t i = 0; i < plan->skipped_count; i++) {
        if (plan->skipped[i].kind != TM_SKIPPED_DEFINITION)
            continue;
        if (!reason)
            printf("tracemill: definitions without cells:\n");
        reason = plan->skipped[i].reason;
        printf("  %s: %s\n", plan->skipped[i].name, reason);
    }
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
    print_outcome(&options, scan, plan, errors);
out:
    tm_arena_destroy(arena);
    return status;
}
