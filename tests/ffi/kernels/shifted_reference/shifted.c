/* ffi_shifted: an item is a row. */
#include "contract.h"

#include "../../../../kernels/reference/reference.h"

typedef struct {
    const tm_float32 *x;
    tm_float32 *output;
} shifted_job;

TM_ITEM void shifted_row(const shifted_job *job, int64_t row, int lane) {
    for (int64_t i = lane; i < TM_WIDTH; i += TM_TEAM)
        job->output[row * TM_WIDTH + i] = row > 0 ? job->x[(row - 1) * TM_WIDTH + i] : 0;
}

TM_DRIVER(shifted_rows, shifted_job, shifted_row, TM_TEAM)

int TM_ENTRY(const tm_float32 *x, tm_float32 *output, const tm_axes *axes, tm_stream stream) {
    const shifted_job job = {x, output};
    return shifted_rows(&job, axes->rows, stream);
}
