#include "gen/baked.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "lib/field.h"
#include "lib/node.h"
#include "lib/text.h"

/* Whether it is in what contract.h defines, whose macros are in capitals. */
static bool is_taken(const tm_definition *definition, const char *axis,
                     const tm_constant *constants, size_t constant_count) {
    for (size_t i = 0; i < definition->axis_count; i++)
        if (definition->axes[i].is_const && strcasecmp(definition->axes[i].name, axis) == 0)
            return true;
    for (size_t i = 0; i < constant_count; i++)
        if (strcasecmp(constants[i].name, axis) == 0)
            return true;
    return false;
}

size_t tm_baked_wrong(const tm_solution *solution, const tm_definition *definition,
                      const tm_constant *constants, size_t constant_count) {
    size_t i = 0;
    for (; i < solution->baked_count; i++) {
        const char *name = solution->baked[i];
        int axis = tm_definition_axis(definition, name);
        if (axis < 0 || is_taken(definition, name, constants, constant_count))
            break;
        size_t other = 0;
        while (other < i && strcasecmp(solution->baked[other], name) != 0)
            other++;
        if (other < i)
            break;
    }
    return i;
}

void tm_baked_refuse(const tm_solution *solution, const tm_definition *definition, size_t wrong,
                     tm_arena *arena, tm_diag *diag) {
    const char *names[TM_MAX_AXES], *name = solution->baked[wrong];
    size_t count = 0;
    for (size_t i = 0; i < definition->axis_count; i++)
        if (!definition->axes[i].is_const)
            names[count++] = definition->axes[i].name;
    const tm_node *list =
        tm_node_get(tm_node_get(solution->node, "tracemill"), "compile_time_axes");
    const tm_node *item = list->child;
    for (size_t i = 0; i < wrong; i++)
        item = item->next;
    int axis = tm_definition_axis(definition, name);
    const char *advice = "its macro has the name of another one's; rename one in the definition";
    if (axis < 0)
        advice =
            tm_field_hint(arena, name, names, count, count ? "name one of them" : "remove the key");
    else if (definition->axes[axis].is_const)
        advice = "a const axis is a macro without being listed; remove it here";
    tm_diag_error(diag, item->place,
                  tm_arena_format(arena, "tracemill.compile_time_axes[%zu]", wrong),
                  "expected var axes of \"%s\" (%s), got \"%s\"; %s", definition->name,
                  tm_field_list(arena, names, count), name, advice);
}

static int64_t value_of(const tm_definition *definition, const tm_workload *workload,
                        const char *axis) {
    return workload->axes[tm_definition_axis(definition, axis)];
}

bool tm_baked_same(const tm_solution *solution, const tm_definition *definition,
                   const tm_workload *a, const tm_workload *b) {
    for (size_t i = 0; i < solution->baked_count; i++)
        if (value_of(definition, a, solution->baked[i]) !=
            value_of(definition, b, solution->baked[i]))
            return false;
    return true;
}

const char *tm_baked_suffix(const tm_solution *solution, const tm_definition *definition,
                            const tm_workload *workload, tm_arena *arena) {
    const char *suffix = "";
    for (size_t i = 0; i < solution->baked_count; i++)
        suffix = tm_arena_format(arena, "%s@%s=%" PRId64, suffix, solution->baked[i],
                                 value_of(definition, workload, solution->baked[i]));
    return suffix;
}

const char **tm_baked_flags(const tm_solution *solution, const tm_definition *definition,
                            const tm_workload *workload, tm_arena *arena) {
    const char **flags = tm_arena_array(arena, solution->baked_count, sizeof *flags);
    for (size_t i = 0; i < solution->baked_count; i++) {
        const char *axis = solution->baked[i];
        char *upper = tm_arena_copy(arena, axis, strlen(axis));
        for (char *c = upper; *c; c++)
            *c = (char)toupper((unsigned char)*c);
        flags[i] =
            tm_arena_format(arena, "-DTM_%s=%" PRId64, upper, value_of(definition, workload, axis));
    }
    return flags;
}
