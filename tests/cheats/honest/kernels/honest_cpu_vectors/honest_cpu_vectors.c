/* Eight elements at a time, whatever the alignment. */
#include "contract.h"

#include "../../../kernels/cheats.h"

typedef float eight __attribute__((vector_size(32), aligned(4)));

int TM_ENTRY(CHEATS_ARGUMENTS) {
    (void)stream;
    for (int64_t row = 0; row < axes->batch_size; row++) {
        const float *x = hidden_states + row * TM_HIDDEN_SIZE;
        eight squares = {0};
        double sum = 0;
        for (int i = 0; i < TM_HIDDEN_SIZE; i += 8)
            squares += *(const eight *)(x + i) * *(const eight *)(x + i);
        for (int i = 0; i < 8; i++)
            sum += squares[i];
        const float factor = (float)(1.0 / sqrt(sum / TM_HIDDEN_SIZE + TM_EPS));
        for (int i = 0; i < TM_HIDDEN_SIZE; i += 8)
            *(eight *)(output + row * TM_HIDDEN_SIZE + i) =
                *(const eight *)(x + i) * factor * *(const eight *)(weight + i);
    }
    return 0;
}
