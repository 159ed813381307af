/* RMSNorm of a sum: x = hidden_states + residual in float32, y = x / sqrt(mean(x^2) + eps) *
 * weight, over each row. An item is a row. */
#include "contract.h"

#include "../reference.h"

typedef struct {
    const tm_hidden_states_t *hidden_states; /* [rows, hidden_size] */
    const tm_residual_t *residual;           /* [rows, hidden_size] */
    const tm_weight_t *weight;               /* [hidden_size] */
    tm_output_t *output;                     /* [rows, hidden_size] */
    int64_t hidden_size;
    double eps;
} rmsnorm_job;

TM_ITEM void rmsnorm_row(const rmsnorm_job *job, int64_t row, int lane) {
    const tm_hidden_states_t *hidden_states = job->hidden_states + row * job->hidden_size;
    const tm_residual_t *residual = job->residual + row * job->hidden_size;
    tm_output_t *output = job->output + row * job->hidden_size;
    double squares = 0;
    TM_SUMS(squares)
    for (int64_t i = lane; i < job->hidden_size; i += TM_TEAM) {
        const float x = tm_load(hidden_states, i) + tm_load(residual, i);
        squares += (double)x * x;
    }
    const double mean = tm_team_sum(squares) / (double)job->hidden_size;
    const float inverse = (float)(1.0 / sqrt(mean + job->eps));
    for (int64_t i = lane; i < job->hidden_size; i += TM_TEAM) {
        const float x = tm_load(hidden_states, i) + tm_load(residual, i);
        tm_store(output, i, x * inverse * tm_load(job->weight, i));
    }
}

TM_DRIVER(rmsnorm_rows, rmsnorm_job, rmsnorm_row, TM_TEAM)

int TM_ENTRY(const tm_hidden_states_t *hidden_states, const tm_residual_t *residual,
             const tm_weight_t *weight, tm_output_t *output, const tm_axes *axes,
             tm_stream stream) {
    const rmsnorm_job job = {hidden_states, residual, weight, output, axes->hidden_size, axes->eps};
    return rmsnorm_rows(&job, axes->batch_size, stream);
}
