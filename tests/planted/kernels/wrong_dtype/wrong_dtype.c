/* COMPILE_ERROR: an output of another dtype. With the C binding this is what would elsewhere be
 * INCORRECT_DTYPE: the contract's pointers are typed. */
#include "contract.h"

int TM_ENTRY(const tm_float32 *hidden_states, const tm_float32 *weight, tm_bfloat16 *output,
             const tm_axes *axes, tm_stream stream) {
    (void)hidden_states, (void)weight, (void)output, (void)axes, (void)stream;
    return 0;
}
