/* score: what a set of cells amounts to.
 *
 * flashinfer-bench's *best* of a definition is one trace: the largest speedup among PASSED ones
 * with both errors <= 1e-2. Taken literally that says little here: max_relative_error divides by
 * |y| + 1e-8, so one element near zero lifts it above 1e-2 in cells that pass by a wide margin, and
 * one lucky workload decides. It is computed (best_flashinfer) for people who compare with
 * flashinfer-bench; what the reports mark is the best over the whole definition: of the solutions
 * that are complete (every cell PASSED, VOID ones aside), the one with the highest geometric mean
 * speedup. A failed cell takes its solution out, as upstream sets all its scores to 0. Deliberately
 * does not know files or formats. */
#ifndef TM_REPORTS_SCORE_H
#define TM_REPORTS_SCORE_H

#include <stdbool.h>
#include <stddef.h>

#include "reports/model.h"

/* Both errors of a cell that flashinfer-bench's best may choose. */
#define TM_SCORE_MAX_ERROR 1e-2

/* Counts and sums of `count` cells. */
tm_score tm_score_cells(const tm_model_cell *cells, size_t count);
/* Adds `more` to `score`. */
void tm_score_add(tm_score *score, const tm_score *more);

/* Cells that ran and neither PASSED nor were VOID. */
size_t tm_score_failed(const tm_score *score);
/* At least one PASSED, every other one VOID. */
bool tm_score_complete(const tm_score *score);
/* Geometric mean of latency (ms) and of speedup, arithmetic mean of speedup; 0 for no cell. */
double tm_score_latency_ms(const tm_score *score);
double tm_score_speedup(const tm_score *score);
double tm_score_mean_speedup(const tm_score *score);
/* How near a cell comes to the physical limit of its row, in per cent; 0: not known. */
double tm_score_percent(const tm_model_cell *cell);
/* Its geometric mean; 0 for no cell. */
double tm_score_mean_percent(const tm_score *score);

/* Index of the best solution, or -1. Without a timed reference the lowest geometric mean latency
 * decides; the first of equals wins. */
int tm_score_best(const tm_model_solution *solutions, size_t count);
/* flashinfer-bench's best, of all traces of all cells. One without a timed reference has speedup 0
 * and cannot win; the first of equals does. */
tm_model_best_trace tm_score_best_flashinfer(const tm_model_definition *definition);
/* Sets both of a definition whose solutions have their scores. */
void tm_score_settle(tm_model_definition *definition);

#endif
