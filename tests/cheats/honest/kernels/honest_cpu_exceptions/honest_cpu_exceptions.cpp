/* C++ that throws and catches inside. */
#include "contract.h"

#include <cmath>
#include <stdexcept>
#include <vector>

int TM_ENTRY(const tm_float32 *hidden_states, const tm_float32 *weight, tm_float32 *output,
             const tm_axes *axes, tm_stream) {
    std::vector<double> squares(static_cast<size_t>(axes->batch_size));
    for (size_t row = 0; row <= squares.size(); row++)
        try {
            double &sum = squares.at(row); /* throws behind the last row */
            const float *x = hidden_states + row * TM_HIDDEN_SIZE;
            for (int i = 0; i < TM_HIDDEN_SIZE; i++)
                sum += static_cast<double>(x[i]) * x[i];
            const double factor = 1.0 / std::sqrt(sum / TM_HIDDEN_SIZE + TM_EPS);
            for (int i = 0; i < TM_HIDDEN_SIZE; i++)
                output[row * TM_HIDDEN_SIZE + i] = static_cast<float>(x[i] * factor * weight[i]);
        } catch (const std::out_of_range &) {
            return 0;
        }
    return 1;
}
