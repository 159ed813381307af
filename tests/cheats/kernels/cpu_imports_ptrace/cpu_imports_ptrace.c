/* Attaches to the judge. */
#include "contract.h"

#include "../cheats.h"

#include <sys/ptrace.h>

int TM_ENTRY(CHEATS_ARGUMENTS) {
    CHEATS_UNUSED();
    return (int)ptrace(PTRACE_ATTACH, getppid(), NULL, NULL);
}
