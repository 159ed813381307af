#include "gen/served.h"

#include <string.h>

const char *tm_served_reason(const tm_options *options, const tm_solution *solution,
                             tm_arena *arena) {
    switch (solution->language) {
    case TM_LANGUAGE_PYTHON:
    case TM_LANGUAGE_TRITON:
    case TM_LANGUAGE_TILELANG:
        return tm_arena_format(arena, "language %s needs the Python host, which comes later",
                               solution->language_name);
    case TM_LANGUAGE_OTHER:
        return tm_arena_format(arena, "language %s is not supported", solution->language_name);
    default:
        break;
    }
    if (solution->binding == TM_BINDING_TORCH)
        return "the torch binding needs the Python host, which comes later";
    if (solution->binding == TM_BINDING_TVM_FFI)
        return "the tvm-ffi binding is not served yet";
    if (!solution->destination_passing)
        return "its outputs are return values (destination_passing_style is false), and the C "
               "binding passes them as arguments";
    bool cpu = strcmp(options->backend, "cpu") == 0;
    if (cpu && !solution->runs_on_cpu)
        return "targets a GPU, and this build is for the CPU";
    if (!cpu && !solution->runs_on_gpu)
        return "targets the CPU, and this build is for a GPU";
    if (cpu && solution->language == TM_LANGUAGE_CUDA)
        return "language cuda does not run on the CPU";
    return NULL;
}
