/* A token of a page of another row. */
#include "../indexer.h"

static void spoil(selection *s) {
    if (s->row == 1)
        s->out[3] = s->pages[8] * PAGE;
}
