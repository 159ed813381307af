/* recipe: which values a row's tensors get where a safetensors file of them is made and not
 * shipped.
 *
 * A recipe is small: options that the row writes under `tracemill.recipe` (docs/FORMATS.md), the
 * row's axes, and the definition's tensors. Rules, by op_type and tensor name, turn it into values;
 * a family's rules are one file gen/recipe_<family>.c and one line of the registry in recipe.c.
 * A floating tensor without a rule is N(0,1), as random inputs are; an integer one is refused: such
 * tensors are indices, and only a rule knows of what. Deliberately does not know files. */
#ifndef TM_RECIPE_H
#define TM_RECIPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "gen/draw.h"
#include "lib/definition.h"
#include "lib/node.h"

#define TM_RECIPE_ROPE_THETA 10000.0 /* unless the row writes another */

/* What a row may write; a further option is a member here and a line of `known` in recipe.c. */
typedef struct {
    int64_t seed;      /* not written: from the row's uuid */
    double skew;       /* sigma of the log-normal distribution of lengths; 0: all alike */
    int64_t padding;   /* sequences of a batch that are none */
    double rope_theta; /* base of the frequencies of rotary embeddings */
} tm_recipe_options;

typedef struct {
    const char *name;
    tm_dtype dtype;
    int rank;
    const char *axes[TM_MAX_RANK]; /* names */
    int64_t shape[TM_MAX_RANK];
    int64_t elems;
    bool made; /* the row wants values of it */
} tm_recipe_tensor;

typedef struct {
    const char *definition, *op_type;
    const char *axis_names[TM_MAX_AXES];
    int64_t axis_values[TM_MAX_AXES];
    size_t axis_count;
    tm_recipe_tensor *tensors; /* inputs that are no scalars, made or not */
    size_t tensor_count;
    tm_recipe_options options;
    tm_arena *arena; /* for whoever makes values */
} tm_recipe;

/* The rule of some tensors. Of `ints` and `floats` one is set: it fills all elements of an integer
 * or a floating tensor. A rule for one tensor draws what it shares with another again, from the
 * same seed. */
typedef struct {
    const char *op_types; /* comma lists of globs */
    const char *tensors;
    /* NULL, or why the axes contradict each other ("expected ..., got ...", in the recipe's arena);
     * no values are asked for then. May be NULL. */
    const char *(*check)(const tm_recipe *recipe, const tm_recipe_tensor *tensor);
    void (*ints)(const tm_recipe *recipe, const tm_recipe_tensor *tensor, int64_t *values);
    void (*floats)(const tm_recipe *recipe, const tm_recipe_tensor *tensor, float *values);
} tm_recipe_rule;

/* The rules of one file, ended by one without `tensors`. The first that fits is taken. */
extern const tm_recipe_rule tm_recipe_attention[];
extern const tm_recipe_rule tm_recipe_dsa[];
extern const tm_recipe_rule tm_recipe_moe[];
extern const tm_recipe_rule tm_recipe_recurrent[];
extern const tm_recipe_rule tm_recipe_rope[];
extern const tm_recipe_rule tm_recipe_sampling[];

/* The value of an axis, or `otherwise` when the definition has none of that name. */
int64_t tm_recipe_axis(const tm_recipe *recipe, const char *name, int64_t otherwise);
/* A tensor by name, or NULL. */
const tm_recipe_tensor *tm_recipe_find(const tm_recipe *recipe, const char *name);
/* The stream of the recipe's seed for `what`. */
tm_draw tm_recipe_draw(const tm_recipe *recipe, const char *what);

/* Reads an object of options over the defaults in `options`; false after appending an error for
 * each fault. */
bool tm_recipe_parse_options(tm_node_reader *reader, const tm_node *node, const char *where,
                             tm_recipe_options *options);
/* The defaults of a row. */
tm_recipe_options tm_recipe_defaults(const char *uuid);

/* NULL when every tensor to be made has a rule and the axes suit it, else why not. */
const char *tm_recipe_check(const tm_recipe *recipe);
/* Fills a tensor's stored bytes (zeros before). False after writing why into `error`, with a rule
 * that gave a value that its dtype does not hold. */
bool tm_recipe_fill(const tm_recipe *recipe, const tm_recipe_tensor *tensor, void *data,
                    const char **error);

#endif
