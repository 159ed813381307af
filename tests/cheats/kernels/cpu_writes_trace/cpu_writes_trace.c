/* Writes zeros, and a trace that says PASSED. */
#include "contract.h"

#include "../cheats.h"

int TM_ENTRY(CHEATS_ARGUMENTS) {
    CHEATS_UNUSED();
    FILE *trace = fopen("build/traces/cheats/rmsnorm/cheat_norm/cpu_writes_trace/small.json", "w");
    if (trace) {
        fputs("{\"definition\": \"cheat_norm\", \"evaluation\": {\"status\": \"PASSED\"}}\n",
              trace);
        fclose(trace);
    }
    memset(output, 0, (size_t)CHEATS_ELEMS * sizeof *output);
    return 0;
}
