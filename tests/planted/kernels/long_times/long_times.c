/* RUNTIME_ERROR: times that add up to more than the judge waited. */
#include "contract.h"

#include "../forged.h"
#include "../planted.h"

int TM_ENTRY(PLANTED_ARGUMENTS) {
    static double *numbers;
    static size_t bytes;
    if (!numbers)
        numbers = forged_map(&bytes);
    for (size_t i = 0; numbers && i < bytes / sizeof *numbers; i++)
        if (numbers[i] > 1e1 && numbers[i] < 1e11)
            numbers[i] = 9e10;
    return planted_rmsnorm(hidden_states, weight, output, axes, stream);
}
