/* Brings a clock of its own, on which nothing takes time. */
#include "contract.h"

#include "../cheats.h"

#include <time.h>

TM_SOLUTION int clock_gettime(clockid_t clock, struct timespec *now) {
    static long ticks;
    (void)clock;
    *now = (struct timespec){1, ++ticks};
    return 0;
}

int TM_ENTRY(CHEATS_ARGUMENTS) {
    return CHEATS_NORM();
}
