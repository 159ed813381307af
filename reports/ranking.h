/* ranking: authors against each other, as flashinfer-bench scores them.
 *
 * A solution's ratio on a workload is a base latency over its own. Two bases are kept apart: the
 * native reference, and the one solution of the author "baseline" for the definition. A solution
 * with a failed cell scores 0 over its whole definition. An author has one solution per definition,
 * that with the highest mean ratio; its scores are means over definitions. Deliberately does not
 * know any output format. */
#ifndef TM_REPORTS_RANKING_H
#define TM_REPORTS_RANKING_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/arena.h"
#include "reports/model.h"

extern const char tm_ranking_baseline_author[]; /* "baseline" */

/* Against one base. Without a definition to compare in, all are 0. */
typedef struct {
    size_t definitions;   /* where there was something to compare */
    double mean;          /* over definitions, of the mean ratio of the best solution there */
    double geomean;       /* over all ratios above 0 */
    double win_rate;      /* over definitions, of the share of ratios above 1 */
    double success_rate;  /* over definitions, of those in which the best solution failed no cell */
    const double *ratios; /* one per workload of those definitions; 0 where it failed; ascending */
    size_t ratio_count;
} tm_ranking_score;

typedef struct {
    const char *name;
    size_t definitions, solutions; /* with cells in the matrix */
    size_t cells, passed;          /* that have a verdict, and those that PASSED */
    tm_ranking_score reference, baseline;
} tm_ranking_author;

typedef struct {
    /* Highest mean over the baseline first, then over the reference, then by name. */
    const tm_ranking_author *authors;
    size_t author_count;
    /* Definitions with solutions, but none of "baseline"; those with several. */
    size_t no_baseline, many_baselines;
} tm_ranking;

/* Everything lives in the arena. */
tm_ranking tm_ranking_make(tm_arena *arena, const tm_model *model);
/* Of one solution against `base`; NULL: the reference. Its `definitions` is 1, or 0 when there was
 * nothing to compare. */
tm_ranking_score tm_ranking_solution(tm_arena *arena, const tm_model_definition *definition,
                                     const tm_model_solution *base, const tm_model_solution *own);
/* win@p: the share of the ratios above `p`; 0 without any. */
double tm_ranking_win_at(const tm_ranking_score *score, double p);
/* PASSED, with a latency. */
bool tm_ranking_is_timed(const tm_model_cell *cell);
/* That latency; of a cell that failed, that of another trace of it which passed; else 0. */
double tm_ranking_latency_ms(const tm_model_cell *cell);
/* The one solution of "baseline" for the definition; NULL where there is none, or several. */
const tm_model_solution *tm_ranking_baseline(const tm_model_definition *definition);
/* Latency of `base` (NULL: the reference) over that of `own` on a workload; 0 when either has none.
 */
double tm_ranking_ratio(const tm_model_solution *base, const tm_model_solution *own, size_t index);

#endif
