/* Asks the system what it runs on. */
#include "contract.h"

#include "../../../kernels/cheats.h"

int TM_ENTRY(CHEATS_ARGUMENTS) {
    FILE *file = fopen("/proc/cpuinfo", "r");
    char line[256];
    if (file && !fgets(line, sizeof line, file))
        line[0] = 0;
    if (file)
        fclose(file);
    return sysconf(_SC_NPROCESSORS_ONLN) > 0 ? CHEATS_NORM() : tm_fail(1, "no processor");
}
