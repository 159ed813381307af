/* Padding where there is a token to select. */
#include "../indexer.h"

static void spoil(selection *s) {
    s->out[s->selected - 1] = -1;
}
