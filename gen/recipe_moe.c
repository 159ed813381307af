/* recipe_moe: routing of mixtures of experts.
 *
 * Experts differ in popularity, by half the recipe's skew in logits, so that some get more tokens
 * than others as in a model. A bias is small beside the sigmoids that it is added to. Equal logits
 * would leave open which expert is meant, and bfloat16 has few: a token's logits are all different.
 * Scales are such that experts' outputs are about 1 for operands of N(0, 1). */
#include <inttypes.h>
#include <math.h>

#include "gen/recipe.h"
#include "lib/dtype_convert.h"
#include "lib/random.h"

#define BIAS_SCALE 0.1
#define SCALE_SIGMA 0.25
/* topk_ids keeps an expert in the upper 16 bits of an int32, with its sign. */
#define MOST_EXPERTS 32768

static double *popularity(const tm_recipe *recipe, int64_t experts) {
    double *logits = tm_arena_array(recipe->arena, (size_t)experts, sizeof *logits);
    tm_draw draw = tm_recipe_draw(recipe, "popularity");
    for (int64_t e = 0; e < experts; e++)
        logits[e] = recipe->options.skew / 2 * tm_draw_normal(draw, (uint64_t)e);
    return logits;
}

/* bfloat16 codes as integers that count them in the order of their values, and back. */
static int32_t code_order(uint32_t code) {
    return code & 0x8000u ? -(int32_t)(code & 0x7fffu) : (int32_t)code;
}

static float order_value(int32_t order) {
    uint32_t code = order < 0 ? 0x8000u | (uint32_t)-order : (uint32_t)order;
    return tm_convert_bits_float(code << 16);
}

/* Rounds to bfloat16, and those that would be equal to as many neighbouring values: in descending
 * order (`order`: room for `count`), each below the one before. */
static void set_apart(float *values, int64_t count, int64_t *order) {
    for (int64_t i = 0; i < count; i++) {
        int64_t at = i;
        for (; at > 0 && values[order[at - 1]] < values[i]; at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
    int32_t most = INT32_MAX;
    for (int64_t i = 0; i < count; i++) {
        int32_t own = code_order(tm_convert_to_bfloat16(values[order[i]]));
        most = own < most ? own : most - 1;
        values[order[i]] = order_value(most);
    }
}

static void fill_logits(const tm_recipe *recipe, const tm_recipe_tensor *tensor, float *values) {
    int64_t experts = tensor->rank ? tensor->shape[tensor->rank - 1] : 1;
    const double *popular = popularity(recipe, experts);
    tm_draw draw = tm_recipe_draw(recipe, tensor->name);
    for (int64_t i = 0; i < tensor->elems; i++)
        values[i] = (float)(tm_draw_normal(draw, (uint64_t)i) + popular[i % experts]);
    if (tm_dtype_bits(tensor->dtype) == 32) /* where equal ones are too rare to matter */
        return;
    int64_t *order = tm_arena_array(recipe->arena, (size_t)experts, sizeof *order);
    for (int64_t i = 0; i + experts <= tensor->elems && experts > 0; i += experts)
        set_apart(values + i, experts, order);
}

static void fill_bias(const tm_recipe *recipe, const tm_recipe_tensor *tensor, float *values) {
    tm_draw draw = tm_recipe_draw(recipe, tensor->name);
    for (int64_t i = 0; i < tensor->elems; i++)
        values[i] = (float)(BIAS_SCALE * tm_draw_normal(draw, (uint64_t)i));
}

/* Log-normal around `middle`: positive, and no two blocks alike. */
static void fill_scales(const tm_recipe *recipe, const tm_recipe_tensor *tensor, double middle,
                        float *values) {
    tm_draw draw = tm_recipe_draw(recipe, tensor->name);
    for (int64_t i = 0; i < tensor->elems; i++)
        values[i] = (float)(middle * tm_draw_exp(SCALE_SIGMA * tm_draw_normal(draw, (uint64_t)i)));
}

static void fill_input_scale(const tm_recipe *recipe, const tm_recipe_tensor *tensor,
                             float *values) {
    fill_scales(recipe, tensor, 1, values);
}

static void fill_gemm1_scale(const tm_recipe *recipe, const tm_recipe_tensor *tensor,
                             float *values) {
    fill_scales(recipe, tensor, 1 / sqrt((double)tm_recipe_axis(recipe, "hidden_size", 1)), values);
}

static void fill_gemm2_scale(const tm_recipe *recipe, const tm_recipe_tensor *tensor,
                             float *values) {
    fill_scales(recipe, tensor, 2 / sqrt((double)tm_recipe_axis(recipe, "intermediate_size", 1)),
                values);
}

static int64_t count_experts(const tm_recipe *recipe) {
    return tm_recipe_axis(recipe, "num_experts", tm_recipe_axis(recipe, "num_local_experts", 0));
}

static const char *check_choice(const tm_recipe *recipe, const tm_recipe_tensor *tensor) {
    int64_t experts = count_experts(recipe);
    int64_t chosen = tensor->rank == 2 ? tensor->shape[1] : -1;
    if (chosen < 0)
        return tm_arena_format(recipe->arena, "expected %s of rank 2, got rank %d", tensor->name,
                               tensor->rank);
    if (chosen <= experts && experts <= MOST_EXPERTS)
        return NULL;
    return tm_arena_format(recipe->arena,
                           "expected %" PRId64 " to %d experts to choose from, got %" PRId64,
                           chosen, MOST_EXPERTS, experts);
}

/* The `count` experts of a token, drawn without repetition and in proportion to e^popularity: the
 * first to arrive of as many exponential waiting times. */
static void choose(tm_draw draw, int64_t token, const double *popular, int64_t experts,
                   double *waiting, int64_t count, int64_t *chosen) {
    for (int64_t e = 0; e < experts; e++) {
        uint32_t word = tm_draw_word(draw, (uint64_t)(token * experts + e));
        waiting[e] = tm_random_exponential(word) * tm_draw_exp(-popular[e]);
    }
    for (int64_t k = 0; k < count; k++) {
        int64_t first = -1;
        for (int64_t e = 0; e < experts; e++)
            if (waiting[e] >= 0 && (first < 0 || waiting[e] < waiting[first]))
                first = e;
        chosen[k] = first;
        waiting[first] = -1;
    }
}

/* Shares of a token's experts: a softmax of normals, the largest first. */
static void share(tm_draw draw, int64_t token, int64_t count, double *shares) {
    double sum = 0;
    for (int64_t k = 0; k < count; k++) {
        double value = tm_draw_exp(tm_draw_normal(draw, (uint64_t)(token * count + k)));
        int64_t at = k;
        for (; at > 0 && shares[at - 1] < value; at--)
            shares[at] = shares[at - 1];
        shares[at] = value;
        sum += value;
    }
    for (int64_t k = 0; k < count; k++)
        shares[k] /= sum;
}

/* An expert in the upper 16 bits, its share as bfloat16 in the lower. */
static void fill_choice(const tm_recipe *recipe, const tm_recipe_tensor *tensor, int64_t *values) {
    int64_t tokens = tensor->shape[0], count = tensor->shape[1], experts = count_experts(recipe);
    const double *popular = popularity(recipe, experts);
    double *waiting = tm_arena_array(recipe->arena, (size_t)experts, sizeof *waiting);
    double *shares = tm_arena_array(recipe->arena, (size_t)count, sizeof *shares);
    tm_draw choosing = tm_recipe_draw(recipe, "experts"),
            sharing = tm_recipe_draw(recipe, "shares");
    for (int64_t t = 0; t < tokens; t++) {
        int64_t *row = values + t * count;
        choose(choosing, t, popular, experts, waiting, count, row);
        share(sharing, t, count, shares);
        for (int64_t k = 0; k < count; k++)
            row[k] = row[k] << 16 | tm_convert_to_bfloat16((float)shares[k]);
    }
}

const tm_recipe_rule tm_recipe_moe[] = {
    {"moe", "topk_ids", check_choice, fill_choice, NULL},
    {"moe", "routing_logits", NULL, NULL, fill_logits},
    {"moe", "routing_bias", NULL, NULL, fill_bias},
    {"moe", "hidden_states_scale", NULL, NULL, fill_input_scale},
    {"moe", "gemm1_weights_scale,output1_scales*", NULL, NULL, fill_gemm1_scale},
    {"moe", "gemm2_weights_scale,output2_scales*", NULL, NULL, fill_gemm2_scale},
    {0},
};
