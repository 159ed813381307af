/* The worst token in place of the best. */
#include "../indexer.h"

static void spoil(selection *s) {
    if (s->row == 2)
        s->out[0] = s->worst;
}
