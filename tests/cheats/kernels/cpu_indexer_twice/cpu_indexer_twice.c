/* The best token twice. */
#include "../indexer.h"

static void spoil(selection *s) {
    s->out[1] = s->out[0];
}
