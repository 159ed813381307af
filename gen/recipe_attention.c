/* recipe_attention: ragged and paged layouts of gqa_* and mla_*.
 *
 * Sequence b has queries qo_indptr[b] ... qo_indptr[b+1]-1 (in decode one each) and keys
 * kv_indptr[b] ... in pages or, ragged, in tokens. Lengths are log-normal. Where the totals allow,
 * a sequence has at least as many keys as queries, as causal attention needs, and what is left over
 * is spread as cached prefixes are; else keys are spread alone. Pages are distinct and in random
 * order, as a cache that has served for a while; where there are fewer than asked for, sequences
 * share. */
#include <inttypes.h>
#include <string.h>

#include "gen/recipe.h"

/* What all tensors of a row have in common. */
typedef struct {
    int64_t count; /* sequences */
    int64_t page_size;
    int64_t *queries; /* of each */
    int64_t *keys;    /* pages, or tokens where there are none */
} layout;

static int64_t total_keys(const tm_recipe *recipe) {
    const tm_recipe_tensor *indices = tm_recipe_find(recipe, "kv_indices");
    return indices ? indices->elems : tm_recipe_axis(recipe, "total_kv", -1);
}

/* Elements of the indptr tensors, or -1. */
static int64_t indptr_elems(const tm_recipe *recipe) {
    const tm_recipe_tensor *indptr = tm_recipe_find(recipe, "kv_indptr");
    return indptr ? indptr->elems : -1;
}

/* Queries of each sequence. */
static void split_queries(const tm_recipe *recipe, layout *made) {
    int64_t total = tm_recipe_axis(recipe, "total_q", -1);
    if (total >= 0)
        tm_draw_split(tm_recipe_draw(recipe, "queries"), recipe->options.skew, total, 1,
                      made->count, made->queries, recipe->arena);
    else
        for (int64_t b = 0; b < made->count; b++)
            made->queries[b] = 1;
}

static layout make_layout(const tm_recipe *recipe) {
    size_t count = (size_t)indptr_elems(recipe) - 1;
    layout made = {.count = (int64_t)count,
                   .page_size = tm_recipe_axis(recipe, "page_size", 1),
                   .queries = tm_arena_array(recipe->arena, count, sizeof *made.queries),
                   .keys = tm_arena_array(recipe->arena, count, sizeof *made.keys)};
    if (made.count == 0)
        return made;
    split_queries(recipe, &made);
    tm_draw draw = tm_recipe_draw(recipe, "keys");
    int64_t total = total_keys(recipe), needed = 0;
    for (int64_t b = 0; b < made.count; b++)
        needed += (made.queries[b] + made.page_size - 1) / made.page_size;
    if (needed > total) {
        tm_draw_split(draw, recipe->options.skew, total, 1, made.count, made.keys, recipe->arena);
        return made;
    }
    tm_draw_split(draw, recipe->options.skew, total - needed, 0, made.count, made.keys,
                  recipe->arena);
    for (int64_t b = 0; b < made.count; b++)
        made.keys[b] += (made.queries[b] + made.page_size - 1) / made.page_size;
    return made;
}

static const char *check_layout(const tm_recipe *recipe, const tm_recipe_tensor *tensor) {
    int64_t elems = indptr_elems(recipe), keys = total_keys(recipe);
    int64_t queries = tm_recipe_axis(recipe, "total_q", 0);
    int64_t batch = tm_recipe_axis(recipe, "batch_size", elems - 1);
    int64_t pages = tm_recipe_axis(recipe, "num_pages", -1);
    if (elems < 0 || keys < 0)
        return tm_arena_format(recipe->arena,
                               "expected kv_indptr, and kv_indices or an axis total_kv, beside %s, "
                               "got a definition without",
                               tensor->name);
    if (elems == 0 || batch != elems - 1)
        return tm_arena_format(recipe->arena,
                               "expected indptrs one longer than the %" PRId64
                               " sequences, got %" PRId64 " elements",
                               batch < 0 ? 0 : batch, elems);
    if (elems == 1 && (keys > 0 || queries > 0))
        return tm_arena_format(recipe->arena,
                               "expected no keys and queries for no sequences, got %" PRId64
                               " and %" PRId64,
                               keys, queries);
    if (pages == 0 && keys > 0)
        return tm_arena_format(recipe->arena,
                               "expected pages for the %" PRId64 " of kv_indices, got num_pages 0",
                               keys);
    if (tm_recipe_axis(recipe, "page_size", 1) < 1)
        return "expected a page_size of at least 1, got 0";
    return NULL;
}

static void add_up(const int64_t *parts, int64_t count, int64_t *indptr) {
    indptr[0] = 0;
    for (int64_t b = 0; b < count; b++)
        indptr[b + 1] = indptr[b] + parts[b];
}

static void fill_indptr(const tm_recipe *recipe, const tm_recipe_tensor *tensor, int64_t *values) {
    layout made = make_layout(recipe);
    add_up(strcmp(tensor->name, "qo_indptr") == 0 ? made.queries : made.keys, made.count, values);
}

static void fill_indices(const tm_recipe *recipe, const tm_recipe_tensor *tensor, int64_t *values) {
    int64_t pages = tm_recipe_axis(recipe, "num_pages", 0);
    tm_draw draw = tm_recipe_draw(recipe, "pages");
    for (int64_t i = 0; i < tensor->elems; i++)
        values[i] = tm_draw_permuted(draw, pages, i % pages);
}

/* Of a sequence without pages 0. */
static void fill_last_page_len(const tm_recipe *recipe, const tm_recipe_tensor *tensor,
                               int64_t *values) {
    layout made = make_layout(recipe);
    tm_draw draw = tm_recipe_draw(recipe, "last_page_len");
    for (int64_t b = 0; b < tensor->elems; b++) {
        if (b >= made.count) { /* as long as the indptrs, and the last element unused */
            values[b] = 1;
            continue;
        }
        int64_t least = made.queries[b] - (made.keys[b] - 1) * made.page_size;
        least = least < 1 ? 1 : least < made.page_size ? least : made.page_size;
        values[b] = made.keys[b] == 0
                        ? 0
                        : least + tm_draw_below(draw, (uint64_t)b, made.page_size - least + 1);
    }
}

const tm_recipe_rule tm_recipe_attention[] = {
    {"gqa_*,mla_*", "qo_indptr,kv_indptr", check_layout, fill_indptr, NULL},
    {"gqa_*,mla_*", "kv_indices", check_layout, fill_indices, NULL},
    {"gqa_*,mla_*", "kv_last_page_len", check_layout, fill_last_page_len, NULL},
    {0},
};
