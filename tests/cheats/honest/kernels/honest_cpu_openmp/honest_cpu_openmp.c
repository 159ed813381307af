/* Shares its rows among OpenMP's threads. */
#include "contract.h"

#include "../../../kernels/cheats.h"

int TM_ENTRY(CHEATS_ARGUMENTS) {
    (void)stream;
#pragma omp parallel for schedule(static)
    for (int64_t row = 0; row < axes->batch_size; row++)
        cheats_rows(hidden_states, weight, output, row, row + 1);
    return 0;
}
