/* RUNTIME_ERROR: times that are no numbers, or negative. */
#include "contract.h"

#include "../forged.h"
#include "../planted.h"

int TM_ENTRY(PLANTED_ARGUMENTS) {
    static double *numbers;
    static size_t bytes;
    if (!numbers)
        numbers = forged_map(&bytes);
    /* Nothing else there reads as a number between 10 ns and 100 s. */
    for (size_t i = 0; numbers && i < bytes / sizeof *numbers; i++)
        if (numbers[i] > 1e1 && numbers[i] < 1e11)
            numbers[i] = i % 2 ? (double)NAN : -1e300;
    return planted_rmsnorm(hidden_states, weight, output, axes, stream);
}
