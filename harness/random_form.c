#include "harness/random_form.h"

#include <string.h>

#include "lib/random.h"

/* Bytes of a token's scale. */
#define SCALE_BYTES 4

tm_random_form tm_random_form_plain(int dtype, int64_t elems) {
    return (tm_random_form){TM_RANDOM_PLAIN, dtype, elems, TM_RANDOM_BLOCK, 0};
}

tm_random_form tm_random_form_of(const char *op_type, const char *name, int dtype, int rank,
                                 const int64_t *shape) {
    tm_random_form form = tm_random_form_plain(dtype, 1);
    for (int i = 0; i < rank; i++)
        form.elems *= shape[i];
    int64_t last = rank > 0 ? shape[rank - 1] : 0;
    if (form.elems == 0)
        return form;
    if (strcmp(op_type, "sampling") == 0 && strcmp(name, "probs") == 0 &&
        dtype == TM_DTYPE_FLOAT32) {
        form.kind = TM_RANDOM_PROBABILITIES;
        form.unit_elems = last;
    } else if (strncmp(op_type, "dsa", 3) == 0 && strcmp(name, "k_index_cache_fp8") == 0 &&
               dtype == TM_DTYPE_INT8 && rank == 4 && shape[2] == 1 && last > SCALE_BYTES &&
               last % TM_RANDOM_BLOCK == 0) {
        form.kind = TM_RANDOM_KEY_CACHE;
        form.unit_elems = shape[1] * last;
        form.token_elems = last;
    }
    return form;
}

int64_t tm_random_form_units(const tm_random_form *form) {
    return form->elems / form->unit_elems + (form->elems % form->unit_elems != 0);
}

/* One unit in so many is new after a perturbation; at least one always is. */
static int64_t stride_of(const tm_random_form *form) {
    int64_t stride = TM_RANDOM_PERTURB_STRIDE, units = tm_random_form_units(form);
    while (stride > 1 && stride > units)
        stride /= 2;
    while (form->elems / stride > TM_RANDOM_PERTURB_ELEMS && stride <= units / 2)
        stride *= 2;
    return stride;
}

bool tm_random_form_advance(const tm_random_form *form, uint64_t seed, int64_t from, int64_t to,
                            tm_random_make make, void *context) {
    int64_t stride = stride_of(form);
    if (from < 0 && !make(context, form, seed, 0, 1))
        return false;
    from = from < 0 ? 0 : from;
    for (int64_t step = from > to - stride ? from + 1 : to - stride + 1; step <= to; step++)
        if (!make(context, form, seed + (uint64_t)step, (uint32_t)(step % stride),
                  (uint32_t)stride))
            return false;
    return true;
}
