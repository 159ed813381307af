/* recipe_dsa: what DeepSeek's sparse attention reads: sequences in pages for the indexer, and the
 * entries that it has selected for the attention.
 *
 * Lengths are log-normal, the longest as long as max_num_pages allows. The pages of a sequence are
 * distinct and in random order; sequences share where there are fewer than all need, and where a
 * sequence has ended its row names page 0. Selected entries are distinct and in no order, as many
 * as there are tokens before; a short sequence has -1 behind them. */
#include <inttypes.h>
#include <stddef.h>

#include "gen/recipe.h"

/* Lengths of `count` sequences of 1 to `most` tokens; one has `most`. */
static void draw_lengths(const tm_recipe *recipe, int64_t count, int64_t most, int64_t *lengths) {
    tm_draw draw = tm_recipe_draw(recipe, "lengths");
    double *weights = tm_arena_array(recipe->arena, (size_t)count, sizeof *weights), largest = 0;
    for (int64_t b = 0; b < count; b++) {
        weights[b] = tm_draw_exp(recipe->options.skew * tm_draw_normal(draw, (uint64_t)b));
        largest = weights[b] > largest ? weights[b] : largest;
    }
    for (int64_t b = 0; b < count; b++) {
        int64_t length = (int64_t)((double)most * (weights[b] / largest));
        lengths[b] = length < 1 ? 1 : length;
    }
}

static const char *check_pages(const tm_recipe *recipe, const tm_recipe_tensor *tensor) {
    int64_t page_size = tm_recipe_axis(recipe, "page_size", -1);
    int64_t pages = tm_recipe_axis(recipe, "num_pages", -1);
    int64_t most = tm_recipe_axis(recipe, "max_num_pages", -1);
    if (tensor->elems == 0)
        return NULL;
    if (page_size < 1 || most < 1 || pages < most)
        return tm_arena_format(recipe->arena,
                               "expected axes page_size and max_num_pages of at least 1 and "
                               "num_pages of at least max_num_pages for %s, got %" PRId64
                               ", %" PRId64 " and %" PRId64 " (-1: none)",
                               tensor->name, page_size, most, pages);
    return NULL;
}

static void fill_seq_lens(const tm_recipe *recipe, const tm_recipe_tensor *tensor,
                          int64_t *values) {
    int64_t page_size = tm_recipe_axis(recipe, "page_size", 1);
    int64_t most = tm_recipe_axis(recipe, "max_num_pages", 1) * page_size;
    int64_t unused = tm_draw_below(tm_recipe_draw(recipe, "last page"), 0, page_size);
    draw_lengths(recipe, tensor->elems, most - unused, values);
}

static void fill_block_table(const tm_recipe *recipe, const tm_recipe_tensor *tensor,
                             int64_t *values) {
    int64_t page_size = tm_recipe_axis(recipe, "page_size", 1);
    int64_t pages = tm_recipe_axis(recipe, "num_pages", 1);
    int64_t columns = tm_recipe_axis(recipe, "max_num_pages", 1), rows = tensor->elems / columns;
    tm_recipe_tensor lengths_of = {.elems = rows};
    int64_t *lengths = tm_arena_array(recipe->arena, (size_t)rows, sizeof *lengths), used = 0;
    fill_seq_lens(recipe, &lengths_of, lengths);
    tm_draw draw = tm_recipe_draw(recipe, "pages");
    for (int64_t b = 0; b < rows; b++) {
        int64_t own = (lengths[b] + page_size - 1) / page_size;
        for (int64_t i = 0; i < own; i++)
            values[b * columns + i] = tm_draw_permuted(draw, pages, (used + i) % pages);
        used += own;
    }
}

static const char *check_entries(const tm_recipe *recipe, const tm_recipe_tensor *tensor) {
    int64_t page_size = tm_recipe_axis(recipe, "page_size", -1);
    int64_t pages = tm_recipe_axis(recipe, "num_pages", -1);
    if (tensor->elems == 0 || (tensor->rank == 2 && page_size >= 1 && pages >= 1))
        return NULL;
    return tm_arena_format(
        recipe->arena,
        "expected axes page_size and num_pages of at least 1 for %s, a row of it "
        "for each token, got %" PRId64 " and %" PRId64 " (-1: none)",
        tensor->name, page_size, pages);
}

static void fill_sparse_indices(const tm_recipe *recipe, const tm_recipe_tensor *tensor,
                                int64_t *values) {
    int64_t entries =
        tm_recipe_axis(recipe, "page_size", 1) * tm_recipe_axis(recipe, "num_pages", 1);
    int64_t rows = tensor->shape[0], columns = tensor->shape[1];
    int64_t *lengths = tm_arena_array(recipe->arena, (size_t)rows, sizeof *lengths);
    draw_lengths(recipe, rows, entries, lengths);
    tm_draw draw = tm_recipe_draw(recipe, tensor->name);
    for (int64_t t = 0; t < rows; t++) {
        tm_draw own = {draw.seed + (uint64_t)t, draw.stream};
        for (int64_t i = 0; i < columns; i++)
            values[t * columns + i] = i < lengths[t] ? tm_draw_permuted(own, entries, i) : -1;
    }
}

const tm_recipe_rule tm_recipe_dsa[] = {
    {"dsa_*", "seq_lens", check_pages, fill_seq_lens, NULL},
    {"dsa_*", "block_table", check_pages, fill_block_table, NULL},
    {"dsa_*", "sparse_indices", check_entries, fill_sparse_indices, NULL},
    {0},
};
