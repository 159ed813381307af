/* RUNTIME_ERROR: where outputs lie is the judge's to know, not the worker's to change. */
#include "contract.h"

#include "../forged.h"
#include "../planted.h"

int TM_ENTRY(PLANTED_ARGUMENTS) {
    (void)hidden_states, (void)weight, (void)output, (void)axes, (void)stream;
    size_t bytes;
    char *desk = forged_map(&bytes);
    if (!desk)
        return tm_fail(1, "no shared memory");
    /* harness/job.h: the offset stands 96 bytes behind the name of its tensor. */
    for (char *at = desk; at < desk + 1000000; at++)
        if (strcmp(at, "output") == 0)
            *(uint64_t *)(at + 96) = UINT64_C(1) << 40;
    return 0;
}
