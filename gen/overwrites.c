#include "gen/overwrites.h"

#include "lib/field.h"
#include "lib/node.h"

static bool is_input(const tm_definition *definition, const char *name) {
    int tensor = tm_definition_tensor(definition, name);
    return tensor >= 0 && (size_t)tensor < definition->input_count &&
           !definition->tensors[tensor].is_scalar;
}

const char *tm_overwrites_wrong(const tm_solution *solution, const tm_definition *definition) {
    for (size_t i = 0; i < solution->overwrite_count; i++)
        if (!is_input(definition, solution->overwrites[i]))
            return solution->overwrites[i];
    return NULL;
}

void tm_overwrites_refuse(const tm_solution *solution, const tm_definition *definition,
                          const char *wrong, tm_arena *arena, tm_diag *diag) {
    const char *inputs[TM_MAX_TENSORS];
    size_t count = 0;
    for (size_t i = 0; i < definition->input_count; i++)
        if (!definition->tensors[i].is_scalar)
            inputs[count++] = definition->tensors[i].name;
    const tm_node *list = tm_node_get(tm_node_get(solution->node, "tracemill"), "overwrites");
    tm_diag_error(
        diag, list->place, "tracemill.overwrites",
        "expected input tensors of \"%s\" (%s), got \"%s\"; %s", definition->name,
        tm_field_list(arena, inputs, count), wrong,
        tm_field_hint(arena, wrong, inputs, count, "name one of them; outputs are not listed"));
}
