#include "lib/definition.h"

#include <math.h>
#include <string.h>
#include <strings.h>

#include "lib/field.h"
#include "lib/text.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

typedef struct {
    tm_node_reader *reader;
    tm_definition *definition;
    const char *axis_names[TM_MAX_AXES];
    bool axes_known; /* false: the axes are so wrong that no shape can be judged */
} context;

static const char *describe(context *c, const tm_node *node) {
    return tm_node_describe(c->reader->arena, node);
}

static void read_const_value(context *c, const tm_node *node, const char *where, tm_axis *axis) {
    const tm_node *value = tm_node_get(node, "value");
    const char *value_where = tm_field_join(c->reader->arena, where, "value");
    if (!value) {
        tm_diag_error(c->reader->diag, node->place, value_where,
                      "expected an integer >= 0, got nothing; add the value or make its "
                      "type \"var\"");
        return;
    }
    if (value->type != TM_NODE_NUMBER || !value->is_integer || value->integer < 0) {
        tm_diag_error(c->reader->diag, value->place, value_where,
                      "expected an integer >= 0, got %s; write its size in digits only",
                      describe(c, value));
        return;
    }
    axis->value = value->integer;
}

static void read_axis(context *c, const tm_node *node) {
    static const char *const types[] = {"const", "var"};
    static const char *const const_keys[] = {"type", "value", "description"};
    static const char *const var_keys[] = {"type", "description"};
    tm_node_reader *reader = c->reader;
    const char *where = tm_field_join(reader->arena, "axes", node->key);

    /* Kept also when its value is wrong, so that shapes that name it are not blamed. */
    c->axis_names[c->definition->axis_count] = node->key;
    tm_axis *axis = &c->definition->axes[c->definition->axis_count++];
    axis->name = node->key;
    tm_field_check_identifier(reader, tm_node_key_place(node), where, node->key);
    if (node->type != TM_NODE_OBJECT) {
        tm_diag_error(
            reader->diag, node->place, where,
            "expected {\"type\": \"var\"} or {\"type\": \"const\", \"value\": N}, got %s; "
            "write one of these",
            describe(c, node));
        return;
    }
    tm_node_may_string(reader, node, where, "description", &axis->description);
    const char *type = NULL;
    if (!tm_node_need_string(reader, node, where, "type", &type))
        return;
    if (strcmp(type, "const") == 0) {
        axis->is_const = true;
        read_const_value(c, node, where, axis);
        tm_node_note_unknown(reader, node, where, const_keys, COUNT(const_keys));
    } else if (strcmp(type, "var") == 0) {
        tm_node_note_unknown(reader, node, where, var_keys, COUNT(var_keys));
    } else {
        tm_diag_error(
            reader->diag, tm_node_get(node, "type")->place,
            tm_field_join(reader->arena, where, "type"),
            "expected \"const\" or \"var\", got \"%s\"; %s", type,
            tm_field_hint(reader->arena, type, types, COUNT(types), "write one of the two"));
    }
}

static void read_axes(context *c, const tm_node *root) {
    const tm_node *axes = tm_node_need(c->reader, root, "", "axes", TM_NODE_OBJECT);
    if (!axes)
        return;
    c->axes_known = axes->count <= TM_MAX_AXES;
    for (const tm_node *node = axes->child; node; node = node->next) {
        if (c->definition->axis_count == TM_MAX_AXES) {
            tm_diag_error(c->reader->diag, tm_node_key_place(node), "axes",
                          "expected at most %d axes, got %zu; merge some", TM_MAX_AXES,
                          axes->count);
            return;
        }
        read_axis(c, node);
    }
}

static void read_shape_axis(context *c, const tm_node *node, const char *where, tm_tensor *tensor) {
    tm_node_reader *reader = c->reader;
    size_t count = c->definition->axis_count;
    int position = tensor->rank++;
    if (node->type == TM_NODE_STRING) {
        tensor->axes[position] = tm_definition_axis(c->definition, node->string);
        if (tensor->axes[position] >= 0 || !c->axes_known)
            return;
    }
    const char *hint = "declare it under \"axes\"";
    if (node->type == TM_NODE_STRING)
        hint = tm_field_hint(reader->arena, node->string, c->axis_names, count, hint);
    tm_diag_error(reader->diag, node->place,
                  tm_arena_format(reader->arena, "%s.shape[%d]", where, position),
                  "expected the name of an axis (%s), got %s; %s",
                  tm_field_list(reader->arena, c->axis_names, count), describe(c, node), hint);
}

static void read_shape(context *c, const tm_node *node, const char *where, bool is_output,
                       tm_tensor *tensor) {
    tm_node_reader *reader = c->reader;
    const char *shape_where = tm_field_join(reader->arena, where, "shape");
    const tm_node *shape = tm_node_get(node, "shape");
    if (shape && shape->type == TM_NODE_NULL && !is_output) {
        tensor->is_scalar = true;
        return;
    }
    if (shape && shape->type == TM_NODE_NULL) {
        tm_diag_error(reader->diag, shape->place, shape_where,
                      "expected a list of axis names, got null; a scalar is passed by value and "
                      "cannot be written, use [] for a single element");
        return;
    }
    if (!shape || shape->type != TM_NODE_ARRAY) {
        tm_diag_error(reader->diag, shape ? shape->place : node->place, shape_where,
                      "expected a list of axis names%s, got %s; write [] for a single element",
                      is_output ? "" : " or null", shape ? describe(c, shape) : "nothing");
        return;
    }
    if (shape->count > TM_MAX_RANK) {
        tm_diag_error(reader->diag, shape->place, shape_where,
                      "expected at most %d axes, got %zu; merge some", TM_MAX_RANK, shape->count);
        return;
    }
    for (const tm_node *axis = shape->child; axis; axis = axis->next)
        read_shape_axis(c, axis, where, tensor);
}

static void read_dtype(context *c, const tm_node *node, const char *where, tm_tensor *tensor) {
    tm_arena *arena = c->reader->arena;
    const char *name = NULL;
    if (!tm_node_need_string(c->reader, node, where, "dtype", &name))
        return;
    if (!tm_dtype_parse(name, &tensor->dtype))
        tm_diag_error(
            c->reader->diag, tm_node_get(node, "dtype")->place,
            tm_field_join(arena, where, "dtype"), "expected a dtype (%s), got \"%s\"; %s",
            tm_field_list(arena, tm_dtype_names(), TM_DTYPE_COUNT), name,
            tm_field_hint(arena, name, tm_dtype_names(), TM_DTYPE_COUNT, "write one of these"));
}

static void check_tensor_name(context *c, const tm_node *node, const char *where, bool is_output) {
    tm_node_reader *reader = c->reader;
    if (!tm_field_check_identifier(reader, tm_node_key_place(node), where, node->key))
        return;
    if (strcmp(node->key, "axes") == 0 || strcmp(node->key, "stream") == 0)
        tm_diag_error(reader->diag, tm_node_key_place(node), where,
                      "expected a name other than \"axes\" and \"stream\", got \"%s\"; the entry "
                      "point has arguments of these names, rename the tensor",
                      node->key);
    if (is_output && tm_definition_tensor(c->definition, node->key) >= 0)
        tm_diag_error(reader->diag, tm_node_key_place(node), where,
                      "expected a name that no input has, got \"%s\"; rename one of the two",
                      node->key);
}

static void read_tensor(context *c, const tm_node *node, const char *where, bool is_output) {
    /* `optional` is missing on purpose: it changes nothing here, so it is noted like any other. */
    static const char *const keys[] = {"shape", "dtype", "description"};
    tm_definition *definition = c->definition;
    check_tensor_name(c, node, where, is_output);
    tm_tensor *tensor = &definition->tensors[definition->input_count + definition->output_count];
    tensor->name = node->key;
    if (is_output)
        definition->output_count++;
    else
        definition->input_count++;
    if (node->type != TM_NODE_OBJECT) {
        tm_diag_error(c->reader->diag, node->place, where,
                      "expected {\"shape\": [...], \"dtype\": \"...\"}, got %s; write an object",
                      describe(c, node));
        return;
    }
    read_shape(c, node, where, is_output, tensor);
    read_dtype(c, node, where, tensor);
    tm_node_may_string(c->reader, node, where, "description", &tensor->description);
    const tm_node *optional = tm_node_get(node, "optional");
    tensor->optional = optional && optional->type == TM_NODE_BOOL && optional->boolean;
    tm_node_note_unknown(c->reader, node, where, keys, COUNT(keys));
}

static void read_tensors(context *c, const tm_node *root, const char *key, bool is_output) {
    const tm_definition *definition = c->definition;
    const tm_node *tensors = tm_node_need(c->reader, root, "", key, TM_NODE_OBJECT);
    if (!tensors)
        return;
    if (is_output && tensors->count == 0)
        tm_diag_error(c->reader->diag, tensors->place, key,
                      "expected at least one tensor, got none; without one there is nothing to "
                      "compare");
    for (const tm_node *node = tensors->child; node; node = node->next) {
        if (definition->input_count + definition->output_count == TM_MAX_TENSORS) {
            tm_diag_error(c->reader->diag, tm_node_key_place(node), key,
                          "expected at most %d inputs and outputs together, got more; merge some",
                          TM_MAX_TENSORS);
            return;
        }
        read_tensor(c, node, tm_field_join(c->reader->arena, key, node->key), is_output);
    }
}

/* Whether a line starts with "def run(" or "run =". Python allows blanks around the name. */
static bool defines_run(const char *text) {
    for (const char *line = text; line;) {
        const char *p = line;
        bool is_def = strncmp(p, "def", 3) == 0 && (p[3] == ' ' || p[3] == '\t');
        if (is_def)
            p += 3 + strspn(p + 3, " \t");
        if (strncmp(p, "run", 3) == 0) {
            p += 3 + strspn(p + 3, " \t");
            if (is_def ? p[0] == '(' : p[0] == '=' && p[1] != '=')
                return true;
        }
        line = strchr(line, '\n');
        line = line ? line + 1 : NULL;
    }
    return false;
}

static void read_reference(context *c, const tm_node *root) {
    const tm_node *node = tm_node_need(c->reader, root, "", "reference", TM_NODE_STRING);
    if (!node)
        return;
    c->definition->reference = node->string;
    if (node->string[0] == '\0')
        tm_diag_error(c->reader->diag, node->place, "reference",
                      "expected Python source with a top-level function \"run\", got \"\"; write "
                      "the operator down");
    else if (!defines_run(node->string))
        tm_diag_error(c->reader->diag, node->place, "reference",
                      "expected a line that starts with \"def run(\", got source without one; name "
                      "the reference's function \"run\" and do not indent it");
}

static bool read_constant(tm_node_reader *reader, const tm_node *node, const char *where,
                          tm_constant *constant) {
    bool ok = tm_field_check_identifier(reader, tm_node_key_place(node), where, node->key);
    constant->name = node->key;
    constant->value = node->number;
    if (node->type == TM_NODE_NUMBER && isfinite(node->number))
        return ok;
    tm_diag_error(reader->diag, node->place, where,
                  "expected a finite number, got %s; write its value",
                  tm_node_describe(reader->arena, node));
    return false;
}

bool tm_constants_parse(tm_node_reader *reader, const tm_node *object, const char *where,
                        tm_constant *constants, size_t *count) {
    *count = 0;
    if (object->type != TM_NODE_OBJECT) {
        tm_diag_error(reader->diag, object->place, where,
                      "expected an object of numbers such as {\"eps\": 1e-5}, got %s; write one",
                      tm_node_describe(reader->arena, object));
        return false;
    }
    bool ok = true;
    for (const tm_node *node = object->child; node; node = node->next) {
        if (*count == TM_MAX_CONSTANTS) {
            tm_diag_error(reader->diag, tm_node_key_place(node), where,
                          "expected at most %d constants, got %zu; remove some", TM_MAX_CONSTANTS,
                          object->count);
            return false;
        }
        const char *constant_where = tm_field_join(reader->arena, where, node->key);
        if (!read_constant(reader, node, constant_where, &constants[(*count)++]))
            ok = false;
    }
    return ok;
}

/* Const axes and constants become macros in upper case: two must differ in more than case. */
static void check_macro(context *c, const tm_node *node, const char *where, size_t axes_before,
                        size_t constants_before) {
    const tm_definition *definition = c->definition;
    const char *other = NULL;
    for (size_t i = 0; i < axes_before && !other; i++)
        if (definition->axes[i].is_const && strcasecmp(definition->axes[i].name, node->key) == 0)
            other = definition->axes[i].name;
    for (size_t i = 0; i < constants_before && !other; i++)
        if (strcasecmp(definition->constants[i].name, node->key) == 0)
            other = definition->constants[i].name;
    if (other)
        tm_diag_error(
            c->reader->diag, tm_node_key_place(node),
            tm_field_join(c->reader->arena, where, node->key),
            "expected a name that differs from \"%s\" in more than case, got \"%s\"; both "
            "become one macro, rename one",
            other, node->key);
}

static void check_macros(context *c, const tm_node *axes, const tm_node *constants) {
    const tm_definition *definition = c->definition;
    size_t i = 0;
    for (const tm_node *node = axes ? axes->child : NULL; node && i < definition->axis_count;
         node = node->next, i++)
        if (definition->axes[i].is_const)
            check_macro(c, node, "axes", i, 0);
    i = 0;
    for (const tm_node *node = constants ? constants->child : NULL;
         node && i < definition->constant_count; node = node->next, i++)
        check_macro(c, node, "tracemill.constants", definition->axis_count, i);
}

static const tm_node *read_tracemill(context *c, const tm_node *root) {
    static const char *const keys[] = {"constants"};
    const tm_node *own = tm_node_may(c->reader, root, "", "tracemill", TM_NODE_OBJECT);
    if (!own)
        return NULL;
    tm_node_only(c->reader, own, "tracemill", keys, COUNT(keys));
    const tm_node *constants =
        tm_node_may(c->reader, own, "tracemill", "constants", TM_NODE_OBJECT);
    if (constants)
        tm_constants_parse(c->reader, constants, "tracemill.constants", c->definition->constants,
                           &c->definition->constant_count);
    return constants;
}

const tm_definition *tm_definition_parse(tm_node_reader *reader, const tm_node *node) {
    static const char *const keys[] = {"name",      "op_type",  "description", "tags",
                                       "axes",      "inputs",   "outputs",     "constraints",
                                       "reference", "tracemill"};
    size_t errors_before = tm_diag_count(reader->diag, TM_DIAG_ERROR);
    if (node->type != TM_NODE_OBJECT) {
        tm_diag_error(reader->diag, node->place, NULL,
                      "expected a definition, an object, got %s; see docs/FORMATS.md",
                      tm_node_describe(reader->arena, node));
        return NULL;
    }
    tm_definition *definition = tm_arena_alloc(reader->arena, sizeof *definition);
    context c = {.reader = reader, .definition = definition};
    definition->node = node;
    definition->source = node->place.source;
    if (tm_node_need_string(reader, node, "", "name", &definition->name))
        tm_field_check_line(reader, tm_node_get(node, "name")->place, "name", definition->name);
    if (tm_node_need_string(reader, node, "", "op_type", &definition->op_type))
        tm_field_check_line(reader, tm_node_get(node, "op_type")->place, "op_type",
                            definition->op_type);
    tm_node_may_string(reader, node, "", "description", &definition->description);
    const char *const *unused = NULL;
    size_t unused_count = 0;
    tm_node_may_strings(reader, node, "", "tags", &unused, &unused_count);
    tm_node_may_strings(reader, node, "", "constraints", &unused, &unused_count);
    read_axes(&c, node);
    read_tensors(&c, node, "inputs", false);
    read_tensors(&c, node, "outputs", true);
    read_reference(&c, node);
    const tm_node *constants = read_tracemill(&c, node);
    check_macros(&c, tm_node_get(node, "axes"), constants);
    tm_node_note_unknown(reader, node, "", keys, COUNT(keys));
    return tm_diag_count(reader->diag, TM_DIAG_ERROR) == errors_before ? definition : NULL;
}

int tm_definition_axis(const tm_definition *definition, const char *name) {
    for (size_t i = 0; i < definition->axis_count; i++)
        if (strcmp(definition->axes[i].name, name) == 0)
            return (int)i;
    return -1;
}

int tm_definition_tensor(const tm_definition *definition, const char *name) {
    for (size_t i = 0; i < definition->input_count + definition->output_count; i++)
        if (strcmp(definition->tensors[i].name, name) == 0)
            return (int)i;
    return -1;
}

static void add_tensor(tm_text *text, const tm_definition *definition, const tm_tensor *tensor) {
    tm_text_format(text, "%s:%s", tensor->name, tm_dtype_name(tensor->dtype));
    if (tensor->is_scalar)
        return;
    tm_text_add(text, "[");
    for (int i = 0; i < tensor->rank; i++)
        tm_text_format(text, "%s%s", i > 0 ? "," : "", definition->axes[tensor->axes[i]].name);
    tm_text_add(text, "]");
}

const char *tm_definition_signature(tm_arena *arena, const tm_definition *definition) {
    tm_text text = {0};
    for (size_t i = 0; i < definition->axis_count; i++)
        tm_text_format(&text, "%s%s", i > 0 ? "," : "", definition->axes[i].name);
    tm_text_add(&text, ";");
    for (size_t i = 0; i < definition->input_count + definition->output_count; i++) {
        if (i == definition->input_count)
            tm_text_add(&text, "->");
        else if (i > 0)
            tm_text_add(&text, ",");
        add_tensor(&text, definition, &definition->tensors[i]);
    }
    const char *signature = tm_arena_copy(arena, tm_text_get(&text), text.length);
    tm_text_free(&text);
    return signature;
}

bool tm_tensor_shape(const tm_tensor *tensor, const int64_t *axis_values, int64_t *shape,
                     int64_t *elems) {
    bool is_empty = false;
    for (int i = 0; i < tensor->rank; i++) {
        shape[i] = axis_values[tensor->axes[i]];
        if (shape[i] < 0)
            return false;
        is_empty = is_empty || shape[i] == 0;
    }
    *elems = is_empty ? 0 : 1;
    for (int i = 0; i < tensor->rank && !is_empty; i++)
        if (__builtin_mul_overflow(*elems, shape[i], elems))
            return false;
    return true;
}
