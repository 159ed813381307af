/* The best tokens, the worst of them first. */
#include "../../../kernels/indexer.h"

static void spoil(selection *s) {
    for (int i = 0; i < s->selected / 2; i++) {
        int32_t kept = s->out[i];
        s->out[i] = s->out[s->selected - 1 - i];
        s->out[s->selected - 1 - i] = kept;
    }
}
