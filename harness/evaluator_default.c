/* evaluator_default: the elementwise rule; every element must match unless the configuration gives
 * a required_matched_ratio. */
#include "harness/evaluator.h"

static bool claims(const tm_table *table) {
    (void)table;
    return true;
}

static void judge(const tm_table *table, const tm_config *config, tm_inputs *inputs,
                  void *const *expected, void *const *actual, tm_verdict *verdict) {
    (void)inputs;
    double ratio = config->has_matched_ratio ? config->required_matched_ratio : 1.0;
    tm_evaluator_elementwise(table, config, ratio, expected, actual, verdict);
}

const tm_evaluator tm_evaluator_default = {
    .name = "default", .by_element = true, .claims = claims, .judge = judge};
