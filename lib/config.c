#include "lib/config.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "lib/field.h"

typedef enum {
    KIND_INTEGER,
    KIND_NUMBER,
    KIND_RATIO, /* a number, or null for "not set" */
    KIND_BOOL,
    KIND_STRINGS, /* a list, or null */
    KIND_EXTRA,   /* an object with any members */
    KIND_SECTIONS /* an object from a name to evaluation keys */
} key_kind;

/* "expected ..." for a value of a wrong type, per kind. */
static const char *const kind_names[] = {
    "an integer", "a number", "a number or null", "a bool", "an array", "an object", "an object",
};

/* What `offset` points at, per kind. */
static const size_t slot_bytes[] = {
    [KIND_INTEGER] = sizeof(int64_t),
    [KIND_NUMBER] = sizeof(double),
    [KIND_RATIO] = sizeof(double),
    [KIND_BOOL] = sizeof(bool),
    [KIND_STRINGS] = 0,
    [KIND_EXTRA] = 0,
    [KIND_SECTIONS] = 0,
};

/* What numbers a key accepts; infinities and NaN never. */
typedef struct {
    double minimum, maximum;
    bool above_minimum; /* the minimum itself is refused */
    const char *phrase; /* "expected ..." */
} value_range;

/* The upper bounds are those of the harness: TM_JOB_MAX_SAMPLES, TM_JUDGE_MAX_TRIALS, an int32. */
static const value_range warmups = {0, 1e6, false, "an integer from 0 to 1000000"};
static const value_range samples = {1, 1e5, false, "an integer from 1 to 100000"};
static const value_range trials = {1, 64, false, "an integer from 1 to 64"};
static const value_range seconds = {0, 1e6, true, "a number > 0 and <= 1000000"};
static const value_range integer_from_1 = {1, DBL_MAX, false, "an integer >= 1"};
static const value_range number_from_0 = {0, DBL_MAX, false, "a finite number >= 0"};
static const value_range share = {0, 1, true, "a number > 0 and <= 1"};
static const value_range share_or_null = {0, 1, true, "a number > 0 and <= 1, or null"};
static const value_range either = {0, 1, false, "true or false"};

/* Where a key may stand; bits. */
enum {
    AT_TOP = 1,     /* top level of the file */
    IN_SECTION = 2, /* op_type_config.<op_type>, definition_config.<definition> */
    IN_CELL = 4,    /* what tm_config_to_json writes */
    IN_OPTION = 8,  /* the command line */
    IN_EXTRA = 16,  /* a member of `extra` that we know; the others are free */
    EVALUATION = AT_TOP | IN_SECTION | IN_CELL,
    SYSTEM = AT_TOP | IN_CELL
};

typedef struct {
    tm_config config; /* `extra` is sorted by key */
    bool use_isolated_runner;
    const char *const *definitions; /* NULL-terminated, or NULL */
    const char *const *solutions;
} value_set;

/* One key: all that reading, overriding, resolving and writing know about it. */
typedef struct {
    const char *name;
    key_kind kind;
    unsigned scopes;
    size_t offset;            /* into value_set; unused for members of `extra` and for sections */
    const value_range *range; /* or NULL */
    const char *advice;       /* "; ..." in the file's messages */
} config_key;

#define CELL(member) offsetof(value_set, config.member)
#define FILE_ONLY(member) offsetof(value_set, member)

/* In the order in which a cell's configuration is written. */
static const config_key keys[] = {
    {"warmup_runs", KIND_INTEGER, EVALUATION | IN_OPTION, CELL(warmup_runs), &warmups,
     "write a number such as 10"},
    {"iterations", KIND_INTEGER, EVALUATION | IN_OPTION, CELL(iterations), &samples,
     "write a number such as 50"},
    {"num_trials", KIND_INTEGER, EVALUATION | IN_OPTION, CELL(num_trials), &trials,
     "write a number such as 3"},
    {"rtol", KIND_NUMBER, EVALUATION | IN_OPTION, CELL(rtol), &number_from_0,
     "write a number such as 0.01"},
    {"atol", KIND_NUMBER, EVALUATION | IN_OPTION, CELL(atol), &number_from_0,
     "write a number such as 0.01"},
    {"required_matched_ratio", KIND_RATIO, EVALUATION | IN_OPTION, CELL(required_matched_ratio),
     &share_or_null, "write a number such as 0.95"},
    {"timeout_seconds", KIND_NUMBER, SYSTEM | IN_OPTION, CELL(timeout_seconds), &seconds,
     "write a number such as 300"},
    {"profile_baseline", KIND_BOOL, SYSTEM | IN_OPTION, CELL(profile_baseline), &either,
     "write true or false"},
    {"extra", KIND_EXTRA, EVALUATION, 0, NULL, "write its members indented below it"},
    {"use_isolated_runner", KIND_BOOL, AT_TOP, FILE_ONLY(use_isolated_runner), &either,
     "write true or false"},
    {"definitions", KIND_STRINGS, AT_TOP, FILE_ONLY(definitions), NULL, NULL},
    {"solutions", KIND_STRINGS, AT_TOP, FILE_ONLY(solutions), NULL, NULL},
    {"op_type_config", KIND_SECTIONS, AT_TOP, 0, NULL,
     "write each op_type indented below it, and its keys below that"},
    {"definition_config", KIND_SECTIONS, AT_TOP, 0, NULL,
     "write each definition indented below it, and its keys below that"},
    {"sampling_validation_trials", KIND_INTEGER, IN_EXTRA, 0, &integer_from_1,
     "write a number such as 100"},
    {"sampling_tvd_threshold", KIND_NUMBER, IN_EXTRA, 0, &share, "write a number such as 0.2"},
};
#define KEY_COUNT (sizeof keys / sizeof *keys)

/* The values that one place of the file, or the command line, sets. */
typedef struct {
    unsigned is_set; /* bit i: keys[i] */
    value_set values;
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

static const config_key *find_key(const char *name, unsigned scope) {
    for (size_t i = 0; i < KEY_COUNT; i++)
        if ((keys[i].scopes & scope) != 0 && strcmp(keys[i].name, name) == 0)
            return &keys[i];
    return NULL;
}

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
static void store(tm_arena *arena, const config_key *key, const tm_node *node,
                  config_level *level) {
    char *slot = (char *)&level->values + key->offset;
    level->is_set |= 1u << (key - keys);
    switch (key->kind) {
    case KIND_INTEGER:
        *(int64_t *)slot = node->integer;
        break;
    case KIND_RATIO:
        level->values.config.has_matched_ratio = node->type != TM_NODE_NULL;
        *(double *)slot = node->number;
        break;
    case KIND_NUMBER:
        *(double *)slot = node->number;
        break;
    case KIND_BOOL:
        *(bool *)slot = node->boolean;
        break;
    case KIND_EXTRA:
        store_extra(arena, node, &level->values.config);
        break;
    case KIND_STRINGS:
    case KIND_SECTIONS:
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
static void apply(tm_arena *arena, const config_level *level, value_set *values) {
    for (size_t i = 0; i < KEY_COUNT; i++) {
        if ((level->is_set & 1u << i) == 0)
            continue;
        size_t offset = keys[i].offset;
        memcpy((char *)values + offset, (const char *)&level->values + offset,
               slot_bytes[keys[i].kind]);
        if (keys[i].kind == KIND_RATIO)
            values->config.has_matched_ratio = level->values.config.has_matched_ratio;
        if (keys[i].kind == KIND_EXTRA)
            merge_extra(arena, &level->values.config, &values->config);
    }
}

/* Reading */

typedef enum { FITS, WRONG_TYPE, OUT_OF_RANGE } verdict;

static verdict check_number(const config_key *key, const tm_node *node) {
    const value_range *range = key->range;
    if (node->type != TM_NODE_NUMBER || (key->kind == KIND_INTEGER && !node->is_integer))
        return WRONG_TYPE;
    /* Written so that NaN is out of every range. */
    bool is_in =
        range->above_minimum ? node->number > range->minimum : node->number >= range->minimum;
    return is_in && node->number <= range->maximum ? FITS : OUT_OF_RANGE;
}

static verdict check_scalar(const config_key *key, const tm_node *node) {
    switch (key->kind) {
    case KIND_RATIO:
        return node->type == TM_NODE_NULL ? FITS : check_number(key, node);
    case KIND_INTEGER:
    case KIND_NUMBER:
        return check_number(key, node);
    case KIND_BOOL:
        return node->type == TM_NODE_BOOL ? FITS : WRONG_TYPE;
    default:
        return WRONG_TYPE;
    }
}

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

static void refuse(tm_node_reader *reader, const config_key *key, const tm_node *node,
                   const char *where, verdict found) {
    const char *advice = key->advice;
    if (node->type == TM_NODE_STRING) {
        tm_node unquoted = parse_text(node->string);
        if (check_scalar(key, &unquoted) == FITS)
            advice = "remove the quotes";
    }
    tm_diag_error(reader->diag, node->place, where, "expected %s, got %s; %s",
                  found == OUT_OF_RANGE ? key->range->phrase : kind_names[key->kind],
                  tm_node_describe(reader->arena, node), advice);
}

static bool read_scalar(tm_node_reader *reader, const config_key *key, const tm_node *node,
                        const char *where) {
    verdict found = check_scalar(key, node);
    if (found != FITS)
        refuse(reader, key, node, where, found);
    return found == FITS;
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
        const config_key *key = find_key(member->key, IN_EXTRA);
        const char *path = tm_field_join(reader->arena, where, member->key);
        ok = (key != NULL ? read_scalar(reader, key, member, path)
                          : check_finite(reader, member, path)) &&
             ok;
    }
    return ok;
}

/* Reads one key of `object` that may stand there. */
static bool read_key(tm_node_reader *reader, const config_key *key, const tm_node *object,
                     const char *where, config_level *level) {
    const tm_node *node = tm_node_get(object, key->name);
    const char *path = tm_field_join(reader->arena, where, key->name);
    bool is_object = node->type == TM_NODE_OBJECT;
    switch (key->kind) {
    case KIND_SECTIONS:
        return true; /* read_sections does it */
    case KIND_STRINGS: {
        const char *const **slot = (const char *const **)((char *)&level->values + key->offset);
        size_t count;
        return tm_node_may_strings(reader, object, where, key->name, slot, &count);
    }
    case KIND_EXTRA:
        if (node->type == TM_NODE_NULL)
            return true;
        if (!is_object)
            refuse(reader, key, node, path, WRONG_TYPE);
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
    if (object->type == TM_NODE_NULL && scope == IN_SECTION)
        return true;
    if (object->type != TM_NODE_OBJECT) {
        tm_diag_error(reader->diag, object->place, where,
                      "expected an object, got %s; write lines such as \"iterations: 50\"",
                      tm_node_describe(reader->arena, object));
        return false;
    }
    const char *known[KEY_COUNT];
    size_t known_count = 0;
    bool ok = true;
    for (size_t i = 0; i < KEY_COUNT; i++) {
        const config_key *key = &keys[i];
        const tm_node *member = tm_node_get(object, key->name);
        if ((key->scopes & scope) != 0) {
            known[known_count++] = key->name;
            ok = (member == NULL || read_key(reader, key, object, where, level)) && ok;
        } else if (scope == IN_SECTION && (key->scopes & AT_TOP) != 0 && member != NULL) {
            known[known_count++] = key->name;
            ok = false;
            tm_diag_error(reader->diag, member->key_place,
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
        refuse(reader, find_key(name, AT_TOP), sections, name, WRONG_TYPE);
        return false;
    }
    list->items = tm_arena_array(reader->arena, sections->count, sizeof *list->items);
    bool ok = true;
    for (const tm_node *node = sections->child; node != NULL; node = node->next) {
        config_section *section = &list->items[list->count++];
        section->name = node->key;
        ok = read_level(reader, node, tm_field_join(reader->arena, name, node->key), IN_SECTION,
                        &section->level) &&
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
    store(arena, find_key("required_matched_ratio", AT_TOP), &moe_ratio, &moe->level);
    sampling->name = "sampling";
    store(arena, find_key("extra", AT_TOP), &sampling_extra, &sampling->level);
    return file;
}

bool tm_config_load(tm_config_file *file, const tm_node *root, tm_diag *diag) {
    tm_node_reader reader = {file->arena, diag};
    file->top = (config_level){0};
    bool ok = read_level(&reader, root, "", AT_TOP, &file->top);
    ok = read_sections(&reader, root, "op_type_config", &file->op_types) && ok;
    return read_sections(&reader, root, "definition_config", &file->definitions) && ok;
}

bool tm_config_override(tm_config_file *file, const char *key_name, const char *value,
                        const char *option, tm_diag *diag) {
    tm_place command_line = {NULL, TM_WHOLE_FILE};
    const config_key *key = find_key(key_name, IN_OPTION);
    if (key == NULL) {
        tm_diag_error(diag, command_line, option, "expected a configuration key, got \"%s\"",
                      key_name);
        return false;
    }
    tm_node node = parse_text(value);
    if (check_scalar(key, &node) != FITS) {
        tm_diag_error(diag, command_line, option, "expected %s, got \"%s\"", key->range->phrase,
                      value);
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

bool tm_config_isolated(const tm_config_file *file) {
    return file->top.values.use_isolated_runner;
}

static void apply_section(tm_arena *arena, const section_list *list, const char *name,
                          value_set *values) {
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
    value_set values = {.config = built_in};
    apply(file->arena, &file->top, &values);
    apply_section(file->arena, &file->op_types, op_type, &values);
    apply_section(file->arena, &file->definitions, definition, &values);
    apply(file->arena, &file->options, &values);
    return values.config;
}

tm_json *tm_config_to_json(const tm_config *config) {
    value_set values = {.config = *config};
    tm_json *json = tm_json_object();
    for (size_t i = 0; i < KEY_COUNT; i++) {
        const config_key *key = &keys[i];
        const char *slot = (const char *)&values + key->offset;
        if ((key->scopes & IN_CELL) == 0)
            continue;
        if (key->kind == KIND_INTEGER) {
            tm_json_set_int(json, key->name, *(const int64_t *)slot);
        } else if (key->kind == KIND_BOOL) {
            tm_json_set_bool(json, key->name, *(const bool *)slot);
        } else if (key->kind == KIND_RATIO && !config->has_matched_ratio) {
            tm_json_set_null(json, key->name);
        } else if (key->kind == KIND_EXTRA) {
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
    value_set values = {.config = built_in};
    config_level level = {0};
    bool ok = read_level(reader, node, "", IN_CELL, &level);
    apply(reader->arena, &level, &values);
    *config = values.config;
    return ok;
}

double tm_config_extra_number(const tm_config *config, const char *key, double otherwise) {
    for (size_t i = 0; i < config->extra_count; i++)
        if (strcmp(config->extra[i]->key, key) == 0 && config->extra[i]->type == TM_NODE_NUMBER)
            return config->extra[i]->number;
    return otherwise;
}
