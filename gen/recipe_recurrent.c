/* recipe_recurrent: the gated delta rule (gdn) and selective state updates (mamba_ssu).
 *
 * Queries and keys have unit length, as models make them: along longer ones the delta rule would
 * multiply the state by more than one in each step and overflow. Decays and time steps are from the
 * ranges that models start from. Slots of a pool of states are distinct: two sequences that write
 * to one slot would have no answer. */
#include <inttypes.h>

#include "gen/recipe.h"

/* ln 16: decay rates are log-uniform from 1 to 16. */
#define LN_RATE 2.772588722239781
/* The inverse softplus of time steps from about 0.001 to 0.1. */
#define LEAST_STEP (-7.0)
#define STEP_RANGE 5.0

static const char *check_sequences(const tm_recipe *recipe, const tm_recipe_tensor *tensor) {
    int64_t sequences = tm_recipe_axis(recipe, "num_seqs", tensor->elems - 1);
    int64_t tokens = tm_recipe_axis(recipe, "total_seq_len", 0);
    if (tensor->elems == 0 || sequences != tensor->elems - 1)
        return tm_arena_format(recipe->arena,
                               "expected cu_seqlens one longer than the %" PRId64
                               " sequences, got %" PRId64 " elements",
                               sequences < 0 ? 0 : sequences, tensor->elems);
    if (sequences == 0 && tokens > 0)
        return tm_arena_format(recipe->arena, "expected no tokens for no sequences, got %" PRId64,
                               tokens);
    return NULL;
}

static void fill_sequences(const tm_recipe *recipe, const tm_recipe_tensor *tensor,
                           int64_t *values) {
    int64_t count = tensor->elems - 1, at = 0;
    int64_t *lengths = tm_arena_array(recipe->arena, (size_t)count, sizeof *lengths);
    if (count > 0)
        tm_draw_split(tm_recipe_draw(recipe, "tokens"), recipe->options.skew,
                      tm_recipe_axis(recipe, "total_seq_len", 0), 1, count, lengths, recipe->arena);
    for (int64_t i = 0; i < count; i++) {
        values[i] = at;
        at += lengths[i];
    }
    values[count] = at;
}

/* The states that the indices point into: the first axis of the pool. */
static int64_t pool_size(const tm_recipe *recipe) {
    return tm_recipe_axis(recipe, "pool_size", tm_recipe_axis(recipe, "state_cache_size", 0));
}

static const char *check_slots(const tm_recipe *recipe, const tm_recipe_tensor *tensor) {
    if (tensor->elems <= pool_size(recipe))
        return NULL;
    return tm_arena_format(
        recipe->arena, "expected a state for each of %" PRId64 " sequences, got a pool of %" PRId64,
        tensor->elems, pool_size(recipe));
}

static const char *check_padded_slots(const tm_recipe *recipe, const tm_recipe_tensor *tensor) {
    if (recipe->options.padding > 0 && recipe->options.padding >= tensor->elems)
        return tm_arena_format(recipe->arena,
                               "expected less padding than %" PRId64 " sequences, got %" PRId64,
                               tensor->elems, recipe->options.padding);
    return check_slots(recipe, tensor);
}

static void fill_slots(const tm_recipe *recipe, const tm_recipe_tensor *tensor, int64_t *values) {
    tm_draw draw = tm_recipe_draw(recipe, tensor->name);
    for (int64_t i = 0; i < tensor->elems; i++)
        values[i] = tm_draw_permuted(draw, pool_size(recipe), i);
}

/* The last sequence has a slot, or nobody would see that its output was left out. */
static void fill_padded_slots(const tm_recipe *recipe, const tm_recipe_tensor *tensor,
                              int64_t *values) {
    fill_slots(recipe, tensor, values);
    tm_draw draw = tm_recipe_draw(recipe, "padding");
    for (int64_t i = 0; i < recipe->options.padding; i++)
        values[tm_draw_permuted(draw, tensor->elems - 1, i)] = -1;
}

/* Rows of the last axis as normals of unit length. */
static void fill_unit(const tm_recipe *recipe, const tm_recipe_tensor *tensor, float *values) {
    tm_draw draw = tm_recipe_draw(recipe, tensor->name);
    int64_t width = tensor->rank ? tensor->shape[tensor->rank - 1] : 1;
    for (int64_t begin = 0; begin < tensor->elems; begin += width) {
        double squares = 0;
        for (int64_t i = begin; i < begin + width; i++) {
            values[i] = (float)tm_draw_normal(draw, (uint64_t)i);
            squares += (double)values[i] * (double)values[i];
        }
        double scale = squares > 0 ? 1 / tm_draw_root(squares) : 1;
        for (int64_t i = begin; i < begin + width; i++)
            values[i] = (float)(values[i] * scale);
    }
}

static void fill_uniform(const tm_recipe *recipe, const tm_recipe_tensor *tensor, double least,
                         double range, float *values) {
    tm_draw draw = tm_recipe_draw(recipe, tensor->name);
    for (int64_t i = 0; i < tensor->elems; i++)
        values[i] = (float)(least + range * tm_draw_uniform(draw, (uint64_t)i));
}

static void fill_log_rates(const tm_recipe *recipe, const tm_recipe_tensor *tensor, float *values) {
    fill_uniform(recipe, tensor, 0, LN_RATE, values);
}

static void fill_steps(const tm_recipe *recipe, const tm_recipe_tensor *tensor, float *values) {
    fill_uniform(recipe, tensor, LEAST_STEP, STEP_RANGE, values);
}

/* In Mamba2 all channels of a head, the axis `head_axis`, have one rate and one time step, which
 * solutions may count on. */
static int64_t count_tied(const tm_recipe_tensor *tensor, int head_axis) {
    int64_t tied = 1;
    for (int i = head_axis + 1; i < tensor->rank; i++)
        tied *= tensor->shape[i];
    return tied;
}

static void fill_rates(const tm_recipe *recipe, const tm_recipe_tensor *tensor, float *values) {
    tm_draw draw = tm_recipe_draw(recipe, tensor->name);
    int64_t tied = count_tied(tensor, 0);
    for (int64_t i = 0; i < tensor->elems; i++)
        values[i] = (float)-tm_draw_exp(LN_RATE * tm_draw_uniform(draw, (uint64_t)(i / tied)));
}

static void fill_tied_steps(const tm_recipe *recipe, const tm_recipe_tensor *tensor,
                            float *values) {
    tm_draw draw = tm_recipe_draw(recipe, tensor->name);
    int64_t tied = count_tied(tensor, 0);
    for (int64_t i = 0; i < tensor->elems; i++)
        values[i] = (float)(LEAST_STEP + STEP_RANGE * tm_draw_uniform(draw, (uint64_t)(i / tied)));
}

/* Of each sequence, the first axis. */
static void fill_tied_inputs(const tm_recipe *recipe, const tm_recipe_tensor *tensor,
                             float *values) {
    tm_draw draw = tm_recipe_draw(recipe, tensor->name);
    int64_t tied = count_tied(tensor, 1);
    for (int64_t i = 0; i < tensor->elems; i++)
        values[i] = (float)tm_draw_normal(draw, (uint64_t)(i / tied));
}

const tm_recipe_rule tm_recipe_recurrent[] = {
    {"gdn", "cu_seqlens", check_sequences, fill_sequences, NULL},
    {"gdn", "initial_state_indices", check_slots, fill_slots, NULL},
    {"gdn", "q,k", NULL, NULL, fill_unit},
    {"gdn", "A_log", NULL, NULL, fill_log_rates},
    {"gdn", "dt_bias", NULL, NULL, fill_steps},
    {"mamba_ssu", "state_batch_indices", check_padded_slots, fill_padded_slots, NULL},
    {"mamba_ssu", "A", NULL, NULL, fill_rates},
    {"mamba_ssu", "dt", NULL, NULL, fill_tied_inputs},
    {"mamba_ssu", "dt_bias", NULL, NULL, fill_tied_steps},
    {0},
};
