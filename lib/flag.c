#include "lib/flag.h"

#include <string.h>

#include "lib/field.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* What refused flags begin with: docs/FORMATS.md has the list. */
static const char *const of_compilers[] = {
    "@",
    "-o",
    "--out",
    "-M",
    "--generate-dep",
    "--dependency",
    "--write-",
    "-save-temps",
    "--save-temps",
    "-keep",
    "--keep",
    "-B",
    "--prefix",
    "-specs",
    "--specs",
    "-wrapper",
    "-fplugin",
    "-fpass-plugin",
    "-Xclang",
    "-ccbin",
    "--compiler-bindir",
    "-run",
    "--run",
    "--options-file",
};
static const char *const of_linkers[] = {
    "@",
    "-o",
    "--out",
    "-Map",
    "--Map",
    "-plugin",
    "--plugin",
    "-dependency-file",
    "--dependency-file",
};

/* What hands on to another program what stands behind it, or the next flag. */
static const struct {
    const char *prefix;
    bool to_linker;
} wrappers[] = {
    {"-Wl", true},
    {"-Xlinker", true},
    {"--linker-options", true},
    {"-Wa", false},
    {"-Wp", false},
    {"-Xcompiler", false},
    {"-Xassembler", false},
    {"-Xpreprocessor", false},
    {"--compiler-options", false},
};

static bool begins(const char *text, const char *prefix) {
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

static bool is_refused(const char *word, bool to_linker) {
    const char *const *refused = to_linker ? of_linkers : of_compilers;
    size_t count = to_linker ? COUNT(of_linkers) : COUNT(of_compilers);
    for (size_t i = 0; i < count; i++)
        if (begins(word, refused[i]))
            return true;
    return false;
}

/* Whether one of the words behind a wrapper is, separated as compilers and nvcc do it. */
static bool has_refused(const char *words, bool to_linker) {
    static const char between[] = ", \t\"'\\";
    for (const char *word = words + strspn(words, between); *word; word += strspn(word, between)) {
        if (is_refused(word, to_linker))
            return true;
        word += strcspn(word, between);
    }
    return false;
}

/* A flag's fault, or NULL. `inside` is -1 outside of wrappers, else whether the flag before this
 * one handed it on to the linker. */
static const char *fault_of(const char *flag, int *inside) {
    static const char writes[] = "a flag that writes nothing but the object and starts nothing";
    int before = *inside;
    *inside = -1;
    if (before >= 0)
        return has_refused(flag, before) ? writes : NULL;
    for (size_t i = 0; i < COUNT(wrappers); i++) {
        if (!begins(flag, wrappers[i].prefix))
            continue;
        const char *rest = flag + strlen(wrappers[i].prefix);
        if (!*rest)
            *inside = wrappers[i].to_linker;
        return has_refused(rest + (*rest == '='), wrappers[i].to_linker) ? writes : NULL;
    }
    if (strcmp(flag, "--") == 0)
        return "a flag"; /* it would end the list */
    return is_refused(flag, false) ? writes : NULL;
}

bool tm_flag_check_list(tm_node_reader *reader, const tm_node *object, const char *where,
                        const char *key) {
    const tm_node *list = tm_node_get(object, key);
    if (!list || list->type != TM_NODE_ARRAY)
        return true;
    bool good = list->count <= TM_MAX_FLAGS;
    if (!good)
        tm_diag_error(reader->diag, list->place, tm_field_join(reader->arena, where, key),
                      "expected at most %d flags, got %zu; leave some out", TM_MAX_FLAGS,
                      list->count);
    int inside = -1;
    size_t index = 0;
    for (const tm_node *node = list->child; node; node = node->next, index++) {
        if (node->type != TM_NODE_STRING)
            continue;
        const char *item = tm_arena_format(reader->arena, "%s.%s[%zu]", where, key, index);
        good = tm_field_check_line(reader, node->place, item, node->string) && good;
        const char *fault = fault_of(node->string, &inside);
        if (!fault)
            continue;
        tm_diag_error(reader->diag, node->place, item, "expected %s, got \"%.60s\"; remove it",
                      fault, node->string);
        good = false;
    }
    return good;
}
