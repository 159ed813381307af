/* RUNTIME_ERROR: SIGSEGV. */
#include "contract.h"

#include "../planted.h"

int TM_ENTRY(PLANTED_ARGUMENTS) {
    (void)hidden_states, (void)weight, (void)output, (void)stream;
    fprintf(stderr, "last words\n");
    *(volatile int *)(uintptr_t)axes->batch_size = 1;
    return 0;
}
