#include "lib/json.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/json_scan.h"
#include "lib/text.h"

/* Indented arrays of scalars stay on one line up to here. */
#define TM_JSON_LINE_BYTES ((size_t)100)
/* Keys in the path of a message are cut here. */
#define TM_JSON_SHOWN_BYTES 60
/* Larger objects look for duplicate keys by sorting. */
#define TM_JSON_FEW_MEMBERS ((size_t)16)

/* Parsing: json_scan makes the nodes; what the grammar allows and we do not is looked for in them
 * when they are complete, so that a broken text has one error. */

typedef struct {
    tm_arena *arena;
    tm_diag *diag;
    const char *end; /* of the text */
    bool good;
} tm_json_checker;

/* The way from a value to the root. */
typedef struct tm_json_path tm_json_path;
struct tm_json_path {
    const tm_json_path *parent;
    const char *key; /* NULL: the element `index` */
    size_t index;
};

static void tm_json_path_add(tm_text *text, const tm_json_path *path) {
    if (path == NULL)
        return;
    tm_json_path_add(text, path->parent);
    if (path->key == NULL)
        tm_text_format(text, "[%zu]", path->index);
    else
        tm_text_format(text, "%s%.*s", text->length == 0 ? "" : ".", TM_JSON_SHOWN_BYTES,
                       path->key);
}

static void tm_json_duplicate(tm_json_checker *checker, const tm_node *member,
                              const tm_json_path *path) {
    tm_text where = {0};
    tm_json_path_add(&where, path);
    tm_diag_error(checker->diag, tm_node_key_place(member), tm_text_get(&where),
                  "duplicate key \"%s\"; keep one", member->key);
    tm_text_free(&where);
    checker->good = false;
}

static int tm_json_compare_keys(const void *left, const void *right) {
    const tm_node *a = *(const tm_node *const *)left, *b = *(const tm_node *const *)right;
    int order = strcmp(a->key, b->key);
    if (order != 0)
        return order;
    return (tm_node_key_place(a).offset > tm_node_key_place(b).offset) -
           (tm_node_key_place(a).offset < tm_node_key_place(b).offset);
}

/* Most keys differ in their first byte. */
static bool tm_json_is_same(const char *left, const char *right) {
    return left[0] == right[0] && strcmp(left, right) == 0;
}

static void tm_json_check_keys(tm_json_checker *checker, const tm_node *object,
                               const tm_json_path *path) {
    if (object->count <= TM_JSON_FEW_MEMBERS) {
        for (const tm_node *member = object->child; member != NULL; member = member->next) {
            const tm_node *earlier = object->child;
            while (earlier != member && !tm_json_is_same(earlier->key, member->key))
                earlier = earlier->next;
            if (earlier != member)
                tm_json_duplicate(checker, member, path);
        }
        return;
    }
    const tm_node **members = tm_arena_array(checker->arena, object->count, sizeof *members);
    size_t count = 0;
    for (const tm_node *member = object->child; member != NULL; member = member->next)
        members[count++] = member;
    qsort(members, count, sizeof(*members), tm_json_compare_keys);
    for (size_t i = 1; i < count; i++) {
        if (strcmp(members[i - 1]->key, members[i]->key) == 0)
            tm_json_duplicate(checker, members[i], path);
    }
}

static void tm_json_check_number(tm_json_checker *checker, const tm_node *number) {
    if (isfinite(number->number))
        return;
    const char *digits = number->place.source->text + number->place.offset;
    int length = 0;
    while (digits + length < checker->end && digits[length] != '\0' &&
           strchr("+-.0123456789Ee", digits[length]) != NULL)
        length++;
    tm_diag_error(checker->diag, number->place, NULL,
                  "expected a number within the range of a double, got %.*s", length, digits);
    checker->good = false;
}

static void tm_json_check(tm_json_checker *checker, const tm_node *node, const tm_json_path *path) {
    if (node->type == TM_NODE_NUMBER)
        tm_json_check_number(checker, node);
    tm_json_path child_path = {path, NULL, 0};
    for (const tm_node *child = node->child; child != NULL; child = child->next) {
        child_path.key = child->key;
        tm_json_check(checker, child, &child_path);
        child_path.index++;
    }
    if (node->type == TM_NODE_OBJECT)
        tm_json_check_keys(checker, node, path);
}

const tm_node *tm_json_parse(tm_arena *arena, const tm_source *source, size_t begin, size_t end,
                             tm_diag *diag) {
    if (begin == 0 && end >= 3 && memcmp(source->text, "\xef\xbb\xbf", 3) == 0)
        begin = 3;
    const tm_node *node = tm_json_scan_parse(arena, source, begin, end, diag);
    if (node == NULL)
        return NULL;
    tm_json_checker checker = {arena, diag, source->text + end, true};
    tm_json_check(&checker, node, NULL);
    return checker.good ? node : NULL;
}

const tm_node *tm_json_parse_all(tm_arena *arena, const tm_source *source, tm_diag *diag) {
    return tm_json_parse(arena, source, 0, source->length, diag);
}

/* Behind the string whose opening quote is at `at`; few have escapes. */
static const char *tm_json_skip_string(const char *at, const char *end) {
    const char *quote = memchr(at + 1, '"', (size_t)(end - at - 1));
    if (quote[-1] != '\\')
        return quote + 1;
    for (at++; *at != '"'; at++)
        at += *at == '\\';
    return at + 1;
}

void tm_json_add_source(tm_text *text, const tm_node *node) {
    static const signed char depths[256] = {['{'] = 1, ['['] = 1, ['}'] = -1, [']'] = -1};
    static const bool spaces[256] = {[' '] = true, ['\n'] = true, ['\r'] = true, ['\t'] = true};
    const tm_source *source = node->place.source;
    const char *at = source->text + node->place.offset, *end = source->text + source->length;
    tm_text_reserve(text, (size_t)(end - at));
    char *out = text->data + text->length;
    int depth = 0;
    do {
        if (*at == '"') {
            const char *behind = tm_json_skip_string(at, end);
            memcpy(out, at, (size_t)(behind - at));
            out += behind - at;
            at = behind;
            continue;
        }
        depth += depths[(unsigned char)*at];
        *out = *at;
        out += !spaces[(unsigned char)*at++];
    } while (depth > 0);
    *out = '\0';
    text->length = (size_t)(out - text->data);
}

bool tm_json_next_row(const tm_source *source, size_t *at, size_t *begin, size_t *end) {
    while (*at < source->length) {
        const char *line = source->text + *at;
        const char *newline = memchr(line, '\n', source->length - *at);
        *begin = *at;
        *end = newline == NULL ? source->length : (size_t)(newline - source->text);
        *at = *end + 1;
        if (strspn(line, " \t\r") < *end - *begin)
            return true;
    }
    return false;
}

/* Building: a tm_json is a cJSON tree whose numbers are kept as text. */

static cJSON *tm_json_must(cJSON *item) {
    if (item == NULL) {
        fprintf(stderr, "tracemill: out of memory while building a JSON value\n");
        abort();
    }
    return item;
}

tm_json *tm_json_object(void) {
    return (tm_json *)tm_json_must(cJSON_CreateObject());
}

tm_json *tm_json_array(void) {
    return (tm_json *)tm_json_must(cJSON_CreateArray());
}

void tm_json_free(tm_json *value) {
    cJSON_Delete((cJSON *)value);
}

/* The string with each byte that is no UTF-8 replaced, in `buffer` when that is needed. */
static const char *tm_json_valid(const char *string, tm_text *buffer) {
    size_t length = strlen(string), at = 0, copied = 0;
    while (at < length) {
        size_t bytes = tm_text_utf8_bytes(string + at, length - at);
        if (bytes == 0) {
            tm_text_add_bytes(buffer, string + copied, at - copied);
            tm_text_add(buffer, "\xef\xbf\xbd");
            copied = at + 1;
        }
        at += bytes == 0 ? 1 : bytes;
    }
    if (copied == 0)
        return string;
    tm_text_add(buffer, string + copied);
    return tm_text_get(buffer);
}

static cJSON *tm_json_make_string(const char *value) {
    if (value == NULL)
        return tm_json_must(cJSON_CreateNull());
    tm_text buffer = {0};
    cJSON *item = tm_json_must(cJSON_CreateString(tm_json_valid(value, &buffer)));
    tm_text_free(&buffer);
    return item;
}

static cJSON *tm_json_make_int(int64_t value) {
    char digits[32];
    snprintf(digits, sizeof digits, "%" PRId64, value);
    return tm_json_must(cJSON_CreateRaw(digits));
}

static cJSON *tm_json_make_number(double value) {
    if (isnan(value))
        return tm_json_make_string("NaN");
    if (isinf(value))
        return tm_json_make_string(value > 0 ? "Infinity" : "-Infinity");
    tm_text digits = {0};
    tm_text_add_number(&digits, value);
    cJSON *item = tm_json_must(cJSON_CreateRaw(tm_text_get(&digits)));
    tm_text_free(&digits);
    return item;
}

static void tm_json_add(tm_json *object, const char *key, cJSON *item) {
    tm_text buffer = {0};
    if (!cJSON_AddItemToObject((cJSON *)object, tm_json_valid(key, &buffer), item))
        tm_json_must(NULL);
    tm_text_free(&buffer);
}

static void tm_json_append(tm_json *array, cJSON *item) {
    if (!cJSON_AddItemToArray((cJSON *)array, item))
        tm_json_must(NULL);
}

static cJSON *tm_json_make_node(const tm_node *node) {
    switch (node->type) {
    case TM_NODE_BOOL:
        return tm_json_must(cJSON_CreateBool(node->boolean));
    case TM_NODE_NUMBER:
        /* "-0" is an integer, of which only the double keeps the sign. */
        return node->is_integer && !(node->integer == 0 && signbit(node->number))
                   ? tm_json_make_int(node->integer)
                   : tm_json_make_number(node->number);
    case TM_NODE_STRING:
        return tm_json_make_string(node->string);
    case TM_NODE_ARRAY: {
        tm_json *array = tm_json_array();
        for (const tm_node *element = node->child; element != NULL; element = element->next)
            tm_json_append(array, tm_json_make_node(element));
        return (cJSON *)array;
    }
    case TM_NODE_OBJECT: {
        tm_json *object = tm_json_object();
        for (const tm_node *member = node->child; member != NULL; member = member->next)
            tm_json_add(object, member->key, tm_json_make_node(member));
        return (cJSON *)object;
    }
    case TM_NODE_NULL:
        break;
    }
    return tm_json_must(cJSON_CreateNull());
}

void tm_json_set_string(tm_json *object, const char *key, const char *value) {
    tm_json_add(object, key, tm_json_make_string(value));
}

void tm_json_set_int(tm_json *object, const char *key, int64_t value) {
    tm_json_add(object, key, tm_json_make_int(value));
}

void tm_json_set_number(tm_json *object, const char *key, double value) {
    tm_json_add(object, key, tm_json_make_number(value));
}

void tm_json_set_bool(tm_json *object, const char *key, bool value) {
    tm_json_add(object, key, tm_json_must(cJSON_CreateBool(value)));
}

void tm_json_set_null(tm_json *object, const char *key) {
    tm_json_add(object, key, tm_json_must(cJSON_CreateNull()));
}

void tm_json_set_positive(tm_json *object, const char *key, double value) {
    if (value > 0.0)
        tm_json_set_number(object, key, value);
    else
        tm_json_set_null(object, key);
}

void tm_json_set(tm_json *object, const char *key, tm_json *value) {
    tm_json_add(object, key, (cJSON *)value);
}

void tm_json_set_node(tm_json *object, const char *key, const tm_node *node) {
    tm_json_add(object, key, tm_json_make_node(node));
}

void tm_json_push(tm_json *array, tm_json *value) {
    tm_json_append(array, (cJSON *)value);
}

void tm_json_push_string(tm_json *array, const char *value) {
    tm_json_append(array, tm_json_make_string(value));
}

void tm_json_push_int(tm_json *array, int64_t value) {
    tm_json_append(array, tm_json_make_int(value));
}

void tm_json_push_number(tm_json *array, double value) {
    tm_json_append(array, tm_json_make_number(value));
}

void tm_json_push_node(tm_json *array, const tm_node *node) {
    tm_json_append(array, tm_json_make_node(node));
}

/* Printing: cJSON indents by tabs and cuts long numbers. */

static void tm_json_print_string(tm_text *text, const char *string) {
    static const char letters[] = "btnvfr"; /* 8 to 13; \v is not JSON */
    const char *plain = string;
    tm_text_add(text, "\"");
    for (const char *at = string; *at != '\0'; at++) {
        unsigned char byte = (unsigned char)*at;
        if (byte >= ' ' && byte != '"' && byte != '\\')
            continue;
        tm_text_add_bytes(text, plain, (size_t)(at - plain));
        plain = at + 1;
        if (byte >= ' ')
            tm_text_format(text, "\\%c", byte);
        else if (byte >= '\b' && byte <= '\r' && byte != '\v')
            tm_text_format(text, "\\%c", letters[byte - '\b']);
        else
            tm_text_format(text, "\\u%04x", byte);
    }
    tm_text_add(text, plain);
    tm_text_add(text, "\"");
}

static void tm_json_print_scalar(tm_text *text, const cJSON *item) {
    if (cJSON_IsString(item))
        tm_json_print_string(text, item->valuestring);
    else if (cJSON_IsRaw(item))
        tm_text_add(text, item->valuestring);
    else if (cJSON_IsBool(item))
        tm_text_add(text, cJSON_IsTrue(item) ? "true" : "false");
    else
        tm_text_add(text, "null");
}

/* A number, or an array or object that is printed already. */
static bool tm_json_is_printed(const cJSON *item) {
    return cJSON_IsRaw(item) && (item->valuestring[0] == '{' || item->valuestring[0] == '[');
}

static bool tm_json_is_scalar(const cJSON *item) {
    return !cJSON_IsArray(item) && !cJSON_IsObject(item);
}

/* Prints an array of scalars on the current line; leaves the text as it was and returns false when
 * it does not fit or holds more than scalars. */
static bool tm_json_print_in_line(tm_text *text, const cJSON *array, size_t line_begin) {
    size_t before = text->length;
    tm_text_add(text, "[");
    const cJSON *element = array->child;
    for (; element != NULL && tm_json_is_scalar(element) && !tm_json_is_printed(element);
         element = element->next) {
        if (element != array->child)
            tm_text_add(text, ", ");
        tm_json_print_scalar(text, element);
        if (text->length - line_begin > TM_JSON_LINE_BYTES)
            break;
    }
    tm_text_add(text, "]");
    /* A ',' may follow. */
    if (element == NULL && text->length - line_begin < TM_JSON_LINE_BYTES)
        return true;
    text->length = before;
    text->data[before] = '\0';
    return false;
}

static void tm_json_break_line(tm_text *text, int depth) {
    tm_text_add(text, "\n");
    for (; depth > 0; depth--)
        tm_text_add(text, "  ");
}

static void tm_json_print_value(tm_text *text, const cJSON *item, bool pretty, int depth,
                                size_t line_begin) {
    if (tm_json_is_scalar(item)) {
        tm_json_print_scalar(text, item);
        return;
    }
    bool is_object = cJSON_IsObject(item);
    if (pretty && !is_object && tm_json_print_in_line(text, item, line_begin))
        return;
    tm_text_add(text, is_object ? "{" : "[");
    for (const cJSON *child = item->child; child != NULL; child = child->next) {
        if (child != item->child)
            tm_text_add(text, ",");
        if (pretty) {
            line_begin = text->length + 1;
            tm_json_break_line(text, depth + 1);
        }
        if (is_object) {
            tm_json_print_string(text, child->string);
            tm_text_add(text, pretty ? ": " : ":");
        }
        tm_json_print_value(text, child, pretty, depth + 1, line_begin);
    }
    if (pretty && item->child != NULL)
        tm_json_break_line(text, depth);
    tm_text_add(text, is_object ? "}" : "]");
}

void tm_json_push_printed(tm_json *array, tm_json *value, int depth) {
    tm_text text = {0};
    tm_json_print_value(&text, (const cJSON *)value, true, depth, 0);
    tm_json_free(value);
    tm_json_append(array, tm_json_must(cJSON_CreateRaw(tm_text_get(&text))));
    tm_text_free(&text);
}

char *tm_json_print(const tm_json *value, bool pretty) {
    tm_text text = {0};
    tm_json_print_value(&text, (const cJSON *)value, pretty, 0, 0);
    if (pretty)
        tm_text_add(&text, "\n");
    return text.data;
}
