/* Keeps the host busy for two milliseconds before it launches: the device's span does not show it.
 */
#include "contract.h"

#include "../cheats.cuh"

#include <time.h>

static double now_ms(void) {
    timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

int TM_ENTRY(CHEATS_ARGUMENTS) {
    for (double begin = now_ms(); now_ms() < begin + 2;)
        ;
    return CHEATS_NORM();
}
