/* table: what a generated harness executable knows about its workload, as plain C data.
 *
 * tm-gen writes one table per workload and links it with the judge. */
#ifndef TM_TABLE_H
#define TM_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/dtype.h"

#define TM_TABLE_MAX_RANK 8

typedef struct {
    const char *name;
    int64_t value;
    bool is_const;
} tm_table_axis;

typedef enum {
    TM_FILL_RANDOM,
    TM_FILL_SCALAR,
    TM_FILL_BLOB,
    TM_FILL_ABSENT, /* an optional input that the row does not give: a null pointer */
    TM_FILL_OUTPUT
} tm_fill;

typedef struct {
    const char *name;
    tm_dtype dtype;
    bool is_scalar;
    int rank;
    int64_t shape[TM_TABLE_MAX_RANK];
    tm_fill fill;
    int64_t integer;        /* TM_FILL_SCALAR of an integer dtype */
    double number;          /* TM_FILL_SCALAR of a floating dtype */
    const char *path;       /* TM_FILL_BLOB: relative to the folder where ninja runs */
    const char *tensor_key; /* TM_FILL_BLOB */
} tm_table_tensor;

typedef struct {
    const char *definition;
    const char *op_type;
    const char *signature; /* tm_definition_signature of the definition */
    const char *uuid;
    const char *workload;  /* the workload object as JSON text */
    const char *reference; /* name of the native reference */
    bool synthesized;      /* its blobs are not the dataset's: --synthesize-blobs */
    const tm_table_axis *axes;
    size_t axis_count;
    const tm_table_tensor *tensors; /* inputs, then outputs */
    size_t input_count, output_count;
} tm_table;

/* The whole program: judges the solution named on the command line. Returns the exit status. */
int tm_judge_main(const tm_table *table, int argc, char **argv);

#endif
