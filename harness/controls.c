#include "harness/controls.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/evaluator.h"

#define CHUNK_ELEMS 4096
#define LARGEST_EXPONENT 3
#define SMALLEST_EXPONENT (-20)

typedef struct {
    tm_table table; /* of the rows that are tried */
    const tm_config *config;
    void *const *expected;
    size_t output; /* the one that is wrong */
    int64_t elems;
    size_t bytes;
    void *wrong;
} control;

static int64_t elems_of(const tm_table_tensor *tensor) {
    int64_t elems = 1;
    for (int i = 0; i < tensor->rank; i++)
        elems *= tensor->shape[i];
    return elems;
}

static const tm_table_tensor *output_of(const control *c) {
    return &c->table.tensors[c->table.input_count + c->output];
}

/* Leaves about TM_CONTROLS_MAX_ELEMS from the front: the outer axes are cut first, so that what is
 * left lies together. */
static void cut(tm_table_tensor *tensor) {
    for (int i = 0; i < tensor->rank && elems_of(tensor) > TM_CONTROLS_MAX_ELEMS; i++) {
        int64_t inner = elems_of(tensor) / tensor->shape[i];
        int64_t rows = TM_CONTROLS_MAX_ELEMS / inner;
        tensor->shape[i] = rows > 1 ? rows : 1;
    }
}

static bool passes(const control *c) {
    void *actual[TM_EVALUATOR_MAX_OUTPUTS];
    tm_verdict verdict;
    memcpy(actual, c->expected, c->table.output_count * sizeof *actual);
    actual[c->output] = c->wrong;
    tm_verdict_begin(&verdict);
    tm_evaluator_for(&c->table)->judge(&c->table, c->config, NULL, c->expected, actual, &verdict);
    return verdict.status == TM_STATUS_PASSED;
}

/* expected * factor + shift, rounded to the dtype. */
static bool passes_changed(const control *c, double factor, double shift) {
    float values[CHUNK_ELEMS];
    tm_dtype dtype = output_of(c)->dtype;
    for (int64_t begin = 0; begin < c->elems; begin += CHUNK_ELEMS) {
        int64_t left = c->elems - begin, count = left < CHUNK_ELEMS ? left : CHUNK_ELEMS;
        tm_dtype_read_floats(dtype, c->expected[c->output], begin, count, values);
        for (int64_t i = 0; i < count; i++)
            values[i] = (float)(factor == 0 ? shift : values[i] * factor + shift);
        tm_dtype_write_floats(dtype, c->wrong, begin, count, values);
    }
    return passes(c);
}

static bool passes_zeros(const control *c) {
    memset(c->wrong, 0, c->bytes);
    return passes(c);
}

static bool passes_mean(const control *c) {
    float values[CHUNK_ELEMS];
    double sum = 0;
    int64_t finite = 0;
    for (int64_t begin = 0; begin < c->elems; begin += CHUNK_ELEMS) {
        int64_t left = c->elems - begin, count = left < CHUNK_ELEMS ? left : CHUNK_ELEMS;
        tm_dtype_read_floats(output_of(c)->dtype, c->expected[c->output], begin, count, values);
        for (int64_t i = 0; i < count; i++)
            if (isfinite(values[i])) {
                sum += values[i];
                finite++;
            }
    }
    return passes_changed(c, 0, finite ? sum / (double)finite : 0);
}

static bool passes_dropped_tail(const control *c) {
    int bits = tm_dtype_bits(output_of(c)->dtype);
    size_t kept = (size_t)(c->elems - (c->elems + 7) / 8) * (size_t)bits / 8;
    memcpy(c->wrong, c->expected[c->output], kept);
    memset((char *)c->wrong + kept, 0, c->bytes - kept);
    return passes(c);
}

/* The largest 2^k with which the scaled answer passes, by bisection: what passes with one scale
 * passes with a smaller one. */
static double largest_scale(const control *c) {
    int good = SMALLEST_EXPONENT - 1, bad = LARGEST_EXPONENT + 1;
    while (bad - good > 1) {
        int middle = good + (bad - good) / 2;
        if (passes_changed(c, 1 + ldexp(1, middle), 0))
            good = middle;
        else
            bad = middle;
    }
    return good < SMALLEST_EXPONENT ? 0 : ldexp(1, good);
}

/* NULL when nothing passes. */
static tm_json *weakness(const control *c) {
    const tm_table_tensor *tensor = output_of(c);
    bool is_float = tm_dtype_is_float(tensor->dtype), several = c->elems > 1, weak = false;
    const struct {
        const char *name;
        bool passed;
    } tried[] = {
        {"zeros", passes_zeros(c)},
        {"mean", is_float && several && passes_mean(c)},
        {"dropped tail", several && passes_dropped_tail(c)},
        {"x 1.1", is_float && passes_changed(c, 1.1, 0)},
    };
    tm_json *names = tm_json_array();
    for (size_t i = 0; i < sizeof tried / sizeof *tried; i++)
        if (tried[i].passed) {
            tm_json_push_string(names, tried[i].name);
            weak = true;
        }
    if (!weak) {
        tm_json_free(names);
        return NULL;
    }
    tm_json *row = tm_json_object();
    tm_json_set_string(row, "output", tensor->name);
    tm_json_set(row, "passes", names);
    if (is_float)
        tm_json_set_number(row, "scale", largest_scale(c));
    return row;
}

tm_json *tm_controls_weak(const tm_table *table, const tm_config *config, void *const *expected) {
    tm_json *weak = tm_json_array();
    control c = {.table = *table, .config = config, .expected = expected};
    size_t inputs = table->input_count;
    if (table->output_count > TM_EVALUATOR_MAX_OUTPUTS)
        return weak;
    /* Inputs are no part of a verdict; outputs are looked for behind them. */
    tm_table_tensor *tensors = malloc((inputs + table->output_count) * sizeof *tensors);
    if (!tensors)
        abort();
    memcpy(tensors, table->tensors, (inputs + table->output_count) * sizeof *tensors);
    for (size_t i = 0; i < table->output_count; i++)
        cut(&tensors[inputs + i]);
    c.table.tensors = tensors;
    for (c.output = 0; c.output < table->output_count; c.output++) {
        const tm_table_tensor *tensor = &tensors[inputs + c.output];
        c.elems = elems_of(tensor);
        if (c.elems == 0 || !tm_dtype_bytes(tensor->dtype, c.elems, &c.bytes))
            continue;
        c.wrong = malloc(c.bytes);
        if (!c.wrong)
            abort();
        tm_json *row = weakness(&c);
        if (row)
            tm_json_push(weak, row);
        free(c.wrong);
    }
    free(tensors);
    return weak;
}
