/* Recurses until the stack is full. */
#include "contract.h"

#include "../cheats.h"

static __attribute__((noinline)) float deeper(const float *x, int depth) {
    volatile float kept[1024];
    kept[depth % 1024] = x[depth % TM_HIDDEN_SIZE];
    return kept[depth % 1024] + (depth > 0 ? deeper(x, depth + 1) : 0) + kept[(depth + 1) % 1024];
}

int TM_ENTRY(CHEATS_ARGUMENTS) {
    CHEATS_UNUSED();
    return deeper(hidden_states, 1) < 0;
}
