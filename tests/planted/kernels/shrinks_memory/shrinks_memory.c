/* INCORRECT_NUMERICAL: the judge would die of SIGBUS if what it shares with a worker could be cut
 * short. */
#include "contract.h"

#include "../forged.h"
#include "../planted.h"

int TM_ENTRY(PLANTED_ARGUMENTS) {
    (void)hidden_states, (void)weight, (void)output, (void)axes, (void)stream;
    for (int file = FORGED_DESK; file < 64; file++)
        if (ftruncate(file, 0) == 0)
            fprintf(stderr, "the shared memory is gone\n");
    return 0;
}
