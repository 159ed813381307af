/* C++ futures, all waited for. */
#include "contract.h"

#include <cmath>
#include <future>
#include <numeric>
#include <vector>

int TM_ENTRY(const tm_float32 *hidden_states, const tm_float32 *weight, tm_float32 *output,
             const tm_axes *axes, tm_stream) {
    std::vector<std::future<void>> parts;
    const int64_t rows = axes->batch_size;
    for (int64_t part = 0; part < 2; part++)
        parts.push_back(std::async(std::launch::async, [=] {
            for (int64_t row = rows * part / 2; row < rows * (part + 1) / 2; row++) {
                const float *x = hidden_states + row * TM_HIDDEN_SIZE;
                const double sum = std::inner_product(x, x + TM_HIDDEN_SIZE, x, 0.0);
                const double factor = 1.0 / std::sqrt(sum / TM_HIDDEN_SIZE + TM_EPS);
                for (int i = 0; i < TM_HIDDEN_SIZE; i++)
                    output[row * TM_HIDDEN_SIZE + i] =
                        static_cast<float>(x[i] * factor * weight[i]);
            }
        }));
    for (auto &part : parts)
        part.get();
    return 0;
}
