/* main: the program that every workload's table is linked with. */
#include <omp.h>
#include <stdio.h>
#include <sys/prctl.h>

#include "harness/cell.h"
#include "harness/judge.h"
#include "harness/lock.h"

#define MAX_THREADS 16

/* Judges of several devices run at once, and threads wait for each other actively: more of them
 * than cores take many times as long. */
static void share_cores(const tm_cell *cell) {
    const tm_node *devices = tm_node_get(cell->device, "devices");
    int count = devices && devices->count ? (int)devices->count : 1;
    int threads = omp_get_max_threads() / count;
    omp_set_num_threads(threads < 1 ? 1 : threads < MAX_THREADS ? threads : MAX_THREADS);
}

int tm_judge_main(const tm_table *table, int argc, char **argv) {
    tm_arena *arena = tm_arena_create();
    tm_diag *diag = tm_diag_create(arena);
    tm_cell cell;
    tm_outcome outcome = {0};
    int status = tm_cell_open(&cell, table, argc, argv, arena, diag);
    if (status >= 0)
        goto out;
    status = 3;
    share_cores(&cell);
    /* Other processes of this user, such as a solution's worker, cannot look into this one. */
    if (!cell.in_process)
        prctl(PR_SET_DUMPABLE, 0);
    /* No lock in process: nothing is measured there, and someone may think for hours. */
    if ((!cell.in_process && !tm_lock_device(&cell, &cell.device_index, arena, diag)) ||
        !tm_judge_cell(&cell, &outcome, arena, diag))
        goto out;
    if (table->synthesized)
        tm_outcome_flag(&outcome, "SYNTHESIZED");
    if (cell.trace_path && !tm_outcome_write(&cell, tm_evaluator_for(table), &outcome, arena, diag))
        goto out;
    if (!outcome.is_printed)
        tm_outcome_print(&cell, &outcome);
    if (!cell.trace_path)
        fputs(tm_text_get(&outcome.log), stdout);
    status = cell.trace_path || outcome.status == TM_STATUS_PASSED ? 0 : 1;
out:
    tm_diag_print(diag, TM_DIAG_WARNING, stderr);
    tm_outcome_free(&outcome);
    tm_arena_destroy(arena);
    return status;
}
