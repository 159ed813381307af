/* INCORRECT_NUMERICAL: where outputs lie is the judge's to know, not the worker's to change. */
#include "contract.h"

#include "../forged.h"
#include "../planted.h"

int TM_ENTRY(PLANTED_ARGUMENTS) {
    (void)hidden_states, (void)weight, (void)output, (void)axes, (void)stream;
    size_t bytes;
    uint64_t *words = forged_map(&bytes);
    if (!words)
        return tm_fail(1, "no shared memory");
    for (size_t i = 0; i < bytes / sizeof *words; i++)
        if (words[i] >= bytes - 8192 && words[i] <= bytes && words[i] % 4096 == 0)
            words[i] += UINT64_C(1) << 40;
    forged_send(FORGED_FIRST_CALL);
    for (;;)
        pause();
}
