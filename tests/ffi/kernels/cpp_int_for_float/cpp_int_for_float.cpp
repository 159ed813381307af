// An integer parameter for a float.
#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/function.h>
#include <tvm/ffi/optional.h>

#include "../blend.h"

static void blend(ffi::TensorView x, ffi::Optional<ffi::TensorView> mask, int64_t scale,
                  int64_t power, bool negate, ffi::TensorView shift, ffi::TensorView y,
                  ffi::TensorView sums) {
    blend_all(x, mask, static_cast<double>(scale), power, negate, shift, floats(y), floats(sums));
}

TVM_FFI_DLL_EXPORT_TYPED_FUNC(run, blend);
