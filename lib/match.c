#include "lib/match.h"

#include <string.h>

#include "lib/field.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])
#define BLANKS " \t"

/* A tensor's text while it is taken apart. */
typedef struct {
    tm_node_reader *reader;
    const tm_node *node;
    const char *where;
    const char *rest;
    tm_match_tensor *tensor;
} cursor;

/* The text up to one of `ends` (or all), without blanks around it; moves past it, but not past the
 * end mark. */
static const char *take(cursor *c, const char *ends) {
    const char *begin = c->rest + strspn(c->rest, BLANKS);
    const char *end = begin + strcspn(begin, ends);
    c->rest = end;
    while (end > begin && strchr(BLANKS, end[-1]))
        end--;
    return tm_arena_copy(c->reader->arena, begin, (size_t)(end - begin));
}

static bool form_error(cursor *c) {
    tm_diag_error(c->reader->diag, c->node->place, c->where,
                  "expected \"name: dtype|dtype[axis, axis]\" (no brackets for a scalar), got %s; "
                  "write it in this form",
                  tm_node_describe(c->reader->arena, c->node));
    return false;
}

static bool read_dtypes(cursor *c) {
    do {
        c->rest++; /* the ':' or '|' before it */
        const char *name = take(c, "|[");
        tm_dtype dtype;
        if (name[0] == '\0')
            return form_error(c);
        if (!tm_dtype_parse(name, &dtype)) {
            tm_arena *arena = c->reader->arena;
            tm_diag_error(
                c->reader->diag, c->node->place, c->where, "expected a dtype (%s), got \"%s\"; %s",
                tm_field_list(arena, tm_dtype_names(), TM_DTYPE_COUNT), name,
                tm_field_hint(arena, name, tm_dtype_names(), TM_DTYPE_COUNT, "write one of these"));
            return false;
        }
        c->tensor->dtypes |= 1u << dtype;
    } while (*c->rest == '|');
    return true;
}

static bool read_axes(cursor *c) {
    do {
        c->rest++; /* the '[' or ',' before it */
        const char *name = take(c, ",]");
        if (name[0] == '\0' && *c->rest == ']' && c->tensor->rank == 0)
            return true;
        if (c->tensor->rank == TM_MAX_RANK) {
            tm_diag_error(c->reader->diag, c->node->place, c->where,
                          "expected at most %d axes, got more; no definition has them",
                          TM_MAX_RANK);
            return false;
        }
        if (!tm_field_check_identifier(c->reader, c->node->place, c->where, name))
            return false;
        c->tensor->axes[c->tensor->rank++] = name;
    } while (*c->rest == ',');
    return true;
}

static bool read_tensor(tm_node_reader *reader, const tm_node *node, const char *where,
                        tm_match_tensor *tensor) {
    cursor c = {reader, node, where, node->string, tensor};
    if (node->type != TM_NODE_STRING)
        return form_error(&c);
    tensor->name = take(&c, ":[");
    if (*c.rest != ':')
        return form_error(&c);
    if (!tm_field_check_identifier(reader, node->place, where, tensor->name) || !read_dtypes(&c))
        return false;
    tensor->is_scalar = *c.rest == '\0';
    if (tensor->is_scalar)
        return true;
    if (!read_axes(&c))
        return false;
    if (*c.rest != ']' || c.rest[1 + strspn(c.rest + 1, BLANKS)] != '\0')
        return form_error(&c);
    return true;
}

static void check_unique(tm_node_reader *reader, const tm_node *node, const char *where,
                         const tm_match *match, size_t index) {
    const char *name = match->tensors[index].name;
    for (size_t i = 0; i < index; i++) {
        if (match->tensors[i].name && strcmp(match->tensors[i].name, name) == 0) {
            tm_diag_error(reader->diag, node->place, where,
                          "expected a name that no tensor before it has, got \"%s\"; rename one",
                          name);
            return;
        }
    }
}

static void read_tensors(tm_node_reader *reader, const tm_node *object, const char *where,
                         const char *key, tm_match *match, size_t *count) {
    const tm_node *list = tm_node_need(reader, object, where, key, TM_NODE_ARRAY);
    if (!list)
        return;
    for (const tm_node *node = list->child; node; node = node->next) {
        const char *tensor_where = tm_arena_format(reader->arena, "%s.%s[%zu]", where, key, *count);
        size_t index = match->input_count + match->output_count;
        if (index == TM_MAX_TENSORS) {
            tm_diag_error(reader->diag, node->place, tensor_where,
                          "expected at most %d inputs and outputs together, got more; no "
                          "definition has them",
                          TM_MAX_TENSORS);
            return;
        }
        (*count)++;
        if (read_tensor(reader, node, tensor_where, &match->tensors[index]))
            check_unique(reader, node, tensor_where, match, index);
    }
}

const tm_match *tm_match_parse(tm_node_reader *reader, const tm_node *node, const char *where) {
    static const char *const keys[] = {"op_type", "inputs", "outputs"};
    size_t errors_before = tm_diag_count(reader->diag, TM_DIAG_ERROR);
    tm_match *match = tm_arena_alloc(reader->arena, sizeof *match);
    tm_node_need_string(reader, node, where, "op_type", &match->op_type);
    read_tensors(reader, node, where, "inputs", match, &match->input_count);
    read_tensors(reader, node, where, "outputs", match, &match->output_count);
    tm_node_only(reader, node, where, keys, COUNT(keys));
    return tm_diag_count(reader->diag, TM_DIAG_ERROR) == errors_before ? match : NULL;
}

static bool covers_tensor(const tm_match_tensor *rule, const tm_definition *definition,
                          const tm_tensor *tensor) {
    if (strcmp(rule->name, tensor->name) != 0 || !(rule->dtypes & 1u << tensor->dtype) ||
        rule->is_scalar != tensor->is_scalar || rule->rank != tensor->rank)
        return false;
    /* Axis names are unique in a definition, so equal names are equal axes. */
    for (int i = 0; i < rule->rank; i++)
        if (strcmp(rule->axes[i], definition->axes[tensor->axes[i]].name) != 0)
            return false;
    return true;
}

bool tm_match_covers(const tm_match *match, const tm_definition *definition) {
    if (strcmp(match->op_type, definition->op_type) != 0 ||
        match->input_count != definition->input_count ||
        match->output_count != definition->output_count)
        return false;
    for (size_t i = 0; i < match->input_count + match->output_count; i++)
        if (!covers_tensor(&match->tensors[i], definition, &definition->tensors[i]))
            return false;
    return true;
}
