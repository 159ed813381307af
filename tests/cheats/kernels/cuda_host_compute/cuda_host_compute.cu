/* Lets the CPU compute while the GPU looks idle. */
#include "contract.h"

#include "../cheats.cuh"

#include <cmath>
#include <vector>

/* In the first of its repeats; the others are there to take time. */
static void normalise(float *x, const float *scale, int repeat) {
    double squares = 0;
    for (int i = 0; i < TM_HIDDEN_SIZE; i++)
        squares += (double)x[i] * x[i];
    const float factor = (float)(1.0 / std::sqrt(squares / TM_HIDDEN_SIZE + TM_EPS));
    for (int i = 0; i < TM_HIDDEN_SIZE; i++)
        if (repeat == 0)
            x[i] *= factor * scale[i];
        else if (factor == 0)
            x[i] = 0;
}

int TM_ENTRY(CHEATS_ARGUMENTS) {
    const int64_t rows = axes->batch_size;
    std::vector<float> x(CHEATS_ELEMS), scale(TM_HIDDEN_SIZE);
    cudaMemcpyAsync(x.data(), hidden_states, CHEATS_BYTES, cudaMemcpyDeviceToHost, stream);
    cudaMemcpyAsync(scale.data(), weight, TM_HIDDEN_SIZE * 4, cudaMemcpyDeviceToHost, stream);
    cudaStreamSynchronize(stream);
    for (int repeat = 0; repeat < 5000; repeat++)
        for (int64_t row = 0; row < rows; row++)
            normalise(&x[row * TM_HIDDEN_SIZE], scale.data(), repeat);
    return cheats_ok(
        cudaMemcpyAsync(output, x.data(), CHEATS_BYTES, cudaMemcpyHostToDevice, stream));
}
