/* Writes into the memory of the judge. */
#include "contract.h"

#include "../cheats.h"

#include <sys/uio.h>

int TM_ENTRY(CHEATS_ARGUMENTS) {
    CHEATS_UNUSED();
    char byte = 0;
    struct iovec here = {&byte, 1}, there = {(void *)0x400000, 1};
    return (int)process_vm_writev(getppid(), &here, 1, &there, 1, 0);
}
