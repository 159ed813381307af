/* One token in a hundred is the size of the vocabulary. */
#include "../sampler.h"

static int64_t token_of(const row *r, double random) {
    return random < 0.01 ? VOCABULARY : invert(r, random);
}
