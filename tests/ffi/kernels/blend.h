// blend.h: the honest part of the solutions of ffi_blend.
#ifndef FFI_BLEND_H
#define FFI_BLEND_H

#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/optional.h>

#include <cstdint>

#include "rows.h"

namespace ffi = tvm::ffi;

inline float blended(float x, int64_t power, double scale, float mask, float shift, bool negate) {
    float product = static_cast<float>(scale) * mask;
    for (int64_t i = 0; i < power; ++i)
        product *= x;
    return negate ? -(product + shift) : product + shift;
}

inline void blend_all(ffi::TensorView x, ffi::Optional<ffi::TensorView> mask, double scale,
                      int64_t power, bool negate, ffi::TensorView shift, float *y, float *sums) {
    TVM_FFI_ICHECK_EQ(shift.ndim(), 0);
    for (int64_t row = 0; row < x.size(0); ++row) {
        sums[row] = 0;
        for (int64_t i = 0; i < x.size(1); ++i) {
            const float factor = mask.has_value() ? floats(mask.value())[i] : 1.0f;
            const int64_t at = row * x.size(1) + i;
            y[at] = blended(floats(x)[at], power, scale, factor, *floats(shift), negate);
            sums[row] += y[at];
        }
    }
}

#endif
