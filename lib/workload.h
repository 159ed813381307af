/* workload: one concrete size and data of a definition (a row of a FlashInfer-Trace JSONL file).
 *
 * Deliberately does not know: how random values are drawn, or whether a blob is on disk. */
#ifndef TM_WORKLOAD_H
#define TM_WORKLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/definition.h"
#include "lib/node.h"

typedef enum {
    TM_INPUT_RANDOM,
    TM_INPUT_SCALAR,
    TM_INPUT_SAFETENSORS,
    TM_INPUT_ABSENT /* an optional tensor that the row does not list: a null pointer */
} tm_input_kind;

typedef struct {
    tm_input_kind kind;
    double number;    /* TM_INPUT_SCALAR of a floating dtype */
    int64_t integer;  /* TM_INPUT_SCALAR of an integer or bool dtype */
    const char *path; /* TM_INPUT_SAFETENSORS: relative to the dataset's root, without "./" */
    const char *tensor_key;
    tm_place place;
} tm_input;

typedef struct {
    const tm_definition *definition;
    const char *uuid;
    int64_t axes[TM_MAX_AXES];       /* in the definition's axis order, const axes filled in */
    tm_input inputs[TM_MAX_TENSORS]; /* in the definition's input order */
    const tm_node *node;             /* the "workload" object as read */
} tm_workload;

/* The name of the definition a row is for, or NULL after appending an error. */
const char *tm_workload_row_definition(tm_node_reader *reader, const tm_node *row);
/* Validates a row against its definition. An input that is not listed is random, but a scalar
 * (shape null) has to be given, also one marked optional: what is passed by value cannot be absent.
 * Sizes whose bytes overflow are an error, so tm_workload_bytes succeeds on a result. NULL after
 * appending at least one error. */
const tm_workload *tm_workload_parse(tm_node_reader *reader, const tm_node *row,
                                     const tm_definition *definition);

/* Bytes of all inputs and outputs together; false on overflow. */
bool tm_workload_bytes(const tm_workload *workload, size_t *bytes);

#endif
