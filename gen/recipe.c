#include "gen/recipe.h"

#include <inttypes.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "lib/field.h"
#include "lib/random.h"
#include "lib/text.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define DEFAULT_SKEW 0.8

/* One line for each file of rules. */
static const tm_recipe_rule *const registry[] = {
    tm_recipe_attention, tm_recipe_dsa,  tm_recipe_moe,
    tm_recipe_recurrent, tm_recipe_rope, tm_recipe_sampling,
};

int64_t tm_recipe_axis(const tm_recipe *recipe, const char *name, int64_t otherwise) {
    for (size_t i = 0; i < recipe->axis_count; i++)
        if (strcmp(recipe->axis_names[i], name) == 0)
            return recipe->axis_values[i];
    return otherwise;
}

const tm_recipe_tensor *tm_recipe_find(const tm_recipe *recipe, const char *name) {
    for (size_t i = 0; i < recipe->tensor_count; i++)
        if (strcmp(recipe->tensors[i].name, name) == 0)
            return &recipe->tensors[i];
    return NULL;
}

tm_draw tm_recipe_draw(const tm_recipe *recipe, const char *what) {
    return tm_draw_start(recipe->options.seed, what);
}

static void read_integer(tm_node_reader *reader, const tm_node *node, const char *where,
                         int64_t *out) {
    if (node->type == TM_NODE_NUMBER && node->is_integer && node->integer >= 0)
        *out = node->integer;
    else
        tm_diag_error(reader->diag, node->place, where,
                      "expected an integer >= 0, got %s; write one in digits only",
                      tm_node_describe(reader->arena, node));
}

static void read_number(tm_node_reader *reader, const tm_node *node, const char *where,
                        double least, double most, double *out) {
    if (node->type == TM_NODE_NUMBER && node->number >= least && node->number <= most)
        *out = node->number;
    else
        tm_diag_error(reader->diag, node->place, where,
                      "expected a number from %g to %g, got %s; write one of these", least, most,
                      tm_node_describe(reader->arena, node));
}

bool tm_recipe_parse_options(tm_node_reader *reader, const tm_node *node, const char *where,
                             tm_recipe_options *options) {
    static const char *const known[] = {"seed", "skew", "padding", "rope_theta"};
    size_t errors = tm_diag_count(reader->diag, TM_DIAG_ERROR);
    if (node->type != TM_NODE_OBJECT) {
        tm_diag_error(reader->diag, node->place, where,
                      "expected an object of options such as {\"seed\": 1}, got %s; write one",
                      tm_node_describe(reader->arena, node));
        return false;
    }
    tm_node_only(reader, node, where, known, COUNT(known));
    const tm_node *seed = tm_node_get(node, "seed"), *skew = tm_node_get(node, "skew");
    const tm_node *padding = tm_node_get(node, "padding");
    const tm_node *theta = tm_node_get(node, "rope_theta");
    if (seed)
        read_integer(reader, seed, tm_field_join(reader->arena, where, "seed"), &options->seed);
    if (skew)
        read_number(reader, skew, tm_field_join(reader->arena, where, "skew"), 0, 4,
                    &options->skew);
    if (padding)
        read_integer(reader, padding, tm_field_join(reader->arena, where, "padding"),
                     &options->padding);
    if (theta)
        read_number(reader, theta, tm_field_join(reader->arena, where, "rope_theta"), 1, 1e12,
                    &options->rope_theta);
    return tm_diag_count(reader->diag, TM_DIAG_ERROR) == errors;
}

tm_recipe_options tm_recipe_defaults(const char *uuid) {
    /* Positive, so that it can be written. */
    return (tm_recipe_options){.seed = (int64_t)(tm_text_hash(TM_TEXT_HASH_START, uuid) >> 1),
                               .skew = DEFAULT_SKEW,
                               .rope_theta = TM_RECIPE_ROPE_THETA};
}

static const tm_recipe_rule *find_rule(const tm_recipe *recipe, const tm_recipe_tensor *tensor) {
    bool is_float = tm_dtype_is_float(tensor->dtype);
    for (size_t i = 0; i < COUNT(registry); i++)
        for (const tm_recipe_rule *rule = registry[i]; rule->tensors; rule++)
            if ((is_float ? rule->floats != NULL : rule->ints != NULL) &&
                tm_text_matches(rule->op_types, recipe->op_type) &&
                tm_text_matches(rule->tensors, tensor->name))
                return rule;
    return NULL;
}

const char *tm_recipe_check(const tm_recipe *recipe) {
    for (size_t i = 0; i < recipe->tensor_count; i++) {
        const tm_recipe_tensor *tensor = &recipe->tensors[i];
        if (!tensor->made)
            continue;
        const tm_recipe_rule *rule = find_rule(recipe, tensor);
        if (!rule && !tm_dtype_is_float(tensor->dtype))
            return tm_arena_format(recipe->arena,
                                   "no recipe makes values for \"%s\" (%s) of op_type %s",
                                   tensor->name, tm_dtype_name(tensor->dtype), recipe->op_type);
        const char *why = rule && rule->check ? rule->check(recipe, tensor) : NULL;
        if (why)
            return why;
    }
    return NULL;
}

/* As random inputs are, docs/FORMATS.md. */
static void fill_normal(const tm_recipe *recipe, const tm_recipe_tensor *tensor, float *values) {
    tm_draw draw = tm_recipe_draw(recipe, tensor->name);
    bool narrow = tm_dtype_bits(tensor->dtype) <= 8;
    for (int64_t begin = 0; begin < tensor->elems; begin += TM_RANDOM_BLOCK) {
        uint64_t bits[TM_RANDOM_BLOCK];
        tm_random_block4(draw.seed, draw.stream, TM_DTYPE_FLOAT32,
                         (uint64_t)begin / TM_RANDOM_BLOCK, bits);
        for (int64_t i = 0; i < TM_RANDOM_BLOCK && begin + i < tensor->elems; i++) {
            float value = tm_convert_bits_float((uint32_t)bits[i]);
            values[begin + i] = narrow ? tm_random_clamp(value) : value;
        }
    }
}

/* Stored little-endian, in the width of the dtype. */
static bool store_ints(const tm_recipe *recipe, const tm_recipe_tensor *tensor,
                       const int64_t *values, void *data, const char **error) {
    int bits = tm_dtype_bits(tensor->dtype);
    int64_t most = tensor->dtype == TM_DTYPE_BOOL ? 1 : INT64_MAX >> (64 - bits);
    int64_t least = tensor->dtype == TM_DTYPE_BOOL ? 0 : -most - 1;
    size_t bytes = (size_t)bits / 8;
    for (int64_t i = 0; i < tensor->elems; i++) {
        if (values[i] < least || values[i] > most) {
            *error = tm_arena_format(recipe->arena,
                                     "%s[%" PRId64 "]: expected a value of %s, got %" PRId64,
                                     tensor->name, i, tm_dtype_name(tensor->dtype), values[i]);
            return false;
        }
        memcpy((char *)data + (size_t)i * bytes, &values[i], bytes);
    }
    return true;
}

bool tm_recipe_fill(const tm_recipe *recipe, const tm_recipe_tensor *tensor, void *data,
                    const char **error) {
    const tm_recipe_rule *rule = find_rule(recipe, tensor);
    if (!tm_dtype_is_float(tensor->dtype)) {
        int64_t *values = tm_arena_array(recipe->arena, (size_t)tensor->elems, sizeof *values);
        rule->ints(recipe, tensor, values);
        return store_ints(recipe, tensor, values, data, error);
    }
    float *values = tm_arena_array(recipe->arena, (size_t)tensor->elems, sizeof *values);
    if (rule)
        rule->floats(recipe, tensor, values);
    else
        fill_normal(recipe, tensor, values);
    tm_dtype_write_floats(tensor->dtype, data, 0, tensor->elems, values);
    return true;
}
