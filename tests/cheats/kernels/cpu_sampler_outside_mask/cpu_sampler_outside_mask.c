/* One token in a hundred is behind the k likeliest. */
#include "../sampler.h"

static int64_t token_of(const row *r, double random) {
    if (random < 0.01)
        return r->token[r->kept < 60 ? r->kept + 4 : 63];
    return invert(r, random);
}
