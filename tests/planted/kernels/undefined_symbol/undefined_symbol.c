/* COMPILE_ERROR: the link fails, as everything must be resolved when a solution is linked. */
#include "contract.h"

#include "../planted.h"

int planted_function_that_nobody_defines(void);

int TM_ENTRY(PLANTED_ARGUMENTS) {
    (void)hidden_states, (void)weight, (void)output, (void)axes, (void)stream;
    return planted_function_that_nobody_defines();
}
