#include "gen/served.h"

#include <ctype.h>
#include <string.h>

#include "gen/dependencies.h"

/* What is called from a Python, wherever it runs. */
static tm_served judge_language(const tm_solution *solution, tm_arena *arena) {
    switch (solution->language) {
    case TM_LANGUAGE_PYTHON:
    case TM_LANGUAGE_TRITON:
    case TM_LANGUAGE_TILELANG:
        return (tm_served){"NEEDS_PYTHON", tm_arena_format(arena, "language %s needs a Python",
                                                           solution->language_name)};
    case TM_LANGUAGE_OTHER:
        return (tm_served){"NEEDS_COMPILER",
                           tm_arena_format(arena, "language %s is none that tracemill knows",
                                           solution->language_name)};
    default:
        break;
    }
    if (solution->binding == TM_BINDING_TORCH)
        return (tm_served){"NEEDS_PYTHON", "the torch binding needs a Python"};
    return (tm_served){NULL, NULL};
}

/* Why it will never run in a build like this one, or NULL. */
static const char *unsuited(const tm_options *options, const tm_solution *solution) {
    bool cpu = strcmp(options->backend, "cpu") == 0;
    if (solution->binding == TM_BINDING_TVM_FFI && solution->role == TM_ROLE_REFERENCE)
        return "a native reference has the C binding";
    if (solution->binding == TM_BINDING_C && !solution->destination_passing)
        return "its outputs are return values (destination_passing_style is false), and the C "
               "binding passes them as arguments";
    if (cpu && !solution->runs_on_cpu)
        return "targets a GPU, and this build is for the CPU";
    if (!cpu && !solution->runs_on_gpu)
        return "targets the CPU, and this build is for a GPU";
    if (cpu && solution->language == TM_LANGUAGE_CUDA)
        return "language cuda does not run on the CPU";
    return NULL;
}

/* Whether it has the headers of tvm-ffi among its sources. */
static bool brings_tvm_ffi(const tm_solution *solution) {
    for (size_t i = 0; i < solution->file_count; i++)
        if (strstr(solution->files[i].path, "tvm/ffi/"))
            return true;
    return false;
}

tm_served tm_served_judge(const tm_options *options, const tm_solution *solution, tm_arena *arena) {
    tm_served served = judge_language(solution, arena);
    if (served.reason)
        return served;
    served.reason = unsuited(options, solution);
    if (served.reason)
        return served;
    if (solution->binding == TM_BINDING_TVM_FFI && !tm_dependencies_have(options, "tvm-ffi") &&
        !brings_tvm_ffi(solution))
        return (tm_served){"NEEDS_TVM_FFI", "tvm-ffi was not found; --install-deps installs it"};
    const tm_dependency *missing = tm_dependencies_missing(options, solution, arena);
    if (!missing)
        return served;
    char *status = tm_arena_format(arena, "NEEDS_%s", missing->name);
    for (char *c = status; *c; c++)
        *c = (char)toupper((unsigned char)*c);
    return (tm_served){
        status, tm_arena_format(arena, "%s was not found; %s", missing->name, missing->remedy)};
}
