/* RUNTIME_ERROR: the clock's cross-check is no number; the times themselves are left alone. */
#include "contract.h"

#include "../forged.h"
#include "../planted.h"

int TM_ENTRY(PLANTED_ARGUMENTS) {
    static double *numbers;
    static size_t bytes;
    if (!numbers)
        numbers = forged_map(&bytes);
    /* On a CPU a sample's cross-check stands behind its time and is the same number. */
    for (size_t i = 1; numbers && i < bytes / sizeof *numbers; i++)
        if (numbers[i] > 1e1 && numbers[i] < 1e11 && numbers[i] == numbers[i - 1])
            numbers[i] = (double)NAN;
    return planted_rmsnorm(hidden_states, weight, output, axes, stream);
}
