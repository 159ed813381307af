#include "harness/reach.h"

#include <stdlib.h>

/* A blob of integers, one after the other; NULL: it is none of this rank. Caller frees. */
static int64_t *read_ranked(tm_inputs *inputs, const char *name, int rank, int64_t *count) {
    const tm_table_tensor *tensor = tm_inputs_tensor(inputs, name);
    if (!tensor || tensor->fill != TM_FILL_BLOB || tensor->rank != rank ||
        tm_dtype_is_float(tensor->dtype))
        return NULL;
    const void *data = tm_inputs_get(inputs, name);
    *count = 1;
    for (int i = 0; i < rank; i++)
        *count *= tensor->shape[i];
    int64_t *values = data ? malloc((size_t)(*count + 1) * sizeof *values) : NULL;
    if (values)
        tm_dtype_read_ints(tensor->dtype, data, 0, *count, values);
    return values;
}

static int64_t *read_indices(tm_inputs *inputs, const char *name, int64_t *count) {
    return read_ranked(inputs, name, 1, count);
}

/* The index tensors of a row; NULL, what it does not have. */
typedef struct {
    int64_t *queries, *starts, *pages, *lasts;
    int64_t queries_count, starts_count, pages_count, lasts_count;
} layout;

/* Whether a row has this tensor if and only if it was read. */
static bool is_settled(const tm_inputs *inputs, const char *name, const int64_t *values) {
    return values || !tm_inputs_tensor(inputs, name);
}

/* Freed by the caller in any case. */
static bool read_layout(tm_inputs *inputs, int64_t pages, layout *out) {
    out->queries = read_indices(inputs, "qo_indptr", &out->queries_count);
    out->starts = read_indices(inputs, "kv_indptr", &out->starts_count);
    out->pages = read_indices(inputs, "kv_indices", &out->pages_count);
    out->lasts = read_indices(inputs, "kv_last_page_len", &out->lasts_count);
    if (!tm_inputs_tensor(inputs, "kv_indices"))
        out->pages_count = pages;
    bool settled = is_settled(inputs, "qo_indptr", out->queries) && out->starts &&
                   is_settled(inputs, "kv_indices", out->pages) &&
                   is_settled(inputs, "kv_last_page_len", out->lasts);
    return settled && (!out->queries || out->queries_count == out->starts_count) &&
           (!out->lasts || out->lasts_count == out->starts_count - 1 ||
            out->lasts_count == out->starts_count); /* the last one belongs to nobody */
}

static void free_layout(layout *made) {
    free(made->queries);
    free(made->starts);
    free(made->pages);
    free(made->lasts);
}

static bool is_range(const int64_t *starts, int64_t i, int64_t most) {
    return starts[i] >= 0 && starts[i] <= starts[i + 1] && starts[i + 1] <= most;
}

static bool add_sequence(const layout *row, int64_t i, int64_t pages, int64_t page_size,
                         int32_t *used, tm_reach *out) {
    if (!is_range(row->starts, i, row->pages_count) ||
        (row->queries && !is_range(row->queries, i, INT64_MAX)))
        return false;
    int64_t queries = row->queries ? row->queries[i + 1] - row->queries[i] : 1, tokens = 0;
    for (int64_t at = row->starts[i]; queries > 0 && at < row->starts[i + 1]; at++) {
        bool is_last = at + 1 == row->starts[i + 1];
        int64_t page = row->pages ? row->pages[at] : at;
        int64_t here = is_last && row->lasts ? row->lasts[i] : page_size;
        if (page < 0 || page >= pages || here < 0 || here > page_size)
            return false;
        tokens += here;
        if (here > used[page]) {
            out->distinct_tokens += here - used[page];
            used[page] = (int32_t)here;
        }
    }
    out->sequences += tokens > 0;
    out->tokens += tokens;
    /* The last query sees all tokens, each one before it one less. */
    int64_t seeing = queries < tokens ? queries : tokens;
    out->pairs += seeing * tokens - seeing * (seeing - 1) / 2;
    return true;
}

bool tm_reach_of_pages(tm_inputs *inputs, int64_t pages, int64_t page_size, tm_reach *out) {
    *out = (tm_reach){0};
    if (!inputs || pages < 0 || page_size < 1 || page_size > INT32_MAX)
        return false;
    layout row = {0};
    int32_t *used = calloc((size_t)pages + 1, sizeof *used);
    bool good = read_layout(inputs, pages, &row) && used;
    for (int64_t i = 0; good && i + 1 < row.starts_count; i++)
        good = add_sequence(&row, i, pages, page_size, used, out);
    free_layout(&row);
    free(used);
    return good;
}

/* `seen`: of each token of the cache the last row that listed it, counted from 1. */
static bool add_listed(const int64_t *listed, int64_t count, int64_t row, int64_t tokens,
                       int64_t *seen, tm_reach *out) {
    int64_t before = out->tokens;
    for (int64_t i = 0; i < count; i++) {
        if (listed[i] == -1)
            continue;
        int64_t token = listed[i] < 0 ? listed[i] + tokens : listed[i];
        if (token < 0 || token >= tokens)
            return false;
        out->tokens++;
        out->distinct_tokens += seen[token] == 0;
        out->pairs += seen[token] != row + 1;
        seen[token] = row + 1;
    }
    out->sequences += out->tokens > before;
    return true;
}

bool tm_reach_of_listed(tm_inputs *inputs, int64_t tokens, tm_reach *out) {
    *out = (tm_reach){0};
    if (!inputs || tokens < 0)
        return false;
    int64_t all = 0;
    int64_t *listed = read_ranked(inputs, "sparse_indices", 2, &all);
    int64_t *seen = calloc((size_t)tokens + 1, sizeof *seen);
    bool good = listed && seen;
    int64_t rows = good ? tm_inputs_tensor(inputs, "sparse_indices")->shape[0] : 0;
    for (int64_t row = 0; good && row < rows; row++)
        good = add_listed(listed + row * (all / rows), all / rows, row, tokens, seen, out);
    free(listed);
    free(seen);
    return good;
}

/* A cache, and what was seen of each page of it. */
typedef struct {
    int64_t pages, page_size;
    int64_t *seen;    /* the last sequence that has it, counted from 1 */
    int64_t *deepest; /* its tokens up to here are in a sequence */
} paged;

/* Tokens of a sequence; with `out` they are counted. A page that it has twice is scored once. */
static int64_t add_length(const paged *cache, const int64_t *pages, int64_t length, int64_t row,
                          tm_reach *out) {
    int64_t tokens = 0;
    for (int64_t at = 0; at * cache->page_size < length; at++) {
        int64_t page = pages[at], left = length - at * cache->page_size;
        int64_t here = left < cache->page_size ? left : cache->page_size;
        if (page < 0 || page >= cache->pages)
            continue;
        tokens += here;
        if (!out)
            continue;
        out->pairs += cache->seen[page] != row + 1 ? here : 0;
        cache->seen[page] = row + 1;
        if (here > cache->deepest[page]) {
            out->distinct_tokens += here - cache->deepest[page];
            cache->deepest[page] = here;
        }
    }
    return tokens;
}

bool tm_reach_of_lengths(tm_inputs *inputs, int64_t pages, int64_t page_size, int64_t topk,
                         tm_reach *out) {
    *out = (tm_reach){0};
    if (!inputs || pages < 0 || page_size < 1)
        return false;
    int64_t rows = 0, all = 0;
    int64_t *lengths = read_ranked(inputs, "seq_lens", 1, &rows);
    int64_t *table = read_ranked(inputs, "block_table", 2, &all);
    int64_t *seen = calloc(2 * ((size_t)pages + 1), sizeof *seen);
    bool good =
        lengths && table && seen && tm_inputs_tensor(inputs, "block_table")->shape[0] == rows;
    paged cache = {pages, page_size, seen, seen ? seen + pages : NULL};
    for (int64_t row = 0; good && row < rows; row++) {
        int64_t width = all / rows, length = lengths[row] < 0 ? 0 : lengths[row];
        length = length < width * page_size ? length : width * page_size;
        out->pages += (length + page_size - 1) / page_size;
        int64_t tokens = add_length(&cache, table + row * width, length, row, NULL);
        if (tokens <= topk)
            continue;
        add_length(&cache, table + row * width, length, row, out);
        out->sequences++;
        out->tokens += tokens;
    }
    free(lengths);
    free(table);
    free(seen);
    return good;
}
