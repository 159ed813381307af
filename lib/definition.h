/* definition: the mathematics and shapes of one operator (FlashInfer-Trace Definition).
 *
 * Knows: axes, tensors, constants, the order that makes the ABI. Keeps but does not evaluate the
 * Python `reference` and `constraints`. */
#ifndef TM_DEFINITION_H
#define TM_DEFINITION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/arena.h"
#include "lib/diag.h"
#include "lib/dtype.h"
#include "lib/node.h"

#define TM_MAX_AXES 32    /* per definition; more is an error with position */
#define TM_MAX_TENSORS 48 /* inputs and outputs together */
#define TM_MAX_RANK 8
#define TM_MAX_CONSTANTS 16

typedef struct {
    const char *name; /* a C identifier: it becomes a macro and a struct member */
    bool is_const;
    int64_t value;           /* of a const axis, >= 0 */
    const char *description; /* or NULL */
} tm_axis;

typedef struct {
    const char *name; /* a C identifier */
    tm_dtype dtype;
    bool is_scalar; /* shape null: passed by value; a 0-D tensor has rank 0 and is no scalar */
    bool optional;  /* as written; changes nothing here */
    int rank;
    int axes[TM_MAX_RANK];   /* indices into the definition's axes */
    const char *description; /* or NULL */
} tm_tensor;

/* A number hidden in the reference code, such as eps; a C identifier and its value. */
typedef struct {
    const char *name;
    double value;
} tm_constant;

typedef struct {
    const char *name;
    const char *op_type;
    const char *description; /* or NULL */
    tm_axis axes[TM_MAX_AXES];
    size_t axis_count;
    tm_tensor tensors[TM_MAX_TENSORS]; /* inputs, then outputs: the order of the ABI */
    size_t input_count;
    size_t output_count;
    const char *reference;                   /* Python source */
    tm_constant constants[TM_MAX_CONSTANTS]; /* `tracemill.constants` */
    size_t constant_count;
    const tm_node *node; /* as read */
    const tm_source *source;
} tm_definition;

/* Validates a parsed file. NULL after appending at least one error; all errors of the file are
 * found in one go. Borrows from the node; lives in the reader's arena. */
const tm_definition *tm_definition_parse(tm_node_reader *reader, const tm_node *node);

/* Reads `constants` objects ({"eps": 1e-5}) of definitions and solutions. */
bool tm_constants_parse(tm_node_reader *reader, const tm_node *object, const char *where,
                        tm_constant *constants, size_t *count);

/* Index of an axis or tensor by name, or -1. */
int tm_definition_axis(const tm_definition *definition, const char *name);
int tm_definition_tensor(const tm_definition *definition, const char *name);

/* The signature as one line, equal exactly when the C ABI with run-time axes is equal:
 * "batch_size,hidden_size;hidden_states:bfloat16[batch_size,hidden_size],...->output:..." */
const char *tm_definition_signature(tm_arena *arena, const tm_definition *definition);

/* Concrete shape of a tensor for axis values in the definition's axis order; false when its size
 * overflows. `shape` holds rank entries, `elems` their product (1 for rank 0 and scalars). */
bool tm_tensor_shape(const tm_tensor *tensor, const int64_t *axis_values, int64_t *shape,
                     int64_t *elems);

#endif
