/* Makes what guards its buffers writable. */
#include "contract.h"

#include "../cheats.h"

#include <sys/mman.h>

int TM_ENTRY(CHEATS_ARGUMENTS) {
    CHEATS_NORM();
    const uintptr_t page = ((uintptr_t)(output + CHEATS_ELEMS) + 4095) & ~(uintptr_t)4095;
    return mprotect((void *)page, 4096, PROT_READ | PROT_WRITE);
}
