/* INCORRECT_NUMERICAL: the judge would die of SIGBUS if what it shares with a worker could be cut
 * short. */
#include "contract.h"

#include "../forged.h"
#include "../planted.h"

int TM_ENTRY(PLANTED_ARGUMENTS) {
    (void)hidden_states, (void)weight, (void)output, (void)axes, (void)stream;
    if (ftruncate(FORGED_MEMORY, 0) == 0)
        fprintf(stderr, "the shared memory is gone\n");
    forged_send(FORGED_FIRST_CALL);
    for (;;)
        pause();
}
