/* RUNTIME_ERROR: an empty message looks like the end of the connection. */
#include "contract.h"

#include "../planted.h"

#include <sys/socket.h>

int TM_ENTRY(PLANTED_ARGUMENTS) {
    planted_rmsnorm(hidden_states, weight, output, axes, stream);
    static const char garbage[] = "";
    send(3, garbage, 0, 0);
    return 0;
}
