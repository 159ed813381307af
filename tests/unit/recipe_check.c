#include "tests/unit/recipe_check.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/text.h"

typedef struct {
    const tm_recipe *recipe;
    const tm_recipe_tensor *tensor;
    int64_t *ints;
    float *floats;
    const char *wrong; /* NULL so far */
} check;

#define WRONG(c, ...)                                                      \
    do {                                                                   \
        if (!(c)->wrong)                                                   \
            (c)->wrong = tm_arena_format((c)->recipe->arena, __VA_ARGS__); \
    } while (0)

static int64_t axis(const check *c, const char *name) {
    return tm_recipe_axis(c->recipe, name, -1);
}

/* Makes one tensor, by way of its stored bytes. */
static void read_values(check *c, const tm_recipe_tensor *tensor) {
    const tm_recipe *recipe = c->recipe;
    size_t bytes, count = (size_t)tensor->elems;
    tm_dtype_bytes(tensor->dtype, tensor->elems, &bytes);
    void *data = tm_arena_alloc(recipe->arena, bytes);
    const char *error = NULL;
    c->tensor = tensor;
    c->ints = NULL;
    c->floats = NULL;
    if (!tm_recipe_fill(recipe, tensor, data, &error)) {
        WRONG(c, "%s", error);
    } else if (tm_dtype_is_float(tensor->dtype)) {
        c->floats = tm_arena_array(recipe->arena, count, sizeof *c->floats);
        tm_dtype_read_floats(tensor->dtype, data, 0, tensor->elems, c->floats);
    } else {
        c->ints = tm_arena_array(recipe->arena, count, sizeof *c->ints);
        tm_dtype_read_ints(tensor->dtype, data, 0, tensor->elems, c->ints);
    }
}

static const int64_t *ints_of(check *c, const char *name) {
    const tm_recipe_tensor *tensor = tm_recipe_find(c->recipe, name);
    if (!tensor)
        return NULL;
    check other = {.recipe = c->recipe};
    read_values(&other, tensor);
    return other.ints;
}

/* From 0 to `total`, never back, and no part empty where there is enough for all. */
static void check_indptr(check *c, int64_t total) {
    int64_t count = c->tensor->elems - 1;
    if (c->ints[0] != 0 || c->ints[count] != total)
        WRONG(c, "%s runs from %" PRId64 " to %" PRId64 ", and not from 0 to %" PRId64,
              c->tensor->name, c->ints[0], c->ints[count], total);
    for (int64_t i = 0; i < count; i++)
        if (c->ints[i + 1] < c->ints[i] || (total >= count && c->ints[i + 1] == c->ints[i]))
            WRONG(c, "%s[%" PRId64 "] is %" PRId64 " and the next %" PRId64, c->tensor->name, i,
                  c->ints[i], c->ints[i + 1]);
}

/* `count` values from 0 to `most` - 1, none more often than it has to be. */
static void check_spread(check *c, const int64_t *values, int64_t count, int64_t most) {
    int *used = calloc((size_t)most + 1, sizeof *used);
    int64_t allowed = most ? (count + most - 1) / most : 0;
    for (int64_t i = 0; used && i < count; i++) {
        if (values[i] < 0 || values[i] >= most)
            WRONG(c, "%s has %" PRId64 ", of %" PRId64, c->tensor->name, values[i], most);
        else if (++used[values[i]] > allowed)
            WRONG(c, "%s has %" PRId64 " more often than %" PRId64 " times", c->tensor->name,
                  values[i], allowed);
    }
    free(used);
}

/* Tokens of a sequence, from the tensors that say so. */
static int64_t keys_of(const int64_t *indptr, const int64_t *last, int64_t page_size, int64_t b) {
    int64_t pages = indptr[b + 1] - indptr[b];
    return pages == 0 ? 0 : last ? (pages - 1) * page_size + last[b] : pages * page_size;
}

/* Where the totals allow, each sequence has as many keys as queries. */
static void check_causal(check *c) {
    const int64_t *keys = ints_of(c, "kv_indptr"), *queries = ints_of(c, "qo_indptr");
    const int64_t *last = ints_of(c, "kv_last_page_len");
    int64_t page_size = tm_recipe_axis(c->recipe, "page_size", 1), needed = 0;
    int64_t count = tm_recipe_find(c->recipe, "qo_indptr")->elems - 1;
    for (int64_t b = 0; b < count; b++)
        needed += (queries[b + 1] - queries[b] + page_size - 1) / page_size;
    for (int64_t b = 0; needed <= keys[count] && b < count; b++)
        if (keys_of(keys, last, page_size, b) < queries[b + 1] - queries[b])
            WRONG(c, "sequence %" PRId64 " has fewer keys than queries", b);
}

static void check_last_page_len(check *c) {
    const int64_t *indptr = ints_of(c, "kv_indptr");
    int64_t count = tm_recipe_find(c->recipe, "kv_indptr")->elems - 1;
    for (int64_t b = 0; b < c->tensor->elems; b++) {
        bool empty = b < count && indptr[b + 1] == indptr[b];
        if (empty ? c->ints[b] != 0 : c->ints[b] < 1 || c->ints[b] > axis(c, "page_size"))
            WRONG(c, "kv_last_page_len[%" PRId64 "] is %" PRId64, b, c->ints[b]);
    }
}

static void check_attention(check *c) {
    const char *name = c->tensor->name;
    const tm_recipe_tensor *indices = tm_recipe_find(c->recipe, "kv_indices");
    if (strcmp(name, "kv_indptr") == 0)
        check_indptr(c, indices ? indices->elems : axis(c, "total_kv"));
    else if (strcmp(name, "qo_indptr") == 0) {
        check_indptr(c, axis(c, "total_q"));
        check_causal(c);
    } else if (strcmp(name, "kv_indices") == 0)
        check_spread(c, c->ints, c->tensor->elems, axis(c, "num_pages"));
    else if (strcmp(name, "kv_last_page_len") == 0)
        check_last_page_len(c);
    else if (c->ints)
        WRONG(c, "%s is not checked", name);
}

/* Keys and queries have unit length, up to the rounding of the dtype. */
static void check_unit(check *c) {
    int64_t width = c->tensor->shape[c->tensor->rank - 1];
    for (int64_t begin = 0; begin < c->tensor->elems; begin += width) {
        double squares = 0;
        for (int64_t i = begin; i < begin + width; i++)
            squares += (double)c->floats[i] * (double)c->floats[i];
        if (fabs(squares - 1) > 0.02)
            WRONG(c, "%s has a row of length %g", c->tensor->name, sqrt(squares));
    }
}

static void check_range(check *c, double least, double most) {
    for (int64_t i = 0; i < c->tensor->elems; i++)
        if (!((double)c->floats[i] >= least && (double)c->floats[i] <= most))
            WRONG(c, "%s[%" PRId64 "] is %g", c->tensor->name, i, (double)c->floats[i]);
}

/* Distinct slots, but for as many -1 as the recipe has padding. */
static void check_slots(check *c, int64_t pool) {
    int64_t *slots = tm_arena_array(c->recipe->arena, (size_t)c->tensor->elems, sizeof *slots);
    int64_t count = 0;
    for (int64_t i = 0; i < c->tensor->elems; i++)
        if (c->ints[i] != -1)
            slots[count++] = c->ints[i];
    if (c->tensor->elems - count != c->recipe->options.padding)
        WRONG(c, "%s has %" PRId64 " times -1", c->tensor->name, c->tensor->elems - count);
    check_spread(c, slots, count, pool);
}

static void check_recurrent(check *c) {
    const char *name = c->tensor->name;
    if (strcmp(name, "cu_seqlens") == 0)
        check_indptr(c, axis(c, "total_seq_len"));
    else if (strcmp(name, "initial_state_indices") == 0)
        check_spread(c, c->ints, c->tensor->elems, axis(c, "pool_size"));
    else if (strcmp(name, "state_batch_indices") == 0)
        check_slots(c, axis(c, "state_cache_size"));
    else if (c->ints)
        WRONG(c, "%s is not checked", name);
    else if (strcmp(name, "q") == 0 || strcmp(name, "k") == 0)
        check_unit(c);
    else if (strcmp(name, "A_log") == 0)
        check_range(c, 0, 2.78);
    else if (strcmp(name, "A") == 0)
        check_range(c, -16.01, -1);
    else if (strcmp(name, "dt_bias") == 0)
        check_range(c, -7, -2);
}

/* Experts of a token are distinct, and their shares add up to 1, the largest first. */
static void check_choice(check *c) {
    int64_t chosen = c->tensor->shape[1], experts = axis(c, "num_experts");
    int64_t *row = tm_arena_array(c->recipe->arena, (size_t)chosen, sizeof *row);
    for (int64_t t = 0; t < c->tensor->shape[0]; t++) {
        double sum = 0;
        float before = 1;
        for (int64_t k = 0; k < chosen; k++) {
            uint16_t stored = (uint16_t)c->ints[t * chosen + k];
            float share;
            tm_dtype_read_floats(TM_DTYPE_BFLOAT16, &stored, 0, 1, &share);
            row[k] = c->ints[t * chosen + k] >> 16;
            if (share > before)
                WRONG(c, "topk_ids: a larger share after a smaller, token %" PRId64, t);
            before = share;
            sum += (double)share;
        }
        check_spread(c, row, chosen, experts);
        if (fabs(sum - 1) > 0.02)
            WRONG(c, "topk_ids: shares of token %" PRId64 " add up to %g", t, sum);
    }
}

/* No two of a token alike, where 16 bits leave few values. */
static void check_logits(check *c) {
    if (tm_dtype_bits(c->tensor->dtype) == 32)
        return;
    int64_t experts = c->tensor->shape[c->tensor->rank - 1];
    for (int64_t i = 0; i < c->tensor->elems; i++)
        for (int64_t j = i / experts * experts; j < i; j++)
            if (c->floats[i] == c->floats[j])
                WRONG(c, "routing_logits of experts %" PRId64 " and %" PRId64 " are both %g",
                      j % experts, i % experts, (double)c->floats[i]);
}

static void check_moe(check *c) {
    if (strcmp(c->tensor->name, "topk_ids") == 0)
        check_choice(c);
    else if (c->ints)
        WRONG(c, "%s is not checked", c->tensor->name);
    else if (strstr(c->tensor->name, "_scale"))
        check_range(c, 0.001, 10);
    else
        check_range(c, -10, 10);
    if (strcmp(c->tensor->name, "routing_logits") == 0)
        check_logits(c);
}

/* Lengths that the table has room for, and distinct pages for each of them. */
static void check_pages(check *c) {
    const int64_t *lengths = ints_of(c, "seq_lens");
    int64_t page_size = axis(c, "page_size"), columns = axis(c, "max_num_pages");
    for (int64_t b = 0; b < axis(c, "batch_size"); b++) {
        int64_t pages = (lengths[b] + page_size - 1) / page_size;
        if (lengths[b] < 1 || pages > columns)
            WRONG(c, "seq_lens[%" PRId64 "] is %" PRId64, b, lengths[b]);
        else if (strcmp(c->tensor->name, "block_table") == 0)
            check_spread(c, c->ints + b * columns, pages, axis(c, "num_pages"));
    }
}

/* Distinct entries, then -1 to the end. */
static void check_entries(check *c) {
    int64_t columns = c->tensor->shape[1];
    for (int64_t t = 0; t < c->tensor->shape[0]; t++) {
        const int64_t *row = c->ints + t * columns;
        int64_t count = 0;
        while (count < columns && row[count] >= 0)
            count++;
        for (int64_t i = count; i < columns; i++)
            if (row[i] != -1)
                WRONG(c, "sparse_indices has %" PRId64 " behind -1", row[i]);
        if (count == 0)
            WRONG(c, "sparse_indices has nothing for token %" PRId64, t);
        check_spread(c, row, count, axis(c, "num_pages") * axis(c, "page_size"));
    }
}

static void check_dsa(check *c) {
    if (strcmp(c->tensor->name, "sparse_indices") == 0)
        check_entries(c);
    else if (c->ints)
        check_pages(c);
}

static void check_rope(check *c) {
    for (int64_t i = 0; c->ints && i < c->tensor->elems; i++)
        if (c->ints[i] < 0 || c->ints[i] >= axis(c, "max_seq_len"))
            WRONG(c, "positions[%" PRId64 "] is %" PRId64, i, c->ints[i]);
    int64_t half = axis(c, "rotary_dim") / 2;
    bool is_table = strcmp(c->tensor->name, "cos_sin_cache") == 0;
    for (int64_t i = 0; is_table && i < c->tensor->elems; i++) {
        int64_t row = i - i % (2 * half);
        double cosine = (double)c->floats[row + i % half];
        double sine = (double)c->floats[row + half + i % half];
        if (fabs(cosine * cosine + sine * sine - 1) > 1e-6)
            WRONG(c, "cos_sin_cache: %g and %g in the row at %" PRId64, cosine, sine, row);
    }
}

static void check_sampling(check *c) {
    for (int64_t i = 0; c->ints && i < c->tensor->elems; i++)
        if (c->ints[i] < 1 || c->ints[i] > axis(c, "vocab_size"))
            WRONG(c, "%s[%" PRId64 "] is %" PRId64, c->tensor->name, i, c->ints[i]);
    if (strcmp(c->tensor->name, "top_p") == 0)
        check_range(c, 1e-38, 1);
    int64_t width = axis(c, "vocab_size");
    bool are_probs = strcmp(c->tensor->name, "probs") == 0;
    for (int64_t begin = 0; are_probs && begin < c->tensor->elems; begin += width) {
        double sum = 0;
        for (int64_t i = begin; i < begin + width; i++)
            sum += c->floats[i] > 0 ? (double)c->floats[i] : (double)NAN;
        if (!(fabs(sum - 1) < 1e-3))
            WRONG(c, "probs: the row at %" PRId64 " adds up to %g", begin, sum);
    }
}

/* Finite, and not the same everywhere. */
static void check_floats(check *c) {
    bool differ = c->tensor->elems < 100; /* a few may be drawn alike */
    for (int64_t i = 0; i < c->tensor->elems; i++) {
        if (!isfinite(c->floats[i]))
            WRONG(c, "%s[%" PRId64 "] is not finite", c->tensor->name, i);
        differ = differ || c->floats[i] != c->floats[0];
    }
    if (!differ)
        WRONG(c, "all of %s is %g", c->tensor->name, (double)c->floats[0]);
}

/* One line for each file of rules. */
static const struct {
    const char *op_types;
    void (*check)(check *c);
} families[] = {
    {"gqa_*,mla_*", check_attention},
    {"gdn,mamba_ssu", check_recurrent},
    {"moe", check_moe},
    {"dsa_*", check_dsa},
    {"rope", check_rope},
    {"sampling", check_sampling},
};

const char *recipe_check(const tm_recipe *recipe, size_t *bytes) {
    check c = {.recipe = recipe};
    for (size_t t = 0; t < recipe->tensor_count && !c.wrong; t++) {
        size_t own;
        if (!recipe->tensors[t].made)
            continue;
        read_values(&c, &recipe->tensors[t]);
        if (c.wrong)
            break;
        tm_dtype_bytes(c.tensor->dtype, c.tensor->elems, &own);
        *bytes += own;
        bool known = false;
        if (c.floats)
            check_floats(&c);
        for (size_t i = 0; i < sizeof families / sizeof *families && !known; i++) {
            known = tm_text_matches(families[i].op_types, recipe->op_type);
            if (known)
                families[i].check(&c);
        }
        if (!known && c.ints)
            WRONG(&c, "op_type %s is not checked", recipe->op_type);
    }
    return c.wrong;
}
