/* RUNTIME_ERROR: memory ends before the machine's does. One page per block is touched, so that the
 * test is cheap. */
#include "contract.h"

#include "../planted.h"

int TM_ENTRY(PLANTED_ARGUMENTS) {
    (void)hidden_states, (void)weight, (void)output, (void)axes, (void)stream;
    const size_t block = (size_t)256 << 20;
    for (int64_t blocks = 0;; blocks++) {
        char *memory = malloc(block);
        if (!memory)
            return tm_fail(12, "out of memory after %lld blocks of 256 MiB", (long long)blocks);
        *(volatile char *)memory = 1;
    }
}
