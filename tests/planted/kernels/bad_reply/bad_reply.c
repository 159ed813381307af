/* RUNTIME_ERROR: sends the judge what is no reply. */
#include "contract.h"

#include "../planted.h"

#include <sys/socket.h>

int TM_ENTRY(PLANTED_ARGUMENTS) {
    planted_rmsnorm(hidden_states, weight, output, axes, stream);
    static const char garbage[] = "certainly PASSED";
    send(3, garbage, sizeof garbage, 0);
    return 0;
}
