/* evaluator: decides whether outputs are right. One file per rule, one line in the registry below.
 *
 * Runs in the judge, on host memory. Deliberately does not know workers or time. */
#ifndef TM_EVALUATOR_H
#define TM_EVALUATOR_H

#include <stdbool.h>

#include "harness/inputs.h"
#include "harness/table.h"
#include "lib/config.h"
#include "lib/json.h"
#include "lib/trace.h"

#define TM_EVALUATOR_MAX_OUTPUTS 16

/* Largest errors over everything compared so far, and the verdict of the worst output. */
typedef struct {
    tm_status status;          /* TM_STATUS_PASSED until something is wrong */
    char reason[512];          /* one line, "" while right */
    double max_absolute_error; /* infinite where an infinity or NaN is wrong */
    double max_relative_error;
    double matched_ratio;                         /* the lowest of any output; 1 when all match */
    double relative_l2[TM_EVALUATOR_MAX_OUTPUTS]; /* per output: |x - y| / |y|, the largest */
    int64_t compared_elems;
    /* Of samples: total variation distance of each row, in the order of the batch; NULL: none. */
    double *tvds;
    size_t tvd_count;
    double tvd_limit;                         /* the largest that is passed */
    int64_t sampling_rounds, samples_per_row; /* calls of the row's own size; of all others */
    int64_t sampling_repeats;                 /* how often the batch is in one of the others */
} tm_verdict;

/* Samples of many calls on the same inputs, counted: [rows][vocabulary + 1], the last of a row
 * being those outside of the vocabulary. */
typedef struct {
    int64_t first, rows; /* these rows of the batch */
    int64_t vocabulary;
    int64_t samples;  /* of each row */
    bool is_own_size; /* of calls as they are timed, not of a batch that is repeated */
    const uint32_t *cells;
} tm_sample_counts;

/* What an evaluator of samples has to say beside judging calls. A row of the output is a sample of
 * the row of the same number in every input. */
typedef struct {
    const char *batch_axis;
    /* Size of the batch and of the vocabulary; false: not the tensors of such an operator. */
    bool (*shape)(const tm_table *table, int64_t *rows, int64_t *vocabulary);
    void (*judge)(const tm_table *table, const tm_config *config, tm_inputs *inputs,
                  const tm_sample_counts *counts, tm_verdict *verdict);
} tm_sampling_rule;

typedef struct {
    const char *name;
    bool by_element; /* parts of outputs can be judged by themselves */
    bool (*claims)(const tm_table *table);
    /* `expected` and `actual` hold one pointer per output, in definition order. `inputs` are those
     * of the call, made when they are asked for; an evaluator by element gets NULL from
     * controls.h. */
    void (*judge)(const tm_table *table, const tm_config *config, tm_inputs *inputs,
                  void *const *expected, void *const *actual, tm_verdict *verdict);
    const tm_sampling_rule *sampling; /* NULL: outputs are no samples */
} tm_evaluator;

const tm_evaluator *tm_evaluator_for(const tm_table *table);
/* A verdict with nothing compared yet; freed by tm_verdict_end. */
void tm_verdict_begin(tm_verdict *verdict);
void tm_verdict_end(tm_verdict *verdict);
/* Adds what another comparison by element came to; the first failure stays. */
void tm_verdict_add(tm_verdict *verdict, const tm_verdict *other);
/* The `correctness.extra` of a verdict. Caller owns it. */
tm_json *tm_verdict_extra(const tm_verdict *verdict, const tm_table *table,
                          const tm_evaluator *evaluator);

/* No verdict, for want of what the reason says. */
void tm_verdict_void(tm_verdict *verdict, const char *reason);

/* The registry: the first that claims a definition judges it; the last claims all. */
#define TM_EVALUATORS(evaluator)                                                    \
    evaluator(lowbit) evaluator(sampling) evaluator(dsa_topk) evaluator(dsa_sparse) \
        evaluator(default)
#define TM_EVALUATOR_DECLARE(name) extern const tm_evaluator tm_evaluator_##name;
TM_EVALUATORS(TM_EVALUATOR_DECLARE)

/* The elementwise rule (docs/MEASUREMENT.md): an element is bad when |x-y| > atol and
 * |x-y| / (|y| + 1e-8) > rtol; NaN matches only NaN, an infinity only itself; integers and bools
 * are compared exactly. Fails when less than `ratio` of an output's elements match, or when its
 * relative L2 error exceeds the configuration's max_relative_l2. */
void tm_evaluator_elementwise(const tm_table *table, const tm_config *config, double ratio,
                              void *const *expected, void *const *actual, tm_verdict *verdict);

#endif
