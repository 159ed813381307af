/* variants: the table of macro values that makes several solutions of one (`tracemill.variants`).
 *
 * Either macro -> values, which gives every combination, or a list of rows. Deliberately does not
 * know compilers, or which definitions a solution is for. */
#ifndef TM_VARIANTS_H
#define TM_VARIANTS_H

#include <stddef.h>

#include "lib/node.h"

#define TM_MAX_VARIANTS 256         /* of one solution; more is an error with position */
#define TM_MAX_VARIANT_MACROS 16    /* of one variant */
#define TM_VARIANT_SUFFIX_BYTES 120 /* a solution's name becomes the name of a file */

/* A macro and what it is defined as. */
typedef struct {
    const char *name;    /* a C identifier that does not begin with TM_ */
    const char *value;   /* letters, digits, "_", "." and "-" */
    const tm_node *node; /* the value as written */
} tm_macro;

typedef struct {
    const char *suffix; /* "+TILE_M=64+STAGES=2": what its name has behind that of its base */
    const tm_macro *macros;
    size_t macro_count;
} tm_variant;

/* Reads a table; `where` is its path in messages. NULL and 0 after appending at least one error,
 * else distinct variants in the order of the table, the last macro of a product fastest. Lives in
 * the reader's arena. */
const tm_variant *tm_variants_parse(tm_node_reader *reader, const tm_node *node, const char *where,
                                    size_t *count);

#endif
