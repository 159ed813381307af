#include "gen/pack_native.h"

#include <errno.h>
#include <string.h>

#include "gen/constants.h"
#include "gen/filters.h"
#include "gen/pack.h"
#include "gen/pack_tvm_ffi.h"
#include "lib/file.h"

bool tm_pack_native_open(tm_pack_native *native, const tm_options *options, const tm_scan *scan,
                         tm_arena *arena, tm_diag *diag) {
    const char *path = tm_file_join(arena, options->srcdir, "harness/include/tracemill.h");
    *native = (tm_pack_native){scan, tm_file_read(arena, path), arena, diag};
    if (!native->tracemill_h)
        tm_diag_error(diag, tm_diag_command_line, NULL,
                      "%s: cannot be read: %s; run tm-pack in a build folder, or give --srcdir=DIR",
                      path, strerror(errno));
    return native->tracemill_h;
}

const char *tm_pack_native_refuse(const tm_solution *solution, tm_arena *arena) {
    if (solution->language > TM_LANGUAGE_CUDA)
        return tm_arena_format(arena, "its language is %s", solution->language_name);
    if (solution->binding != TM_BINDING_C)
        return "its binding is not \"c\"";
    if (!solution->destination_passing)
        return "its destination_passing_style is false, and contract.h passes outputs";
    if (solution->baked_count)
        return "it has compile_time_axes, with an object for each of their values";
    return NULL;
}

const char *tm_pack_native_name(const tm_solution *solution, const tm_definition *definition,
                                const tm_variant *variant, tm_arena *arena) {
    return tm_arena_format(arena, "%s%s",
                           tm_solution_expand_name(arena, solution->name, definition->name),
                           variant ? variant->suffix : "");
}

/* What judges the definition, as the plan has it, but for any backend. */
static const tm_solution *reference_of(const tm_scan *scan, const tm_definition *definition) {
    const tm_scanned_solution *best = NULL;
    for (size_t i = 0; i < scan->solution_count; i++) {
        const tm_scanned_solution *one = &scan->solutions[i];
        if (one->solution->role == TM_ROLE_REFERENCE && (!best || one->tree < best->tree) &&
            tm_filters_covers(one->solution, definition))
            best = one;
    }
    return best ? best->solution : NULL;
}

char *tm_pack_native_print(const tm_pack_native *native, const tm_solution *solution,
                           const tm_pack_files *files, const tm_definition *definition,
                           const tm_variant *variant, const char *name) {
    tm_arena *arena = native->arena;
    const tm_solution *reference = reference_of(native->scan, definition);
    tm_constant_list constants = tm_constants_of(arena, definition, reference);
    const char *missing = reference ? tm_constants_missing(&constants, reference) : NULL;
    if (missing) {
        tm_diag_error(native->diag, tm_node_get(solution->node, "name")->place, "name",
                      "expected the value of \"%s\" for \"%s\", and it is in no table; add "
                      "tracemill.constants to the definition",
                      missing, definition->name);
        return NULL;
    }
    if (solution->role != TM_ROLE_REFERENCE)
        constants = tm_constants_extend(arena, constants, solution, definition);
    tm_pack_files wrapped = *files;
    if (!tm_pack_tvm_ffi_add(&wrapped, solution, definition, constants, variant,
                             native->tracemill_h, arena, native->diag))
        return NULL;
    return tm_pack_print_tvm_ffi(solution, definition, &wrapped,
                                 name ? name
                                      : tm_pack_native_name(solution, definition, variant, arena));
}
