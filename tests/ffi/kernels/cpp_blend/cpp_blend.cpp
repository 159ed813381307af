// An optional input, three kinds of scalars, a tensor without axes, two outputs.
#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/function.h>
#include <tvm/ffi/optional.h>

#include "../blend.h"

static void blend(ffi::TensorView x, ffi::Optional<ffi::TensorView> mask, double scale,
                  int64_t power, bool negate, ffi::TensorView shift, ffi::TensorView y,
                  ffi::TensorView sums) {
    blend_all(x, mask, scale, power, negate, shift, floats(y), floats(sums));
}

TVM_FFI_DLL_EXPORT_TYPED_FUNC(run, blend);
