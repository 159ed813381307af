/* PASSED, and the process that it started is gone afterwards, although it left group and session.
 */
#include "contract.h"

#include "../planted.h"

int TM_ENTRY(PLANTED_ARGUMENTS) {
    static int started;
    if (!started++ && planted_libc("fork", 0, 0) == 0) {
        setsid();
        if (planted_libc("fork", 0, 0) == 0)
            for (;;)
                pause();
        _exit(0);
    }
    return planted_rmsnorm(hidden_states, weight, output, axes, stream);
}
