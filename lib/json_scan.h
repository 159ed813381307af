/* json_scan: the JSON grammar (RFC 8259), strictly, with a place and a mend for every fault.
 *
 * Makes the nodes as it goes. Deliberately does not know the rules beyond the grammar, which are
 * json.c's: unique keys, numbers that a double can hold. */
#ifndef TM_JSON_SCAN_H
#define TM_JSON_SCAN_H

#include <stddef.h>

#include "lib/arena.h"
#include "lib/diag.h"
#include "lib/node.h"

/* Deeper nesting is an error, so that recursion stays within the stack. */
#define TM_JSON_SCAN_DEPTH_LIMIT 200
/* Longer numbers are a slip: a double has 17 digits. */
#define TM_JSON_SCAN_NUMBER_LIMIT_BYTES 63

/* The bytes [begin, end) as one JSON value and nothing else. NULL after appending one error. */
tm_node *tm_json_scan_parse(tm_arena *arena, const tm_source *source, size_t begin, size_t end,
                            tm_diag *diag);

#endif
