/* evaluator_dsa_sparse: the elementwise rule for sparse attention (dsa_sparse_attention_*). Its
 * second output, the log-sum-exp, may be missing where a solution returns values: then it has no
 * pointer. A solution that gets a buffer for it must fill it. */
#include <string.h>

#include "harness/evaluator.h"

static bool claims(const tm_table *table) {
    return strncmp(table->definition, "dsa_sparse_attention_", strlen("dsa_sparse_attention_")) ==
           0;
}

static void judge(const tm_table *table, const tm_config *config, tm_inputs *inputs,
                  void *const *expected, void *const *actual, tm_verdict *verdict) {
    (void)inputs;
    double ratio = config->has_matched_ratio ? config->required_matched_ratio : 1.0;
    tm_table given = *table;
    if (given.output_count == 2 && !actual[1])
        given.output_count = 1;
    tm_evaluator_elementwise(&given, config, ratio, expected, actual, verdict);
}

const tm_evaluator tm_evaluator_dsa_sparse = {
    .name = "dsa_sparse_attention", .by_element = true, .claims = claims, .judge = judge};
