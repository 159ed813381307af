#include "gen/flags.h"

#include <string.h>

#include "gen/baked.h"
#include "lib/text.h"

static bool in_contract(const tm_contract *contract, const char *constant) {
    for (size_t i = 0; i < contract->constant_count; i++)
        if (strcmp(contract->constants[i].name, constant) == 0)
            return true;
    return false;
}

/* "-DTM_EPS=1e-06" */
static const char *constant_flag(const tm_constant *constant, tm_arena *arena) {
    tm_text flag = {0};
    tm_text_add(&flag, "-DTM_");
    for (const char *c = constant->name; *c; c++) {
        char upper = *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A') : *c;
        tm_text_add_bytes(&flag, &upper, 1);
    }
    tm_text_add(&flag, "=");
    tm_text_add_number(&flag, constant->value);
    const char *kept = tm_arena_copy(arena, flag.data, flag.length);
    tm_text_free(&flag);
    return kept;
}

const char *const *tm_flags_of(const tm_unit *unit, tm_arena *arena, size_t *count) {
    const tm_solution *solution = unit->source->solution;
    const tm_contract *contract = unit->contract;
    const tm_variant *variant = unit->variant;
    const tm_constants_row *row = tm_solution_constants(solution, contract->definition->name);
    if (contract->generic || solution->role != TM_ROLE_SOLUTION)
        row = NULL;
    size_t own = row ? row->count : 0, macros = variant ? variant->macro_count : 0;
    size_t baked = unit->baked ? solution->baked_count : 0, filled = 0;
    const char **words =
        tm_arena_array(arena, solution->compile_flag_count + own + macros + baked, sizeof *words);
    for (size_t i = 0; i < solution->compile_flag_count; i++)
        words[filled++] = solution->compile_flags[i];
    for (size_t i = 0; i < own; i++)
        if (!in_contract(contract, row->constants[i].name))
            words[filled++] = constant_flag(&row->constants[i], arena);
    for (size_t i = 0; i < macros; i++)
        words[filled++] =
            tm_arena_format(arena, "-D%s=%s", variant->macros[i].name, variant->macros[i].value);
    if (baked)
        memcpy(words + filled, tm_baked_flags(solution, contract->definition, unit->baked, arena),
               baked * sizeof *words);
    *count = filled + baked;
    return words;
}
