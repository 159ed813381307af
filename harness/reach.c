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

static bool add_sequence(const int64_t *indices, int64_t count, int64_t last, int64_t pages,
                         int64_t page_size, int32_t *used, tm_reach *out) {
    for (int64_t i = 0; i < count; i++) {
        int64_t tokens = i + 1 < count ? page_size : last, page = indices[i];
        if (page < 0 || page >= pages || tokens < 0 || tokens > page_size)
            return false;
        out->tokens += tokens;
        if (tokens > used[page]) {
            out->distinct_tokens += tokens - used[page];
            used[page] = (int32_t)tokens;
        }
    }
    out->sequences += count > 0;
    return true;
}

bool tm_reach_of_pages(tm_inputs *inputs, int64_t pages, int64_t page_size, tm_reach *out) {
    int64_t starts_count = 0, indices_count = 0, lasts_count = 0;
    bool good = inputs && pages >= 0 && page_size > 0 && page_size <= INT32_MAX;
    *out = (tm_reach){0};
    if (!good)
        return false;
    int64_t *starts = read_indices(inputs, "kv_indptr", &starts_count);
    int64_t *indices = read_indices(inputs, "kv_indices", &indices_count);
    int64_t *lasts = read_indices(inputs, "kv_last_page_len", &lasts_count);
    int32_t *used = calloc((size_t)pages + 1, sizeof *used);
    good =
        starts && indices && used &&
        (lasts ? lasts_count == starts_count - 1 : !tm_inputs_tensor(inputs, "kv_last_page_len"));
    for (int64_t i = 0; good && i + 1 < starts_count; i++)
        good = starts[i] >= 0 && starts[i] <= starts[i + 1] && starts[i + 1] <= indices_count &&
               add_sequence(indices + starts[i], starts[i + 1] - starts[i],
                            lasts ? lasts[i] : page_size, pages, page_size, used, out);
    free(starts);
    free(indices);
    free(lasts);
    free(used);
    return good;
}
