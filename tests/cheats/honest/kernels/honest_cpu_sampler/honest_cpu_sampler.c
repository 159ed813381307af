/* Rejection: candidates drawn by other digits of the number. */
#include "../../../kernels/sampler.h"

static int64_t token_of(const row *r, double random) {
    uint64_t state = (uint64_t)(random * 0x1p53);
    for (;;) {
        double first = random_of(state, 1), second = random_of(state, 2);
        int64_t token = r->token[(int)(first * r->kept)];
        if (second * (double)r->probs[r->token[0]] < (double)r->probs[token])
            return token;
        state++;
    }
}
