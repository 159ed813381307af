/* PASSED, with a log that is cut: a gigabyte of output, in the first call. */
#include "contract.h"

#include "../planted.h"

int TM_ENTRY(PLANTED_ARGUMENTS) {
    static char line[1 << 16];
    if (line[0] == 0) {
        memset(line, 'x', sizeof line);
        line[sizeof line - 1] = '\n';
        for (int64_t left = INT64_C(1) << 30; left > 0;) {
            ssize_t put = write(STDOUT_FILENO, line, sizeof line);
            if (put < 0)
                return tm_fail(1, "the output is closed");
            left -= put;
        }
    }
    return planted_rmsnorm(hidden_states, weight, output, axes, stream);
}
