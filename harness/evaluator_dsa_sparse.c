/* evaluator_dsa_sparse: the elementwise rule for sparse attention (dsa_sparse_attention_*). Its
 * second output, the log-sum-exp, may be missing where a solution returns values; a solution that
 * gets a buffer for it must fill it, and one that leaves all of it unwritten is told so. */
#include <stdio.h>
#include <string.h>

#include "harness/evaluator.h"

static bool claims(const tm_table *table) {
    return strncmp(table->definition, "dsa_sparse_attention_", strlen("dsa_sparse_attention_")) ==
           0;
}

/* All ones or nearly so: what the worker fills outputs with before a call. */
static bool is_unwritten(const tm_table_tensor *tensor, const void *data) {
    const unsigned char *bytes = data;
    size_t count = 0;
    int64_t elems = 1;
    for (int i = 0; i < tensor->rank; i++)
        elems *= tensor->shape[i];
    if (elems == 0 || !tm_dtype_bytes(tensor->dtype, elems, &count))
        return false;
    for (size_t i = 0; i < count; i++)
        if (bytes[i] < 0xfe)
            return false;
    return true;
}

static void judge(const tm_table *table, const tm_config *config, tm_inputs *inputs,
                  void *const *expected, void *const *actual, tm_verdict *verdict) {
    (void)inputs;
    double ratio = config->has_matched_ratio ? config->required_matched_ratio : 1.0;
    tm_table given = *table;
    if (given.output_count == 2 && !actual[1])
        given.output_count = 1;
    tm_evaluator_elementwise(&given, config, ratio, expected, actual, verdict);
    const tm_table_tensor *lse = &table->tensors[table->input_count + 1];
    if (verdict->status == TM_STATUS_INCORRECT_NUMERICAL && given.output_count == 2 &&
        !is_unwritten(lse - 1, actual[0]) && is_unwritten(lse, actual[1]))
        snprintf(verdict->reason, sizeof verdict->reason,
                 "%s: expected the log-sum-exp of each row and head, got nothing: it was left "
                 "unwritten",
                 lse->name);
}

const tm_evaluator tm_evaluator_dsa_sparse = {
    .name = "dsa_sparse_attention", .by_element = true, .claims = claims, .judge = judge};
