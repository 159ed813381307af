/* recipe_rope: positions, and the table of cosines and sines that they are looked up in.
 *
 * Up to MOST_DECODED tokens are each the next of a sequence of its own, anywhere in the table. More
 * are prefilled: sequences of log-normal length, whose positions follow each other behind a cached
 * prefix where the table leaves room for one. */
#include <inttypes.h>
#include <stddef.h>

#include "gen/recipe.h"

enum {
    MOST_DECODED = 256,
    MEAN_PREFILLED = 1024, /* tokens of a sequence */
};

static const char *check_positions(const tm_recipe *recipe, const tm_recipe_tensor *tensor) {
    int64_t most = tm_recipe_axis(recipe, "max_seq_len", -1);
    if (most >= 1 || (most == 0 && tensor->elems == 0))
        return NULL;
    return tm_arena_format(recipe->arena,
                           "expected an axis max_seq_len of at least 1 for %s, got %s",
                           tensor->name, most < 0 ? "none" : "0");
}

static void fill_positions(const tm_recipe *recipe, const tm_recipe_tensor *tensor,
                           int64_t *values) {
    int64_t most = tm_recipe_axis(recipe, "max_seq_len", 0), tokens = tensor->elems;
    tm_draw draw = tm_recipe_draw(recipe, "positions");
    if (tokens <= MOST_DECODED) {
        for (int64_t i = 0; i < tokens; i++)
            values[i] = tm_draw_below(draw, (uint64_t)i, most);
        return;
    }
    int64_t mean = most < MEAN_PREFILLED ? most : MEAN_PREFILLED;
    int64_t count = (tokens + mean - 1) / mean;
    int64_t *lengths = tm_arena_array(recipe->arena, (size_t)count, sizeof *lengths);
    tm_draw_split(draw, recipe->options.skew, tokens, 1, count, lengths, recipe->arena);
    for (int64_t b = 0, at = 0; b < count; b++) {
        int64_t room = lengths[b] < most ? most - lengths[b] : 0;
        int64_t first = tm_draw_below(draw, (uint64_t)(count + b), room + 1);
        for (int64_t i = 0; i < lengths[b]; i++) /* one that is too long begins again */
            values[at++] = (first + i) % most;
    }
}

static const char *check_table(const tm_recipe *recipe, const tm_recipe_tensor *tensor) {
    if (tensor->rank == 2 && tensor->shape[1] % 2 == 0)
        return NULL;
    return tm_arena_format(recipe->arena,
                           "expected cosines and as many sines for each position in %s, got rows "
                           "of an odd length or another rank than 2",
                           tensor->name);
}

/* e^x = value for value > 0, by Newton's method. */
static double logarithm(double value) {
    double x = 0;
    for (int i = 0; i < 100; i++) {
        double power = tm_draw_exp(x);
        x += 2 * (value - power) / (value + power);
    }
    return x;
}

/* Of position p and pair i the angle p theta^(-i / pairs); a row has all cosines, then all sines.
 */
static void fill_table(const tm_recipe *recipe, const tm_recipe_tensor *tensor, float *values) {
    int64_t positions = tensor->shape[0], pairs = tensor->shape[1] / 2;
    double theta = logarithm(recipe->options.rope_theta);
    for (int64_t i = 0; i < pairs; i++) {
        double frequency = tm_draw_exp(-theta * (double)i / (double)pairs);
        for (int64_t p = 0; p < positions; p++) {
            double sine, cosine;
            tm_draw_sine_cosine((double)p * frequency, &sine, &cosine);
            values[p * 2 * pairs + i] = (float)cosine;
            values[(p * 2 + 1) * pairs + i] = (float)sine;
        }
    }
}

const tm_recipe_rule tm_recipe_rope[] = {
    {"rope", "positions", check_positions, fill_positions, NULL},
    {"rope", "cos_sin_cache", check_table, NULL, fill_table},
    {0},
};
