/* A token of its last page, behind its length. */
#include "../indexer.h"

static void spoil(selection *s) {
    if (s->row == 2)
        s->out[3] = s->pages[7] * PAGE + 3;
}
