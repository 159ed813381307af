/* match: the rule by which a family source says which definitions it covers.
 *
 * A tensor is written "x: float16|bfloat16[M, K]", a 0-D one "x: float32[]", a scalar "x: float32".
 * The rule is exact: names, order, dtypes, ranks and axis names all have to agree.
 * Deliberately does not know solutions or globs. */
#ifndef TM_MATCH_H
#define TM_MATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/definition.h"
#include "lib/node.h"

/* One tensor of a rule. */
typedef struct {
    const char *name;
    unsigned dtypes; /* bit set of 1u << tm_dtype */
    bool is_scalar;
    int rank;
    const char *axes[TM_MAX_RANK]; /* axis names */
} tm_match_tensor;

/* Which definitions a family source covers, exactly: operator, and each tensor in order. */
typedef struct {
    const char *op_type;
    tm_match_tensor tensors[TM_MAX_TENSORS]; /* inputs, then outputs */
    size_t input_count, output_count;
} tm_match;

/* Reads {"op_type": ..., "inputs": [...], "outputs": [...]}; `where` is its path in messages. NULL
 * after appending at least one error. Lives in the reader's arena. */
const tm_match *tm_match_parse(tm_node_reader *reader, const tm_node *node, const char *where);

/* Whether the definition's operator and every tensor are exactly as the rule says. */
bool tm_match_covers(const tm_match *match, const tm_definition *definition);

#endif
