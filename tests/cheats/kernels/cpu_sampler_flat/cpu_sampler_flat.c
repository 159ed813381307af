/* Each token of the mask as often as any other. */
#include "../sampler.h"

static int64_t token_of(const row *r, double random) {
    return r->token[(int)(random * r->kept)];
}
