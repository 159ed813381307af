/* RUNTIME_ERROR: SIGABRT. */
#include "contract.h"

#include "../planted.h"

int TM_ENTRY(PLANTED_ARGUMENTS) {
    (void)hidden_states, (void)weight, (void)output, (void)axes, (void)stream;
    printf("unflushed last words\n");
    abort();
}
