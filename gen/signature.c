#include "gen/signature.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "lib/text.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define MAX_ARGUMENTS 128

/* What a parameter accepts, or what an argument is. */
typedef enum { KIND_ANY, KIND_TENSOR, KIND_FLOAT, KIND_INT, KIND_BOOL, KIND_OTHER } kind;

static const char *const kind_names[] = {
    [KIND_TENSOR] = "a tensor", [KIND_FLOAT] = "float", [KIND_INT] = "int", [KIND_BOOL] = "bool"};

typedef struct {
    const char *text; /* "x: float32[n,width]" or "DLTensor*" */
    kind kind;
} item;

typedef struct {
    item items[MAX_ARGUMENTS];
    size_t count;
} item_list;

/* Splits `length` bytes at the commas that stand in no bracket. False when there are too many. */
static bool split(tm_arena *arena, const char *text, size_t length, item_list *list) {
    int depth = 0;
    for (size_t begin = 0, i = 0; length && i <= length; i++) {
        char c = i < length ? text[i] : ',';
        depth += (c == '<' || c == '[' || c == '(') - (c == '>' || c == ']' || c == ')');
        if (c != ',' || (depth > 0 && i < length))
            continue;
        if (list->count == MAX_ARGUMENTS)
            return false;
        begin += strspn(text + begin, " ");
        list->items[list->count++].text = tm_arena_copy(arena, text + begin, i - begin);
        begin = i + 1;
    }
    return true;
}

/* Of a tensor or scalar of a definition, "eps:float32". */
static kind wanted_kind(const char *text) {
    const char *type = strchr(text, ':') + 1;
    if (strchr(type, '['))
        return KIND_TENSOR;
    if (strcmp(type, "bool") == 0)
        return KIND_BOOL;
    return strncmp(type, "int", 3) == 0 || strncmp(type, "uint", 4) == 0 ? KIND_INT : KIND_FLOAT;
}

static bool begins(const char *text, const char *with) {
    return strncmp(text, with, strlen(with)) == 0;
}

/* Of a type as tvm-ffi prints it; what is not known here may be anything. */
static kind taken_kind(const char *type) {
    static const struct {
        const char *name;
        kind kind;
    } types[] = {{"DLTensor*", KIND_TENSOR},  {"ffi.Tensor", KIND_TENSOR}, {"int", KIND_INT},
                 {"float", KIND_FLOAT},       {"bool", KIND_BOOL},         {"str", KIND_OTHER},
                 {"const char*", KIND_OTHER}, {"std::string", KIND_OTHER}, {"void*", KIND_OTHER},
                 {"Device", KIND_OTHER},      {"DataType", KIND_OTHER},    {"bytes", KIND_OTHER}};
    size_t length = strlen(type);
    if (begins(type, "Optional<")) {
        type += strlen("Optional<");
        length = strlen(type) - 1;
    }
    for (size_t i = 0; i < COUNT(types); i++)
        if (strlen(types[i].name) == length && strncmp(types[i].name, type, length) == 0)
            return types[i].kind;
    return begins(type, "Array<") || begins(type, "Map<") ? KIND_OTHER : KIND_ANY;
}

/* An integer passes for a float, and for a bool; a float passes for neither. */
static bool accepts(kind taken, kind wanted) {
    if (taken == KIND_ANY || taken == wanted)
        return true;
    if (taken == KIND_OTHER || taken == KIND_TENSOR || wanted == KIND_TENSOR)
        return false;
    return taken == KIND_FLOAT || wanted != KIND_FLOAT;
}

/* Reads "axes;input,input->output", with kinds. */
static bool read_definition(tm_arena *arena, const char *definition, item_list *inputs,
                            item_list *outputs) {
    const char *begin = strchr(definition, ';'), *arrow = begin ? strstr(begin, "->") : NULL;
    if (!arrow || !split(arena, begin + 1, (size_t)(arrow - begin) - 1, inputs) ||
        !split(arena, arrow + 2, strlen(arrow + 2), outputs))
        return false;
    item_list *lists[] = {inputs, outputs};
    for (size_t l = 0; l < COUNT(lists); l++)
        for (size_t i = 0; i < lists[l]->count; i++)
            lists[l]->items[i].kind = wanted_kind(lists[l]->items[i].text);
    return true;
}

static void add_wanted(tm_text *text, const char *wanted) {
    const char *colon = strchr(wanted, ':');
    tm_text_format(text, "%.*s: %s", (int)(colon - wanted), wanted, colon + 1);
}

const char *tm_signature_wanted(tm_arena *arena, const char *name, const char *definition,
                                bool destination_passing) {
    item_list inputs = {.count = 0}, outputs = {.count = 0};
    tm_text text = {0};
    tm_text_format(&text, "%s(", name);
    if (!read_definition(arena, definition, &inputs, &outputs))
        return definition;
    size_t count = inputs.count + (destination_passing ? outputs.count : 0);
    for (size_t i = 0; i < count; i++) {
        tm_text_add(&text, i ? ", " : "");
        bool is_input = i < inputs.count;
        add_wanted(&text, is_input ? inputs.items[i].text : outputs.items[i - inputs.count].text);
    }
    tm_text_add(&text, ") -> ");
    if (destination_passing)
        tm_text_add(&text, "void");
    for (size_t i = 0; !destination_passing && i < outputs.count; i++) {
        tm_text_add(&text, i ? ", " : "");
        add_wanted(&text, outputs.items[i].text);
    }
    const char *kept = tm_arena_copy(arena, tm_text_get(&text), text.length);
    tm_text_free(&text);
    return kept;
}

/* What a function says of itself. */
typedef struct {
    const char *text; /* "run(0: DLTensor*) -> void" */
    item_list takes;
    bool returns; /* anything but void */
} function;

static bool read_message(tm_arena *arena, const char *message, function *got) {
    const char *begin =
        begins(message, "Mismatched number of arguments") ? strchr(message, '`') : NULL;
    const char *end = begin ? strchr(begin + 1, '`') : NULL;
    if (!end)
        return false;
    char *text = tm_arena_copy(arena, begin + 1, (size_t)(end - begin) - 1);
    const char *open = strchr(text, '('), *close = NULL;
    for (const char *at = text; (at = strstr(at, ") -> ")); at++)
        close = at;
    if (!open || !close || close < open ||
        !split(arena, open + 1, (size_t)(close - open) - 1, &got->takes))
        return false;
    got->text = text;
    got->returns = strcmp(close + strlen(") -> "), "void") != 0;
    for (size_t i = 0; i < got->takes.count; i++) {
        const char *colon = strstr(got->takes.items[i].text, ": ");
        if (!colon)
            return false;
        got->takes.items[i].text = colon + 2;
        got->takes.items[i].kind = taken_kind(colon + 2);
    }
    return true;
}

static const char *plural(tm_arena *arena, size_t count, const char *noun) {
    return tm_arena_format(arena, "%zu %s%s", count, noun, count == 1 ? "" : "s");
}

/* What is wrong with how many there are, or with what comes back; or NULL. */
static const char *wrong_style(tm_arena *arena, const function *got, size_t inputs, size_t outputs,
                               bool destination_passing) {
    const char *of = destination_passing ? "the inputs, then the outputs" : "the inputs alone";
    size_t wanted = inputs + (destination_passing ? outputs : 0);
    if (got->takes.count == wanted) {
        if (destination_passing || got->returns)
            return NULL;
        return "expected the outputs to be returned, as destination_passing_style is false, got a "
               "function of void; return them, or set it to true and take them as arguments";
    }
    const char *advice = "take them in the definition's order";
    if (destination_passing && got->takes.count == inputs && got->returns)
        advice = "set destination_passing_style to false, as it returns its outputs";
    else if (!destination_passing && got->takes.count == inputs + outputs)
        advice = "set destination_passing_style to true, as it takes its outputs";
    return tm_arena_format(arena, "expected %s (%s), got %zu; %s",
                           plural(arena, wanted, "argument"), of, got->takes.count, advice);
}

/* What is wrong with the first argument that does not go in; or NULL. */
static const char *wrong_type(tm_arena *arena, const function *got, const item_list *inputs,
                              const item_list *outputs) {
    for (size_t i = 0; i < got->takes.count; i++) {
        const item *wanted =
            i < inputs->count ? &inputs->items[i] : &outputs->items[i - inputs->count];
        if (accepts(got->takes.items[i].kind, wanted->kind))
            continue;
        return tm_arena_format(arena,
                               "expected %s as argument %zu (%.*s), got %s; take what the "
                               "definition has there",
                               kind_names[wanted->kind], i, (int)strcspn(wanted->text, ":"),
                               wanted->text, got->takes.items[i].text);
    }
    return NULL;
}

const char *tm_signature_mismatch(tm_arena *arena, const char *name, const char *definition,
                                  bool destination_passing, const char *message) {
    item_list inputs = {.count = 0}, outputs = {.count = 0};
    function got = {.text = NULL};
    if (!read_definition(arena, definition, &inputs, &outputs) ||
        !read_message(arena, message, &got))
        return NULL;
    const char *wrong = wrong_style(arena, &got, inputs.count, outputs.count, destination_passing);
    if (!wrong)
        wrong = wrong_type(arena, &got, &inputs, &outputs);
    return wrong
               ? tm_arena_format(arena, "%s\n  definition: %s\n  solution:   %s\n", wrong,
                                 tm_signature_wanted(arena, name, definition, destination_passing),
                                 got.text)
               : NULL;
}
