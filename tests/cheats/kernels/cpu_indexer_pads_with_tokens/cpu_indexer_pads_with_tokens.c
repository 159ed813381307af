/* The first token where there is none to select. */
#include "../indexer.h"

static void spoil(selection *s) {
    if (s->row == 0)
        s->out[7] = s->out[0];
}
