/* A table that its constructor fills. */
#include "contract.h"

#include "../../../kernels/cheats.h"

static float table[64];

static __attribute__((constructor)) void fill_table(void) {
    for (int i = 0; i < 64; i++)
        table[i] = 1;
}

int TM_ENTRY(CHEATS_ARGUMENTS) {
    CHEATS_NORM();
    for (int64_t i = 0; i < CHEATS_ELEMS; i++)
        output[i] *= table[i % 64];
    return 0;
}
