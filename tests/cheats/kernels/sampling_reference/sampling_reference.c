/* Inversion over the sorted row. */
#include "../sampler.h"

static int64_t token_of(const row *r, double random) {
    return invert(r, random);
}
