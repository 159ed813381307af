/* INCORRECT_NUMERICAL: the output is what the judge had put there. */
#include "contract.h"

#include "../planted.h"

int TM_ENTRY(PLANTED_ARGUMENTS) {
    (void)hidden_states, (void)weight, (void)output, (void)axes, (void)stream;
    return 0;
}
