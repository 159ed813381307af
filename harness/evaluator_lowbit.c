/* evaluator_lowbit: the elementwise rule for operators that compute in a few bits: 95 % of an
 * output's elements must match unless the configuration gives another ratio. */
#include <string.h>

#include "harness/evaluator.h"

#define LOWBIT_RATIO 0.95

static bool claims(const tm_table *table) {
    return strstr(table->definition, "moe_fp8_block_scale") ||
           strcmp(table->op_type, "lowbit") == 0;
}

static void judge(const tm_table *table, const tm_config *config, tm_inputs *inputs,
                  void *const *expected, void *const *actual, tm_verdict *verdict) {
    (void)inputs;
    double ratio = config->has_matched_ratio ? config->required_matched_ratio : LOWBIT_RATIO;
    tm_evaluator_elementwise(table, config, ratio, expected, actual, verdict);
}

const tm_evaluator tm_evaluator_lowbit = {
    .name = "lowbit", .by_element = true, .claims = claims, .judge = judge};
