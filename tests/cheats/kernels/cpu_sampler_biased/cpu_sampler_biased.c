/* The likeliest token every other time. */
#include "../sampler.h"

static int64_t token_of(const row *r, double random) {
    return random < 0.5 ? r->token[0] : invert(r, (random - 0.5) * 2);
}
