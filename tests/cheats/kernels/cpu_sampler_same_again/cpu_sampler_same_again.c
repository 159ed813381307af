/* The same tokens in every call, drawn once. */
#include "../sampler.h"

static int64_t token_of(const row *r, double random) {
    static double drawn;
    drawn = drawn == 0 ? random : drawn;
    return invert(r, drawn);
}
