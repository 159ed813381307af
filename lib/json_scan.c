#include "lib/json_scan.h"

#include <ctype.h>
#include <string.h>

#include "lib/json_value.h"
#include "lib/text.h"

/* Longer keys and words are cut in messages. */
#define TM_JSON_SCAN_SHOWN_BYTES ((size_t)40)

typedef struct {
    tm_arena *arena;
    const tm_source *source;
    const char *text;
    size_t at, end;
    tm_diag *diag;
} tm_json_scan;

/* The array or object around a value. */
typedef struct {
    bool is_object;
    size_t opening; /* offset of its bracket */
    int depth;      /* 1 for the outermost */
} tm_json_scan_frame;

static tm_node *tm_json_scan_value(tm_json_scan *scan, const tm_json_scan_frame *parent,
                                   const char *expected);

static tm_place tm_json_scan_place(const tm_json_scan *scan, size_t offset) {
    return (tm_place){scan->source, offset};
}

static void tm_json_scan_space(tm_json_scan *scan) {
    while (scan->at < scan->end) {
        char byte = scan->text[scan->at];
        if (byte != ' ' && byte != '\n' && byte != '\r' && byte != '\t')
            return;
        scan->at++;
    }
}

static bool tm_json_scan_digit(const tm_json_scan *scan) {
    return scan->at < scan->end && scan->text[scan->at] >= '0' && scan->text[scan->at] <= '9';
}

static bool tm_json_scan_sees(const tm_json_scan *scan, char byte) {
    return scan->at < scan->end && scan->text[scan->at] == byte;
}

/* Bytes of the word (a literal, a number, a bare name) that begins here. */
static size_t tm_json_scan_word(const tm_json_scan *scan) {
    size_t length = 0;
    while (scan->at + length < scan->end) {
        unsigned char byte = (unsigned char)scan->text[scan->at + length];
        if (!isalnum(byte) && byte != '_' && byte != '.' && byte != '+' && byte != '-')
            break;
        length++;
    }
    return length;
}

/* What stands here, for messages. In the arena or static. */
static const char *tm_json_scan_got(const tm_json_scan *scan) {
    if (scan->at >= scan->end)
        return "the end of the text";
    const char *here = scan->text + scan->at;
    size_t word = tm_json_scan_word(scan);
    if (word > TM_JSON_SCAN_SHOWN_BYTES)
        return tm_arena_format(scan->arena, "'%.*s...'", (int)TM_JSON_SCAN_SHOWN_BYTES, here);
    if (word > 0)
        return tm_arena_format(scan->arena, "'%.*s'", (int)word, here);
    size_t bytes = tm_text_utf8_bytes(here, scan->end - scan->at);
    if (bytes == 0 || (unsigned char)*here < ' ' || *here == 0x7f)
        return tm_arena_format(scan->arena, "byte 0x%02x", (unsigned char)*here);
    return tm_arena_format(scan->arena, "'%.*s'", (int)bytes, here);
}

/* What to do about a text that looks like another language. Static. */
static const char *tm_json_scan_mend(const tm_json_scan *scan) {
    static const struct {
        const char *word, *mend;
    } mends[] = {
        {"NaN", "; JSON has no such number; an error may be the string \"NaN\""},
        {"nan", "; JSON has no such number; an error may be the string \"NaN\""},
        {"Infinity", "; JSON has no such number; an error may be the string \"Infinity\""},
        {"inf", "; JSON has no such number; an error may be the string \"Infinity\""},
        {"-Infinity", "; JSON has no such number; an error may be the string \"-Infinity\""},
        {"-inf", "; JSON has no such number; an error may be the string \"-Infinity\""},
        {"True", "; write true"},
        {"False", "; write false"},
        {"None", "; write null"},
    };
    if (scan->at >= scan->end)
        return "";
    size_t word = tm_json_scan_word(scan);
    for (size_t i = 0; i < sizeof mends / sizeof *mends; i++) {
        if (strlen(mends[i].word) == word &&
            memcmp(mends[i].word, scan->text + scan->at, word) == 0)
            return mends[i].mend;
    }
    switch (scan->text[scan->at]) {
    case '\'':
        return "; strings stand in double quotes";
    case '/':
    case '#':
        return "; JSON has no comments, remove it";
    case '+':
        return "; remove the '+'";
    case '.':
        return "; write a digit before the '.'";
    default:
        return "";
    }
}

/* Reports that something else stands here. A text that ends too early is reported where the array
 * or object begins that it leaves open. Always false. */
static bool tm_json_scan_fail(tm_json_scan *scan, const tm_json_scan_frame *frame,
                              const char *expected, const char *mend) {
    if (scan->at >= scan->end && frame != NULL)
        tm_diag_error(scan->diag, tm_json_scan_place(scan, frame->opening), NULL,
                      "this %s is not closed: expected %s, got the end of the text",
                      frame->is_object ? "object" : "array", expected);
    else
        tm_diag_error(scan->diag, tm_json_scan_place(scan, scan->at), NULL, "expected %s, got %s%s",
                      expected, tm_json_scan_got(scan), mend);
    return false;
}

/* The four digits after "\u", or -1. */
static int tm_json_scan_hex(const tm_json_scan *scan, size_t offset) {
    int value = 0;
    if (scan->end - offset < 4)
        return -1;
    for (size_t i = 0; i < 4; i++) {
        unsigned char byte = (unsigned char)scan->text[offset + i];
        if (!isxdigit(byte))
            return -1;
        value = value * 16 + (byte <= '9' ? byte - '0' : (byte | 0x20) - 'a' + 10);
    }
    return value;
}

static bool tm_json_scan_unicode_escape(tm_json_scan *scan) {
    tm_place place = tm_json_scan_place(scan, scan->at);
    int unit = tm_json_scan_hex(scan, scan->at + 2);
    if (unit < 0) {
        tm_diag_error(scan->diag, place, NULL, "expected four hexadecimal digits after \\u");
        return false;
    }
    if (unit == 0) {
        tm_diag_error(scan->diag, place, NULL, "a string may not contain \\u0000; remove it");
        return false;
    }
    scan->at += 6;
    if (unit < 0xd800 || unit > 0xdfff)
        return true;
    bool escape_follows = scan->end - scan->at >= 6 && scan->text[scan->at] == '\\' &&
                          scan->text[scan->at + 1] == 'u';
    int low = escape_follows ? tm_json_scan_hex(scan, scan->at + 2) : -1;
    if (unit > 0xdbff || low < 0xdc00 || low > 0xdfff) {
        tm_diag_error(
            scan->diag, place, NULL,
            "half of a surrogate pair; expected \\ud800 to \\udbff followed by \\udc00 to "
            "\\udfff");
        return false;
    }
    scan->at += 6;
    return true;
}

static bool tm_json_scan_escape(tm_json_scan *scan, size_t opening) {
    if (scan->end - scan->at < 2) {
        tm_diag_error(scan->diag, tm_json_scan_place(scan, opening), NULL,
                      "this string is not closed: expected '\"', got the end of the text");
        return false;
    }
    char kind = scan->text[scan->at + 1];
    if (kind == 'u')
        return tm_json_scan_unicode_escape(scan);
    if (kind == '\0' || strchr("\"\\/bfnrt", kind) == NULL) {
        tm_place place = tm_json_scan_place(scan, scan->at);
        scan->at++;
        tm_diag_error(scan->diag, place, NULL,
                      "expected one of \" \\ / b f n r t u after '\\', got %s; write \\\\ for a "
                      "backslash",
                      tm_json_scan_got(scan));
        return false;
    }
    scan->at += 2;
    return true;
}

/* Reports the byte here, which no string may hold. */
static void tm_json_scan_bad_byte(tm_json_scan *scan, size_t opening) {
    unsigned char byte = (unsigned char)scan->text[scan->at];
    tm_place place = tm_json_scan_place(scan, scan->at);
    if (byte >= ' ')
        tm_diag_error(scan->diag, place, NULL,
                      "byte 0x%02x is not valid UTF-8; save the file as UTF-8", byte);
    else if (byte == '\n' || byte == '\r')
        tm_diag_error(scan->diag, tm_json_scan_place(scan, opening), NULL,
                      "this string is not closed: expected '\"' before the end of the line; a line "
                      "break inside a string is written \\n");
    else if (byte == '\t')
        tm_diag_error(scan->diag, place, NULL, "a tab inside a string is written \\t");
    else
        tm_diag_error(scan->diag, place, NULL,
                      "control character 0x%02x inside a string; write \\u%04x or remove it", byte,
                      byte);
}

/* A string, from its opening quote. In the arena; NULL after an error. */
static const char *tm_json_scan_string(tm_json_scan *scan) {
    size_t opening = scan->at++;
    while (scan->at < scan->end) {
        unsigned char byte = (unsigned char)scan->text[scan->at];
        if (byte == '"')
            return tm_json_value_string(scan->arena, scan->text + opening + 1,
                                        scan->at++ - opening - 1);
        if (byte == '\\') {
            if (!tm_json_scan_escape(scan, opening))
                return NULL;
            continue;
        }
        size_t bytes = 1;
        if (byte < ' ' || byte >= 0x80)
            bytes =
                byte < ' ' ? 0 : tm_text_utf8_bytes(scan->text + scan->at, scan->end - scan->at);
        if (bytes == 0) {
            tm_json_scan_bad_byte(scan, opening);
            return NULL;
        }
        scan->at += bytes;
    }
    tm_diag_error(scan->diag, tm_json_scan_place(scan, opening), NULL,
                  "this string is not closed: expected '\"', got the end of the text");
    return NULL;
}

static bool tm_json_scan_digits(tm_json_scan *scan, const char *expected) {
    if (!tm_json_scan_digit(scan))
        return tm_json_scan_fail(scan, NULL, expected, "");
    while (tm_json_scan_digit(scan))
        scan->at++;
    return true;
}

static bool tm_json_scan_number(tm_json_scan *scan, tm_node *node) {
    size_t begin = scan->at;
    if (tm_json_scan_sees(scan, '-'))
        scan->at++;
    size_t first = scan->at;
    if (!tm_json_scan_digits(scan, "a digit after '-'"))
        return false;
    if (scan->text[first] == '0' && scan->at > first + 1) {
        scan->at = begin;
        return tm_json_scan_fail(scan, NULL, "a number without leading zeros", "");
    }
    if (tm_json_scan_sees(scan, '.')) {
        scan->at++;
        if (!tm_json_scan_digits(scan, "a digit after '.'"))
            return false;
    }
    if (tm_json_scan_sees(scan, 'e') || tm_json_scan_sees(scan, 'E')) {
        scan->at++;
        if (tm_json_scan_sees(scan, '+') || tm_json_scan_sees(scan, '-'))
            scan->at++;
        if (!tm_json_scan_digits(scan, "a digit in the exponent"))
            return false;
    }
    if (scan->at - begin > TM_JSON_SCAN_NUMBER_LIMIT_BYTES) {
        tm_diag_error(scan->diag, tm_json_scan_place(scan, begin), NULL,
                      "expected a number of at most %d characters, got %zu",
                      TM_JSON_SCAN_NUMBER_LIMIT_BYTES, scan->at - begin);
        return false;
    }
    node->type = TM_NODE_NUMBER;
    tm_json_value_number(scan->text + begin, scan->at - begin, node);
    return true;
}

static bool tm_json_scan_array(tm_json_scan *scan, const tm_json_scan_frame *frame,
                               tm_node *array) {
    tm_node_growing elements = {array, NULL};
    scan->at++;
    tm_json_scan_space(scan);
    if (tm_json_scan_sees(scan, ']')) {
        scan->at++;
        return true;
    }
    const char *expected = "a JSON value or ']'";
    for (size_t index = 0;; index++) {
        tm_node *element = tm_json_scan_value(scan, frame, expected);
        if (element == NULL)
            return false;
        tm_node_append(&elements, element);
        tm_json_scan_space(scan);
        if (tm_json_scan_sees(scan, ']')) {
            scan->at++;
            return true;
        }
        if (!tm_json_scan_sees(scan, ','))
            return tm_json_scan_fail(
                scan, frame, tm_arena_format(scan->arena, "',' or ']' after element %zu", index),
                "");
        scan->at++;
        expected = "a JSON value after ','";
    }
}

/* "the key "name"" as it stands in the text. In the arena. */
static const char *tm_json_scan_key_name(const tm_json_scan *scan, size_t begin, size_t end) {
    size_t length = end - begin;
    if (length <= TM_JSON_SCAN_SHOWN_BYTES)
        return tm_arena_format(scan->arena, "%.*s", (int)length, scan->text + begin);
    length = TM_JSON_SCAN_SHOWN_BYTES;
    while (((unsigned char)scan->text[begin + length] & 0xc0) == 0x80)
        length--;
    return tm_arena_format(scan->arena, "%.*s...\"", (int)length, scan->text + begin);
}

static bool tm_json_scan_member(tm_json_scan *scan, const tm_json_scan_frame *frame,
                                tm_node_growing *members, const char *expected) {
    tm_json_scan_space(scan);
    if (!tm_json_scan_sees(scan, '"')) {
        bool is_word = tm_json_scan_word(scan) > 0 || tm_json_scan_sees(scan, '\'');
        bool is_trailing = tm_json_scan_sees(scan, '}');
        return tm_json_scan_fail(scan, frame, expected,
                                 is_trailing ? "; remove the ',' before it"
                                 : is_word   ? "; keys stand in double quotes"
                                             : tm_json_scan_mend(scan));
    }
    size_t key_begin = scan->at;
    const char *key = tm_json_scan_string(scan);
    if (key == NULL)
        return false;
    size_t key_end = scan->at;
    tm_json_scan_space(scan);
    if (!tm_json_scan_sees(scan, ':')) {
        const char *name = tm_json_scan_key_name(scan, key_begin, key_end);
        return tm_json_scan_fail(scan, frame,
                                 tm_arena_format(scan->arena, "':' after the key %s", name), "");
    }
    scan->at++;
    tm_node *member = tm_json_scan_value(scan, frame, "a JSON value after ':'");
    if (member == NULL)
        return false;
    member->key = key;
    member->key_offset = (uint32_t)key_begin;
    tm_node_append(members, member);
    tm_json_scan_space(scan);
    if (!tm_json_scan_sees(scan, ',') && !tm_json_scan_sees(scan, '}')) {
        const char *name = tm_json_scan_key_name(scan, key_begin, key_end);
        return tm_json_scan_fail(
            scan, frame, tm_arena_format(scan->arena, "',' or '}' after the value of %s", name),
            "");
    }
    return true;
}

static bool tm_json_scan_object(tm_json_scan *scan, const tm_json_scan_frame *frame,
                                tm_node *object) {
    tm_node_growing members = {object, NULL};
    scan->at++;
    tm_json_scan_space(scan);
    if (tm_json_scan_sees(scan, '}')) {
        scan->at++;
        return true;
    }
    const char *expected = "a key in double quotes or '}'";
    for (;;) {
        if (!tm_json_scan_member(scan, frame, &members, expected))
            return false;
        /* A member ends before ',' or '}'. */
        if (scan->text[scan->at++] == '}')
            return true;
        expected = "a key in double quotes after ','";
    }
}

static bool tm_json_scan_literal(tm_json_scan *scan, tm_node *node) {
    static const char *const literals[] = {"true", "false", "null"};
    size_t word = tm_json_scan_word(scan);
    for (size_t i = 0; i < sizeof literals / sizeof *literals; i++) {
        if (strlen(literals[i]) == word && memcmp(scan->text + scan->at, literals[i], word) == 0) {
            scan->at += word;
            node->type = i < 2 ? TM_NODE_BOOL : TM_NODE_NULL;
            node->boolean = i == 0;
            return true;
        }
    }
    return false;
}

static bool tm_json_scan_container(tm_json_scan *scan, const tm_json_scan_frame *parent,
                                   tm_node *node) {
    tm_json_scan_frame frame = {scan->text[scan->at] == '{', scan->at,
                                parent == NULL ? 1 : parent->depth + 1};
    if (frame.depth > TM_JSON_SCAN_DEPTH_LIMIT) {
        tm_diag_error(scan->diag, tm_json_scan_place(scan, scan->at), NULL,
                      "expected at most %d nested arrays and objects; make the text flatter",
                      TM_JSON_SCAN_DEPTH_LIMIT);
        return false;
    }
    node->type = frame.is_object ? TM_NODE_OBJECT : TM_NODE_ARRAY;
    return frame.is_object ? tm_json_scan_object(scan, &frame, node)
                           : tm_json_scan_array(scan, &frame, node);
}

/* NULL after an error. */
static tm_node *tm_json_scan_value(tm_json_scan *scan, const tm_json_scan_frame *parent,
                                   const char *expected) {
    tm_json_scan_space(scan);
    char first = scan->at < scan->end ? scan->text[scan->at] : '\0';
    tm_node *node = tm_node_make(scan->arena, TM_NODE_NULL, tm_json_scan_place(scan, scan->at));
    if (first == '"') {
        node->type = TM_NODE_STRING;
        node->string = tm_json_scan_string(scan);
        return node->string != NULL ? node : NULL;
    }
    if (first == '{' || first == '[')
        return tm_json_scan_container(scan, parent, node) ? node : NULL;
    if (tm_json_scan_digit(scan))
        return tm_json_scan_number(scan, node) ? node : NULL;
    if (tm_json_scan_literal(scan, node))
        return node;
    const char *mend = tm_json_scan_mend(scan);
    if (first == '-' && mend[0] == '\0')
        return tm_json_scan_number(scan, node) ? node : NULL;
    bool is_trailing = first == ']' && parent != NULL && !parent->is_object;
    tm_json_scan_fail(scan, parent, expected, is_trailing ? "; remove the ',' before it" : mend);
    return NULL;
}

tm_node *tm_json_scan_parse(tm_arena *arena, const tm_source *source, size_t begin, size_t end,
                            tm_diag *diag) {
    tm_json_scan scan = {.arena = arena,
                         .source = source,
                         .text = source->text,
                         .at = begin,
                         .end = end,
                         .diag = diag};
    tm_node *node = tm_json_scan_value(&scan, NULL, "a JSON value");
    if (node == NULL)
        return NULL;
    tm_json_scan_space(&scan);
    if (scan.at < scan.end) {
        tm_json_scan_fail(&scan, NULL, "nothing after the JSON value", "; remove it");
        return NULL;
    }
    return node;
}
