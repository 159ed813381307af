/* recipe_sampling: what requests ask for who sample: each its own top_k and top_p, of those that
 * models' cards and serving defaults name. A top_k is cut to the vocabulary. Probabilities are
 * random inputs as a rule; where they are not, they are made alike. */
#include <stddef.h>

#include "gen/recipe.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

static void fill_top_k(const tm_recipe *recipe, const tm_recipe_tensor *tensor, int64_t *values) {
    static const int64_t usual[] = {1, 5, 10, 20, 40, 50, 64, 100, 250, 1000};
    int64_t vocabulary = tm_recipe_axis(recipe, "vocab_size", INT32_MAX);
    tm_draw draw = tm_recipe_draw(recipe, tensor->name);
    for (int64_t i = 0; i < tensor->elems; i++) {
        int64_t k = usual[tm_draw_below(draw, (uint64_t)i, (int64_t)COUNT(usual))];
        values[i] = k < vocabulary ? k : vocabulary;
    }
}

static void fill_top_p(const tm_recipe *recipe, const tm_recipe_tensor *tensor, float *values) {
    static const float usual[] = {0.3f, 0.5f, 0.7f, 0.8f, 0.9f, 0.95f};
    tm_draw draw = tm_recipe_draw(recipe, tensor->name);
    for (int64_t i = 0; i < tensor->elems; i++)
        values[i] = usual[tm_draw_below(draw, (uint64_t)i, (int64_t)COUNT(usual))];
}

/* Rows of a softmax of normals. */
static void fill_probs(const tm_recipe *recipe, const tm_recipe_tensor *tensor, float *values) {
    tm_draw draw = tm_recipe_draw(recipe, tensor->name);
    int64_t width = tensor->rank ? tensor->shape[tensor->rank - 1] : 1;
    for (int64_t begin = 0; begin < tensor->elems; begin += width) {
        double sum = 0;
        for (int64_t i = begin; i < begin + width; i++) {
            values[i] = (float)tm_draw_exp(tm_draw_normal(draw, (uint64_t)i));
            sum += (double)values[i];
        }
        for (int64_t i = begin; i < begin + width; i++)
            values[i] = (float)((double)values[i] / sum);
    }
}

const tm_recipe_rule tm_recipe_sampling[] = {
    {"sampling", "probs", NULL, NULL, fill_probs},
    {"sampling", "top_k", NULL, fill_top_k, NULL},
    {"sampling", "top_p", NULL, NULL, fill_top_p},
    {0},
};
