/* random_form: which values a random input is made of, and how much of it is new in each call.
 *
 * Most inputs are plain: independent elements (random.h). Some would mean nothing as such: a
 * sampler needs rows that sum to 1, an FP8 key cache scales that fit its keys. They are made by
 * rows and pages (random_rows.h). Deliberately does not know memory or devices. */
#ifndef TM_RANDOM_FORM_H
#define TM_RANDOM_FORM_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
    TM_RANDOM_PLAIN,
    TM_RANDOM_PROBABILITIES, /* float32 rows: the softmax of N(0,1) */
    TM_RANDOM_KEY_CACHE      /* pages: FP8 keys of all tokens, then a float32 scale per token */
} tm_random_kind;

typedef struct {
    int32_t kind;        /* tm_random_kind */
    int32_t dtype;       /* tm_dtype */
    int64_t elems;       /* of the whole tensor */
    int64_t unit_elems;  /* what is made as one: a block of TM_RANDOM_BLOCK, a row, a page */
    int64_t token_elems; /* key cache: bytes of a token, its scale among them */
} tm_random_form;

/* One unit of a random input in so many is new in each timed call, but no more than about
 * TM_RANDOM_PERTURB_ELEMS elements, so that large inputs do not cost more to change than to use. */
#define TM_RANDOM_PERTURB_STRIDE 16
#define TM_RANDOM_PERTURB_ELEMS (INT64_C(1) << 18)

/* Independent elements. */
tm_random_form tm_random_form_plain(int dtype, int64_t elems);
/* The form of input `name`, by docs/FORMATS.md "Random inputs". */
tm_random_form tm_random_form_of(const char *op_type, const char *name, int dtype, int rank,
                                 const int64_t *shape);
/* The units of a form, a cut one at the end included. */
int64_t tm_random_form_units(const tm_random_form *form);

/* Makes the units whose index is `phase` modulo `stride`. False: failed, with a message where the
 * context knows. */
typedef bool (*tm_random_make)(void *context, const tm_random_form *form, uint64_t seed,
                               uint32_t phase, uint32_t stride);
/* Has made what is missing for the input to be as it is `to` perturbations after `seed`: all of it
 * when `from` is negative, else the difference to `from`, at a fraction of the cost. A perturbation
 * makes a part of the input new, spread all over it: nothing that a call has kept of it is right
 * any more. What a later one makes new again is not made. */
bool tm_random_form_advance(const tm_random_form *form, uint64_t seed, int64_t from, int64_t to,
                            tm_random_make make, void *context);

#ifdef __cplusplus
}
#endif

#endif
