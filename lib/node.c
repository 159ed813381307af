#include "lib/node.h"

#include <inttypes.h>
#include <stdlib.h>
#include <math.h>
#include <string.h>

#include "lib/field.h"
#include "lib/text.h"

/* Longer strings are cut in messages. */
#define TM_NODE_SHOWN_BYTES ((size_t)60)

/* "a string", "an object", ... for messages. */
static const char *type_name(tm_node_type type) {
    switch (type) {
    case TM_NODE_NULL:
        return "null";
    case TM_NODE_BOOL:
        return "true or false";
    case TM_NODE_NUMBER:
        return "a number";
    case TM_NODE_STRING:
        return "a string";
    case TM_NODE_ARRAY:
        return "an array";
    case TM_NODE_OBJECT:
        return "an object";
    }
    return "an unknown type";
}

static void tm_node_describe_string(tm_text *text, const char *string) {
    size_t length = strlen(string), shown = length;
    if (length > TM_NODE_SHOWN_BYTES) {
        shown = TM_NODE_SHOWN_BYTES;
        while (shown > 0 && ((unsigned char)string[shown] & 0xc0) == 0x80)
            shown--;
    }
    tm_text_add(text, "\"");
    for (size_t i = 0; i < shown; i++) {
        unsigned char byte = (unsigned char)string[i];
        if (byte == '\n')
            tm_text_add(text, "\\n");
        else if (byte == '\t')
            tm_text_add(text, "\\t");
        else if (byte < ' ' || byte == 0x7f)
            tm_text_format(text, "\\u%04x", byte);
        else
            tm_text_add_bytes(text, string + i, 1);
    }
    tm_text_add(text, shown < length ? "...\"" : "\"");
}

const char *tm_node_describe(tm_arena *arena, const tm_node *node) {
    tm_text text = {0};
    if (node->type == TM_NODE_STRING)
        tm_node_describe_string(&text, node->string);
    else if (node->type == TM_NODE_NUMBER && node->is_integer)
        tm_text_format(&text, "%" PRId64, node->integer);
    else if (node->type == TM_NODE_NUMBER)
        tm_text_add_number(&text, node->number);
    else if (node->type == TM_NODE_BOOL)
        tm_text_add(&text, node->boolean ? "true" : "false");
    else
        tm_text_add(&text, type_name(node->type));
    const char *result = tm_arena_copy(arena, tm_text_get(&text), text.length);
    tm_text_free(&text);
    return result;
}

tm_node *tm_node_make(tm_arena *arena, tm_node_type type, tm_place place) {
    tm_node *node = tm_arena_alloc(arena, sizeof *node);
    node->type = type;
    node->place = place;
    return node;
}

tm_place tm_node_key_place(const tm_node *member) {
    return (tm_place){member->place.source, member->key_offset};
}

void tm_node_append(tm_node_growing *parent, tm_node *child) {
    if (parent->last != NULL)
        parent->last->next = child;
    else
        parent->node->child = child;
    parent->last = child;
    parent->node->count++;
}

const tm_node *tm_node_get(const tm_node *object, const char *key) {
    if (object == NULL || object->type != TM_NODE_OBJECT)
        return NULL;
    for (const tm_node *member = object->child; member != NULL; member = member->next) {
        /* Most keys differ in their first byte. */
        if (member->key[0] == key[0] && strcmp(member->key, key) == 0)
            return member;
    }
    return NULL;
}

const char *tm_node_text_of(const tm_node *object, const char *key) {
    const tm_node *member = tm_node_get(object, key);
    return member != NULL && member->type == TM_NODE_STRING ? member->string : "";
}

double tm_node_number_of(const tm_node *object, const char *key) {
    const tm_node *member = tm_node_get(object, key);
    return member != NULL && member->type == TM_NODE_NUMBER && isfinite(member->number)
               ? member->number
               : 0.0;
}

/* "where.key", or just the key at top level. */
static const char *tm_node_path(tm_node_reader *reader, const char *where, const char *key) {
    return where == NULL ? key : tm_field_join(reader->arena, where, key);
}

/* What to do about a scalar of the wrong type, when the mend is plain. */
static const char *tm_node_mend(const tm_node *node, tm_node_type wanted) {
    bool scalar = node->type == TM_NODE_NUMBER || node->type == TM_NODE_BOOL;
    if (wanted == TM_NODE_STRING && scalar)
        return "; put it in quotes";
    if (node->type != TM_NODE_STRING)
        return "";
    if (wanted == TM_NODE_BOOL &&
        (strcmp(node->string, "true") == 0 || strcmp(node->string, "false") == 0))
        return "; remove the quotes";
    if (wanted == TM_NODE_NUMBER && node->string[0] != '\0') {
        char *end;
        strtod(node->string, &end);
        if (*end == '\0')
            return "; remove the quotes";
    }
    return "";
}

static void tm_node_mistyped(tm_node_reader *reader, const tm_node *node, const char *path,
                             tm_node_type wanted) {
    tm_diag_error(reader->diag, node->place, path, "expected %s, got %s%s", type_name(wanted),
                  tm_node_describe(reader->arena, node), tm_node_mend(node, wanted));
}

/* True when members can be asked for; a missing object has been complained about already. */
static bool tm_node_has_members(tm_node_reader *reader, const tm_node *object, const char *where) {
    if (object == NULL)
        return false;
    if (object->type != TM_NODE_OBJECT) {
        tm_node_mistyped(reader, object, where, TM_NODE_OBJECT);
        return false;
    }
    return true;
}

const tm_node *tm_node_need(tm_node_reader *reader, const tm_node *object, const char *where,
                            const char *key, tm_node_type type) {
    if (!tm_node_has_members(reader, object, where))
        return NULL;
    const tm_node *member = tm_node_get(object, key);
    if (member == NULL) {
        tm_diag_error(reader->diag, object->place, tm_node_path(reader, where, key),
                      "expected %s, got nothing; add the key \"%s\" to this object",
                      type_name(type), key);
        return NULL;
    }
    if (member->type != type) {
        tm_node_mistyped(reader, member, tm_node_path(reader, where, key), type);
        return NULL;
    }
    return member;
}

/* Finds an optional member; *mistyped tells whether there was an error. */
static const tm_node *tm_node_find(tm_node_reader *reader, const tm_node *object, const char *where,
                                   const char *key, tm_node_type type, bool *mistyped) {
    *mistyped = object != NULL && !tm_node_has_members(reader, object, where);
    const tm_node *member = tm_node_get(object, key);
    if (member == NULL || (member->type == TM_NODE_NULL && type != TM_NODE_NULL))
        return NULL;
    if (member->type != type) {
        tm_node_mistyped(reader, member, tm_node_path(reader, where, key), type);
        *mistyped = true;
        return NULL;
    }
    return member;
}

const tm_node *tm_node_may(tm_node_reader *reader, const tm_node *object, const char *where,
                           const char *key, tm_node_type type) {
    bool mistyped;
    return tm_node_find(reader, object, where, key, type, &mistyped);
}

static void tm_node_empty(tm_node_reader *reader, const tm_node *node, const char *path) {
    tm_diag_error(reader->diag, node->place, path, "expected a non-empty string, got \"\"");
}

bool tm_node_need_string(tm_node_reader *reader, const tm_node *object, const char *where,
                         const char *key, const char **out) {
    const tm_node *member = tm_node_need(reader, object, where, key, TM_NODE_STRING);
    if (member == NULL)
        return false;
    if (member->string[0] == '\0') {
        tm_node_empty(reader, member, tm_node_path(reader, where, key));
        return false;
    }
    *out = member->string;
    return true;
}

bool tm_node_may_string(tm_node_reader *reader, const tm_node *object, const char *where,
                        const char *key, const char **out) {
    bool mistyped;
    const tm_node *member = tm_node_find(reader, object, where, key, TM_NODE_STRING, &mistyped);
    if (member != NULL)
        *out = member->string;
    return !mistyped;
}

bool tm_node_may_bool(tm_node_reader *reader, const tm_node *object, const char *where,
                      const char *key, bool *out) {
    bool mistyped;
    const tm_node *member = tm_node_find(reader, object, where, key, TM_NODE_BOOL, &mistyped);
    if (member != NULL)
        *out = member->boolean;
    return !mistyped;
}

bool tm_node_may_strings(tm_node_reader *reader, const tm_node *object, const char *where,
                         const char *key, const char *const **out, size_t *count) {
    bool mistyped;
    const tm_node *array = tm_node_find(reader, object, where, key, TM_NODE_ARRAY, &mistyped);
    *out = NULL;
    *count = 0;
    if (array == NULL)
        return !mistyped;

    const char **strings = tm_arena_array(reader->arena, array->count + 1, sizeof *strings);
    size_t filled = 0, index = 0;
    bool good = true;
    for (const tm_node *element = array->child; element != NULL; element = element->next, index++) {
        if (element->type == TM_NODE_STRING && element->string[0] != '\0') {
            strings[filled++] = element->string;
            continue;
        }
        const char *path =
            tm_arena_format(reader->arena, "%s[%zu]", tm_node_path(reader, where, key), index);
        if (element->type != TM_NODE_STRING)
            tm_node_mistyped(reader, element, path, TM_NODE_STRING);
        else
            tm_node_empty(reader, element, path);
        good = false;
    }
    if (!good)
        return false;
    *out = strings;
    *count = filled;
    return true;
}

static bool tm_node_is_known(const char *key, const char *const *known, size_t known_count) {
    for (size_t i = 0; i < known_count; i++) {
        if (key[0] == known[i][0] && strcmp(key, known[i]) == 0)
            return true;
    }
    return false;
}

bool tm_node_only(tm_node_reader *reader, const tm_node *object, const char *where,
                  const char *const *known, size_t known_count) {
    if (!tm_node_has_members(reader, object, where))
        return false;
    bool good = true;
    for (const tm_node *member = object->child; member != NULL; member = member->next) {
        if (tm_node_is_known(member->key, known, known_count))
            continue;
        good = false;
        const char *nearest = tm_text_nearest(member->key, known, known_count);
        if (nearest != NULL) {
            tm_diag_error(reader->diag, tm_node_key_place(member), where,
                          "unknown key \"%s\"; did you mean \"%s\"?", member->key, nearest);
            continue;
        }
        tm_text list = {0};
        for (size_t i = 0; i < known_count; i++)
            tm_text_format(&list, "%s\"%s\"", i == 0 ? "" : ", ", known[i]);
        tm_diag_error(reader->diag, tm_node_key_place(member), where,
                      "unknown key \"%s\"; the known ones are %s", member->key,
                      known_count == 0 ? "none" : tm_text_get(&list));
        tm_text_free(&list);
    }
    return good;
}

void tm_node_note_unknown(tm_node_reader *reader, const tm_node *object, const char *where,
                          const char *const *known, size_t known_count) {
    if (object == NULL || object->type != TM_NODE_OBJECT)
        return;
    for (const tm_node *member = object->child; member != NULL; member = member->next) {
        if (tm_node_is_known(member->key, known, known_count))
            continue;
        const char *nearest = tm_text_nearest(member->key, known, known_count);
        if (nearest != NULL)
            tm_diag_add(reader->diag, TM_DIAG_NOTE, tm_node_key_place(member), where,
                        "unknown key \"%s\" is kept but not used; did you mean \"%s\"?",
                        member->key, nearest);
        else
            tm_diag_add(reader->diag, TM_DIAG_NOTE, tm_node_key_place(member), where,
                        "unknown key \"%s\" is kept but not used", member->key);
    }
}
