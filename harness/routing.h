/* routing: which experts the tokens of a row have, where the row's blobs say so: least bytes and
 * operations of a mixture of experts can count them (floor.h).
 *
 * Knows DeepSeek's groups, choices by logits alone, and ids that were packed before. Deliberately
 * does not know bytes, rates, or what experts compute. */
#ifndef TM_ROUTING_H
#define TM_ROUTING_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/inputs.h"
#include "harness/table.h"

typedef struct {
    int64_t tokens;  /* that have an expert on this device */
    int64_t experts; /* on this device, that a token has */
    int64_t pairs;   /* of a token and an expert of it on this device */
} tm_routing_count;

typedef struct {
    tm_routing_count chosen; /* by the family's mathematics; of equal scores the lower index */
    tm_routing_count sure;   /* of these, what no rounding makes another one, nor leaves without
                                weight: an honest kernel may choose and weigh in its own way */
} tm_routing;

/* The experts a token has, by axis or by the definition's name; -1: neither says it. */
int64_t tm_routing_top_k(const tm_table *table);

/* False when nothing is known: the choice is no blob's, cannot be read, or its rule is not known.
 */
bool tm_routing_of(const tm_table *table, tm_inputs *inputs, tm_routing *out);

#endif
