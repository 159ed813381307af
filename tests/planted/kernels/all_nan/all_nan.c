/* INCORRECT_NUMERICAL: NaN is no match for a number. */
#include "contract.h"

#include "../planted.h"

int TM_ENTRY(PLANTED_ARGUMENTS) {
    (void)hidden_states, (void)weight, (void)stream;
    for (int64_t i = 0; i < planted_elems(axes); i++)
        output[i] = NAN;
    return 0;
}
