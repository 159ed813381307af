/* Reads and writes through bytes. */
#include "contract.h"

#include "../../../kernels/cheats.h"

int TM_ENTRY(CHEATS_ARGUMENTS) {
    (void)stream;
    for (int64_t row = 0; row < axes->batch_size; row++) {
        float x[TM_HIDDEN_SIZE], y[TM_HIDDEN_SIZE];
        memcpy(x, (const char *)hidden_states + row * (int64_t)sizeof x, sizeof x);
        cheats_row(x, weight, y);
        memcpy((char *)output + row * (int64_t)sizeof y, y, sizeof y);
    }
    return 0;
}
