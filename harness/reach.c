#include "harness/reach.h"

#include <stdlib.h>

/* A blob of integers, one after the other; NULL: it is none. Caller frees. */
static int64_t *read_indices(tm_inputs *inputs, const char *name, int64_t *count) {
    const tm_table_tensor *tensor = tm_inputs_tensor(inputs, name);
    if (!tensor || tensor->fill != TM_FILL_BLOB || tensor->rank != 1 ||
        tm_dtype_is_float(tensor->dtype))
        return NULL;
    const void *data = tm_inputs_get(inputs, name);
    *count = tensor->shape[0];
    int64_t *values = data ? malloc((size_t)(*count + 1) * sizeof *values) : NULL;
    if (values)
        tm_dtype_read_ints(tensor->dtype, data, 0, *count, values);
    return values;
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
