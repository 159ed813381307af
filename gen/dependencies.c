#include "gen/dependencies.h"

#include <ctype.h>
#include <string.h>

#include "lib/text.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define TOOLKIT "the CUDA Toolkit has it"

static const tm_dependency known[] = {
    {"cublas", NULL, "$cublas_links", TOOLKIT},
    {"cudnn", NULL, "$cudnn_links", "CPPFLAGS and LDFLAGS give it"},
    {"cutlass", "$cutlass_flags", NULL, "--cutlass=DIR gives it"},
    {"cccl", "$cccl_flags", NULL, TOOLKIT},
    /* Part of every compile for a GPU, or of the binding. */
    {"cuda", NULL, NULL, NULL},
    {"tvm-ffi", NULL, NULL, NULL},
};

/* Other names of theirs; without what a package index puts around them. */
static const char *const aliases[][2] = {
    {"cublaslt", "cublas"},   {"cublas-lt", "cublas"}, {"cute", "cutlass"},
    {"cub", "cccl"},          {"thrust", "cccl"},      {"cudacxx", "cccl"},
    {"cu++", "cccl"},         {"cudart", "cuda"},      {"cuda-runtime", "cuda"},
    {"cuda-toolkit", "cuda"}, {"cuda-cccl", "cccl"},   {"apache-tvm-ffi", "tvm-ffi"},
};

/* "NVIDIA_cuBLAS-cu12[x]>=12.4" is "cublas". */
static const char *plain_name(tm_arena *arena, const char *spelling) {
    char *name = tm_arena_copy(arena, spelling, strcspn(spelling, " <>=!~;[@"));
    for (char *c = name; *c; c++)
        *c = *c == '_' ? '-' : (char)tolower((unsigned char)*c);
    if (strncmp(name, "nvidia-", 7) == 0)
        name += 7;
    if (strncmp(name, "lib", 3) == 0)
        name += 3;
    char *suffix = strstr(name, "-cu1");
    if (suffix && suffix[strspn(suffix, "-cu0123456789")] == '\0')
        *suffix = '\0';
    return name;
}

const tm_dependency *tm_dependencies_find(tm_arena *arena, const char *spelling) {
    const char *name = plain_name(arena, spelling);
    for (size_t i = 0; i < COUNT(aliases); i++)
        if (strcmp(name, aliases[i][0]) == 0)
            name = aliases[i][1];
    for (size_t i = 0; i < COUNT(known); i++)
        if (strcmp(name, known[i].name) == 0)
            return &known[i];
    return NULL;
}

bool tm_dependencies_have(const tm_options *options, const char *name) {
    size_t length = strlen(name);
    for (const char *at = options->found; at && *at;) {
        size_t entry = strcspn(at, ",");
        if (entry == length && strncmp(at, name, length) == 0)
            return true;
        at += entry + (at[entry] == ',');
    }
    return false;
}

const tm_dependency *tm_dependencies_missing(const tm_options *options, const tm_solution *solution,
                                             tm_arena *arena) {
    for (size_t i = 0; i < solution->dependency_count; i++) {
        const tm_dependency *one = tm_dependencies_find(arena, solution->dependencies[i]);
        if (one && one->remedy && !tm_dependencies_have(options, one->name))
            return one;
    }
    return NULL;
}

const char *tm_dependencies_flags(const tm_solution *solution, bool links, tm_arena *arena) {
    tm_text text = {0};
    for (size_t k = 0; k < COUNT(known); k++) /* each once, in the table's order */
        for (size_t i = 0; i < solution->dependency_count; i++) {
            if (tm_dependencies_find(arena, solution->dependencies[i]) != &known[k])
                continue;
            const char *variable = links ? known[k].links : known[k].flags;
            if (variable)
                tm_text_format(&text, " %s", variable);
            break;
        }
    const char *kept = tm_arena_copy(arena, tm_text_get(&text), text.length);
    tm_text_free(&text);
    return kept;
}

void tm_dependencies_note(const tm_solution *solution, tm_arena *arena, tm_diag *diag) {
    if (solution->language > TM_LANGUAGE_CUDA || !solution->dependency_count)
        return; /* of Python, which knows them by itself */
    const tm_node *spec = tm_node_get(solution->node, "spec");
    const tm_node *node = tm_node_get(spec, "dependencies")->child;
    for (size_t i = 0; i < solution->dependency_count && node; i++, node = node->next)
        if (!tm_dependencies_find(arena, solution->dependencies[i]))
            tm_diag_add(diag, TM_DIAG_NOTE, node->place, "spec.dependencies",
                        "unknown dependency \"%s\" adds no flags (cublas, cudnn, cutlass and cccl "
                        "do); write those under \"tracemill\"",
                        solution->dependencies[i]);
}
