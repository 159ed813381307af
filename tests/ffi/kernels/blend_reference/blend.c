/* ffi_blend: an item is a row. */
#include "contract.h"

#include "../../../../kernels/reference/reference.h"

typedef struct {
    const tm_float32 *x, *mask, *shift;
    tm_float32 *y, *sums;
    float scale;
    int power, negate;
} blend_job;

TM_ITEM void blend_row(const blend_job *job, int64_t row, int lane) {
    double sum = 0;
    for (int64_t i = lane; i < TM_WIDTH; i += TM_TEAM) {
        float value = job->scale * (job->mask ? job->mask[i] : 1.0f);
        for (int n = 0; n < job->power; n++)
            value *= job->x[row * TM_WIDTH + i];
        value += *job->shift;
        value = job->negate ? -value : value;
        job->y[row * TM_WIDTH + i] = value;
        sum += value;
    }
    sum = tm_team_sum(sum);
    if (lane == 0)
        job->sums[row] = (float)sum;
}

TM_DRIVER(blend_rows, blend_job, blend_row, TM_TEAM)

int TM_ENTRY(const tm_float32 *x, const tm_float32 *mask, tm_scale_t scale, tm_power_t power,
             tm_negate_t negate, const tm_float32 *shift, tm_float32 *y, tm_float32 *sums,
             const tm_axes *axes, tm_stream stream) {
    const blend_job job = {x, mask, shift, y, sums, (float)scale, (int)power, (int)negate};
    return blend_rows(&job, axes->rows, stream);
}
