#include "reports/diff.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* How early a verdict is read. */
static int rank_of(tm_gate_verdict verdict) {
    switch (verdict) {
    case TM_GATE_REGRESSED:
    case TM_GATE_FIXED:
        return 0;
    case TM_GATE_SLOWER:
    case TM_GATE_FASTER:
    case TM_GATE_AMBIGUOUS:
        return 1;
    case TM_GATE_NEW:
    case TM_GATE_GONE:
        return 2;
    case TM_GATE_SAME:
        return 3;
    default:
        return 4;
    }
}

static double size_of(double ratio) {
    return ratio > 0.0 ? fabs(log(ratio)) : 0.0;
}

static int compare_sizes(double left, double right) {
    double a = size_of(left), b = size_of(right);
    return (a < b) - (a > b);
}

static int compare_cells(const void *left_pointer, const void *right_pointer) {
    const tm_diff_cell *left = left_pointer, *right = right_pointer;
    int order = rank_of(left->verdict) - rank_of(right->verdict);
    if (order == 0)
        order = compare_sizes(left->ratio, right->ratio);
    if (order == 0)
        order = (left->cell > right->cell) - (left->cell < right->cell); /* the gate's */
    return order;
}

static int compare_names(const void *left_pointer, const void *right_pointer) {
    const tm_gate_cell *left = (*(const tm_diff_cell *const *)left_pointer)->cell;
    const tm_gate_cell *right = (*(const tm_diff_cell *const *)right_pointer)->cell;
    int order = strcmp(left->definition, right->definition);
    return order != 0 ? order : strcmp(left->solution, right->solution);
}

static int compare_solutions(const void *left_pointer, const void *right_pointer) {
    const tm_diff_solution *left = left_pointer, *right = right_pointer;
    int order = compare_sizes(left->ratio, right->ratio);
    if (order == 0)
        order = strcmp(left->definition, right->definition);
    return order != 0 ? order : strcmp(left->solution, right->solution);
}

static void add_solutions(tm_arena *arena, tm_diff *diff) {
    const tm_diff_cell **cells = tm_arena_array(arena, diff->count, sizeof(*cells));
    size_t count = 0;
    for (size_t i = 0; i < diff->count; i++)
        if (diff->cells[i].ratio > 0.0)
            cells[count++] = &diff->cells[i];
    if (count > 0)
        qsort(cells, count, sizeof(*cells), compare_names);
    tm_diff_solution *solutions = tm_arena_array(arena, count, sizeof(*solutions));
    double all = 0.0;
    for (size_t begin = 0, end; begin < count; begin = end) {
        double sum = 0.0;
        for (end = begin; end < count && compare_names(&cells[begin], &cells[end]) == 0; end++)
            sum += log(cells[end]->ratio);
        const tm_gate_cell *first = cells[begin]->cell;
        solutions[diff->solution_count++] = (tm_diff_solution){
            first->definition, first->solution, end - begin, exp(sum / (double)(end - begin))};
        all += sum;
    }
    if (count > 0)
        qsort(solutions, diff->solution_count, sizeof(*solutions), compare_solutions);
    diff->solutions = solutions;
    diff->compared = count;
    diff->ratio = count > 0 ? exp(all / (double)count) : 0.0;
}

tm_diff tm_diff_make(tm_arena *arena, const tm_gate *gate) {
    tm_diff diff = {.gate = gate};
    tm_diff_cell *cells = tm_arena_array(arena, gate->count, sizeof(*cells));
    for (size_t i = 0; i < gate->count; i++) {
        const tm_gate_cell *cell = &gate->cells[i];
        bool is_absent = cell->cell != NULL && cell->cell->state == TM_MODEL_NOT_RUN;
        if (is_absent && cell->before == NULL)
            continue; /* in neither */
        bool has_both = cell->before_ms > 0.0 && cell->after_ms > 0.0;
        cells[diff.count++] = (tm_diff_cell){cell, is_absent ? TM_GATE_GONE : cell->verdict,
                                             has_both ? cell->after_ms / cell->before_ms : 0.0};
    }
    if (diff.count > 0)
        qsort(cells, diff.count, sizeof(*cells), compare_cells);
    for (size_t i = 0; i < diff.count; i++)
        diff.by_verdict[cells[i].verdict]++;
    diff.cells = cells;
    add_solutions(arena, &diff);
    return diff;
}
