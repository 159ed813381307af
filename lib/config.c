#include "lib/config.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/config_key.h"
#include "lib/field.h"

/* The values that one place of the file, or the command line, sets. */
typedef struct {
    unsigned is_set; /* bit i: tm_config_keys[i] */
    tm_config_values values;
} config_level;

typedef struct {
    const char *name; /* of an op_type or a definition */
    config_level level;
} config_section;

/* Sorted by name. */
typedef struct {
    config_section *items;
    size_t count;
} section_list;

struct tm_config_file {
    tm_arena *arena;
    config_level top;
    section_list op_types;
    section_list definitions;
    config_level options; /* of the command line */
};

static const tm_config built_in = {
    .warmup_runs = 10,
    .iterations = 50,
    .num_trials = 3,
    .rtol = 1e-2,
    .atol = 1e-2,
    .timeout_seconds = 300,
    .profile_baseline = true,
};

/* The bundled defaults, as if read from a file. */
static const tm_node moe_ratio = {.type = TM_NODE_NUMBER, .number = 0.95};
static const tm_node sampling_trials = {.type = TM_NODE_NUMBER,
                                        .key = "sampling_validation_trials",
                                        .is_integer = true,
                                        .integer = 100,
                                        .number = 100};
static const tm_node sampling_threshold = {.type = TM_NODE_NUMBER,
                                           .key = "sampling_tvd_threshold",
                                           .number = 0.2,
                                           .next = &sampling_trials};
static const tm_node sampling_extra = {
    .type = TM_NODE_OBJECT, .child = &sampling_threshold, .count = 2};

/* Storing and resolving */

static int compare_extra(const void *left, const void *right) {
    const tm_node *a = *(const tm_node *const *)left, *b = *(const tm_node *const *)right;
    return strcmp(a->key, b->key);
}

static void store_extra(tm_arena *arena, const tm_node *object, tm_config *config) {
    const tm_node **members = tm_arena_array(arena, object->count, sizeof *members);
    size_t count = 0;
    for (const tm_node *member = object->child; member != NULL; member = member->next)
        members[count++] = member;
    qsort(members, count, sizeof(*members), compare_extra);
    config->extra = members;
    config->extra_count = count;
}

/* Stores a value that has been checked. */
static void store(tm_arena *arena, const tm_config_key *key, const tm_node *node,
                  config_level *level) {
    char *slot = (char *)&level->values + key->offset;
    level->is_set |= 1u << (key - tm_config_keys);
    switch (key->kind) {
    case TM_CONFIG_KIND_INTEGER:
        *(int64_t *)slot = node->integer;
        break;
    case TM_CONFIG_KIND_RATIO:
        level->values.config.has_matched_ratio = node->type != TM_NODE_NULL;
        *(double *)slot = node->number;
        break;
    case TM_CONFIG_KIND_LIMIT:
        *(double *)slot = node->type == TM_NODE_NULL ? 0 : node->number;
        break;
    case TM_CONFIG_KIND_NUMBER:
        *(double *)slot = node->number;
        break;
    case TM_CONFIG_KIND_BOOL:
        *(bool *)slot = node->boolean;
        break;
    case TM_CONFIG_KIND_EXTRA:
        store_extra(arena, node, &level->values.config);
        break;
    case TM_CONFIG_KIND_STRINGS:
    case TM_CONFIG_KIND_SECTIONS:
        break; /* of the file only, which reads them into place */
    }
}

/* Merges the extra members of `high` into those of `config`; both are sorted by key. */
static void merge_extra(tm_arena *arena, const tm_config *high, tm_config *config) {
    if (config->extra_count == 0) {
        config->extra = high->extra;
        config->extra_count = high->extra_count;
        return;
    }
    const tm_node **merged =
        tm_arena_array(arena, config->extra_count + high->extra_count, sizeof *merged);
    size_t count = 0, i = 0, j = 0;
    while (i < config->extra_count || j < high->extra_count) {
        int order = i == config->extra_count ? 1
                    : j == high->extra_count ? -1
                                             : strcmp(config->extra[i]->key, high->extra[j]->key);
        merged[count++] = order < 0 ? config->extra[i] : high->extra[j];
        i += order <= 0;
        j += order >= 0;
    }
    config->extra = merged;
    config->extra_count = count;
}

/* Puts what a level sets over `values`. */
static void apply(tm_arena *arena, const config_level *level, tm_config_values *values) {
    for (size_t i = 0; i < TM_CONFIG_KEY_COUNT; i++) {
        if ((level->is_set & 1u << i) == 0)
            continue;
        size_t offset = tm_config_keys[i].offset;
        memcpy((char *)values + offset, (const char *)&level->values + offset,
               tm_config_key_bytes(&tm_config_keys[i]));
        if (tm_config_keys[i].kind == TM_CONFIG_KIND_RATIO)
            values->config.has_matched_ratio = level->values.config.has_matched_ratio;
        if (tm_config_keys[i].kind == TM_CONFIG_KIND_EXTRA)
            merge_extra(arena, &level->values.config, &values->config);
    }
}

/* Reading */

/* The value that a text stands for on the command line: null, a bool, a number, else a string. */
static tm_node parse_text(const char *text) {
    tm_node node = {.type = TM_NODE_STRING, .string = text};
    char *end;
    if (strcmp(text, "null") == 0) {
        node.type = TM_NODE_NULL;
    } else if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0) {
        node.type = TM_NODE_BOOL;
        node.boolean = *text == 't';
    } else if (strspn(text, "+-.0123456789eE") == strlen(text)) {
        double number = strtod(text, &end);
        if (end == text || *end != '\0')
            return node;
        node.type = TM_NODE_NUMBER;
        node.number = number;
        errno = 0;
        node.integer = strtoll(text, &end, 10);
        node.is_integer = *end == '\0' && errno == 0;
    }
    return node;
}

static void refuse(tm_node_reader *reader, const tm_config_key *key, const tm_node *node,
                   const char *where, tm_config_verdict found) {
    const char *advice = key->advice;
    if (node->type == TM_NODE_STRING) {
        tm_node unquoted = parse_text(node->string);
        if (tm_config_key_check(key, &unquoted) == TM_CONFIG_FITS)
            advice = "remove the quotes";
    }
    tm_diag_error(reader->diag, node->place, where, "expected %s, got %s; %s",
                  found == TM_CONFIG_OUT_OF_RANGE ? key->range->phrase
                                                  : tm_config_key_expected(key),
                  tm_node_describe(reader->arena, node), advice);
}

static bool read_scalar(tm_node_reader *reader, const tm_config_key *key, const tm_node *node,
                        const char *where) {
    tm_config_verdict found = tm_config_key_check(key, node);
    if (found != TM_CONFIG_FITS)
        refuse(reader, key, node, where, found);
    return found == TM_CONFIG_FITS;
}

/* A cell gets `extra` as JSON, which has no infinities and no NaN. */
static bool check_finite(tm_node_reader *reader, const tm_node *node, const char *where) {
    if (node->type == TM_NODE_NUMBER && !isfinite(node->number)) {
        tm_diag_error(reader->diag, node->place, where,
                      "expected a finite number, got %s; write a number or a string",
                      tm_node_describe(reader->arena, node));
        return false;
    }
    bool ok = true;
    size_t index = 0;
    for (const tm_node *child = node->child; child != NULL; child = child->next) {
        const char *path = node->type == TM_NODE_OBJECT
                               ? tm_field_join(reader->arena, where, child->key)
                               : tm_arena_format(reader->arena, "%s[%zu]", where, index++);
        ok = check_finite(reader, child, path) && ok;
    }
    return ok;
}

static bool check_extra(tm_node_reader *reader, const tm_node *object, const char *where) {
    bool ok = true;
    for (const tm_node *member = object->child; member != NULL; member = member->next) {
        const tm_config_key *key = tm_config_key_find(member->key, TM_CONFIG_IN_EXTRA);
        const char *path = tm_field_join(reader->arena, where, member->key);
        ok = (key != NULL ? read_scalar(reader, key, member, path)
                          : check_finite(reader, member, path)) &&
             ok;
    }
    return ok;
}

/* Reads one key of `object` that may stand there. */
static bool read_key(tm_node_reader *reader, const tm_config_key *key, const tm_node *object,
                     const char *where, config_level *level) {
    const tm_node *node = tm_node_get(object, key->name);
    const char *path = tm_field_join(reader->arena, where, key->name);
    bool is_object = node->type == TM_NODE_OBJECT;
    switch (key->kind) {
    case TM_CONFIG_KIND_SECTIONS:
        return true; /* read_sections does it */
    case TM_CONFIG_KIND_STRINGS: {
        const char *const **slot = (const char *const **)((char *)&level->values + key->offset);
        size_t count;
        return tm_node_may_strings(reader, object, where, key->name, slot, &count);
    }
    case TM_CONFIG_KIND_EXTRA:
        if (node->type == TM_NODE_NULL)
            return true;
        if (!is_object)
            refuse(reader, key, node, path, TM_CONFIG_WRONG_TYPE);
        if (!is_object || !check_extra(reader, node, path))
            return false;
        break;
    default:
        if (!read_scalar(reader, key, node, path))
            return false;
    }
    store(reader->arena, key, node, level);
    return true;
}

/* Reads the keys of `object` that may stand in `scope`, and refuses the others. A section of null
 * sets nothing: what stood there may have become a comment. */
static bool read_level(tm_node_reader *reader, const tm_node *object, const char *where,
                       unsigned scope, config_level *level) {
    if (object->type == TM_NODE_NULL && scope == TM_CONFIG_IN_SECTION)
        return true;
    if (object->type != TM_NODE_OBJECT) {
        tm_diag_error(reader->diag, object->place, where,
                      "expected an object, got %s; write lines such as \"iterations: 50\"",
                      tm_node_describe(reader->arena, object));
        return false;
    }
    const char *known[TM_CONFIG_KEY_COUNT];
    size_t known_count = 0;
    bool ok = true;
    for (size_t i = 0; i < TM_CONFIG_KEY_COUNT; i++) {
        const tm_config_key *key = &tm_config_keys[i];
        const tm_node *member = tm_node_get(object, key->name);
        if ((key->scopes & scope) != 0) {
            known[known_count++] = key->name;
            ok = (member == NULL || read_key(reader, key, object, where, level)) && ok;
        } else if (scope == TM_CONFIG_IN_SECTION && (key->scopes & TM_CONFIG_AT_TOP) != 0 &&
                   member != NULL) {
            known[known_count++] = key->name;
            ok = false;
            tm_diag_error(reader->diag, tm_node_key_place(member),
                          tm_field_join(reader->arena, where, key->name),
                          "expected this key at the top level only, got it here; move it there");
        }
    }
    return tm_node_only(reader, object, where, known, known_count) && ok;
}

static int compare_sections(const void *left, const void *right) {
    return strcmp(((const config_section *)left)->name, ((const config_section *)right)->name);
}

/* Reads op_type_config or definition_config. */
static bool read_sections(tm_node_reader *reader, const tm_node *root, const char *name,
                          section_list *list) {
    *list = (section_list){0};
    const tm_node *sections = tm_node_get(root, name);
    if (sections == NULL || sections->type == TM_NODE_NULL)
        return true;
    if (sections->type != TM_NODE_OBJECT) {
        refuse(reader, tm_config_key_find(name, TM_CONFIG_AT_TOP), sections, name,
               TM_CONFIG_WRONG_TYPE);
        return false;
    }
    list->items = tm_arena_array(reader->arena, sections->count, sizeof *list->items);
    bool ok = true;
    for (const tm_node *node = sections->child; node != NULL; node = node->next) {
        config_section *section = &list->items[list->count++];
        section->name = node->key;
        ok = read_level(reader, node, tm_field_join(reader->arena, name, node->key),
                        TM_CONFIG_IN_SECTION, &section->level) &&
             ok;
    }
    qsort(list->items, list->count, sizeof *list->items, compare_sections);
    return ok;
}

/* The interface */

tm_config_file *tm_config_create(tm_arena *arena) {
    tm_config_file *file = tm_arena_alloc(arena, sizeof *file);
    file->arena = arena;
    file->op_types.items = tm_arena_array(arena, 2, sizeof *file->op_types.items);
    file->op_types.count = 2;
    config_section *moe = &file->op_types.items[0], *sampling = &file->op_types.items[1];
    moe->name = "moe";
    store(arena, tm_config_key_find("required_matched_ratio", TM_CONFIG_AT_TOP), &moe_ratio,
          &moe->level);
    sampling->name = "sampling";
    store(arena, tm_config_key_find("extra", TM_CONFIG_AT_TOP), &sampling_extra, &sampling->level);
    return file;
}

bool tm_config_load(tm_config_file *file, const tm_node *root, tm_diag *diag) {
    tm_node_reader reader = {file->arena, diag};
    file->top = (config_level){0};
    bool ok = read_level(&reader, root, "", TM_CONFIG_AT_TOP, &file->top);
    ok = read_sections(&reader, root, "op_type_config", &file->op_types) && ok;
    return read_sections(&reader, root, "definition_config", &file->definitions) && ok;
}

bool tm_config_override(tm_config_file *file, const char *key_name, const char *value,
                        const char *option, tm_diag *diag) {
    const tm_config_key *key = tm_config_key_find(key_name, TM_CONFIG_IN_OPTION);
    if (key == NULL) {
        tm_diag_error(diag, tm_diag_command_line, option,
                      "expected a configuration key, got \"%s\"", key_name);
        return false;
    }
    tm_node node = parse_text(value);
    if (tm_config_key_check(key, &node) != TM_CONFIG_FITS) {
        tm_diag_error(diag, tm_diag_command_line, option, "expected %s, got \"%s\"",
                      key->range->phrase, value);
        return false;
    }
    store(file->arena, key, &node, &file->options);
    return true;
}

const char *const *tm_config_definitions(const tm_config_file *file) {
    return file->top.values.definitions;
}

const char *const *tm_config_solutions(const tm_config_file *file) {
    return file->top.values.solutions;
}

static void apply_section(tm_arena *arena, const section_list *list, const char *name,
                          tm_config_values *values) {
    config_section wanted = {.name = name};
    const config_section *section =
        list->count == 0
            ? NULL
            : bsearch(&wanted, list->items, list->count, sizeof *list->items, compare_sections);
    if (section != NULL)
        apply(arena, &section->level, values);
}

tm_config tm_config_resolve(const tm_config_file *file, const char *op_type,
                            const char *definition) {
    tm_config_values values = {.config = built_in};
    apply(file->arena, &file->top, &values);
    apply_section(file->arena, &file->op_types, op_type, &values);
    apply_section(file->arena, &file->definitions, definition, &values);
    apply(file->arena, &file->options, &values);
    return values.config;
}

tm_json *tm_config_to_json(const tm_config *config) {
    tm_config_values values = {.config = *config};
    tm_json *json = tm_json_object();
    for (size_t i = 0; i < TM_CONFIG_KEY_COUNT; i++) {
        const tm_config_key *key = &tm_config_keys[i];
        const char *slot = (const char *)&values + key->offset;
        if ((key->scopes & TM_CONFIG_IN_CELL) == 0)
            continue;
        if (key->kind == TM_CONFIG_KIND_INTEGER) {
            tm_json_set_int(json, key->name, *(const int64_t *)slot);
        } else if (key->kind == TM_CONFIG_KIND_BOOL) {
            tm_json_set_bool(json, key->name, *(const bool *)slot);
        } else if (key->kind == TM_CONFIG_KIND_RATIO && !config->has_matched_ratio) {
            tm_json_set_null(json, key->name);
        } else if (key->kind == TM_CONFIG_KIND_LIMIT && *(const double *)slot == 0) {
            tm_json_set_null(json, key->name);
        } else if (key->kind == TM_CONFIG_KIND_EXTRA) {
            tm_json *extra = tm_json_object();
            for (size_t j = 0; j < config->extra_count; j++)
                tm_json_set_node(extra, config->extra[j]->key, config->extra[j]);
            tm_json_set(json, key->name, extra);
        } else {
            tm_json_set_number(json, key->name, *(const double *)slot);
        }
    }
    return json;
}

bool tm_config_from_node(tm_node_reader *reader, const tm_node *node, tm_config *config) {
    tm_config_values values = {.config = built_in};
    config_level level = {0};
    bool ok = read_level(reader, node, "", TM_CONFIG_IN_CELL, &level);
    apply(reader->arena, &level, &values);
    *config = values.config;
    return ok;
}

double tm_config_extra(const tm_config *config, const char *key, double otherwise) {
    for (size_t i = 0; i < config->extra_count; i++)
        if (strcmp(config->extra[i]->key, key) == 0 && config->extra[i]->type == TM_NODE_NUMBER)
            return config->extra[i]->number;
    return otherwise;
}
