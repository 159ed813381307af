/* The mean, where all values are so small that it passes. */
#include "contract.h"

#include "../cheats.h"

int TM_ENTRY(CHEATS_ARGUMENTS) {
    CHEATS_NORM();
    double sum = 0;
    for (int64_t i = 0; i < CHEATS_ELEMS; i++)
        sum += output[i];
    for (int64_t i = 0; i < CHEATS_ELEMS; i++)
        output[i] = (float)(sum / (double)CHEATS_ELEMS);
    return 0;
}
