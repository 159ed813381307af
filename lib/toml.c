#include "lib/toml.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/text.h"

typedef struct {
    tm_arena *arena;
    const tm_source *source;
    tm_diag *diag;
    size_t at;
    int depth; /* of arrays */
} reader;

#define MOST_NESTED 32 /* arrays */

static char peek(const reader *r) {
    return r->source->text[r->at]; /* NUL at the end */
}

static tm_place place_at(const reader *r, size_t offset) {
    return (tm_place){r->source, offset};
}

static tm_node *make(reader *r, tm_node_type type, size_t offset) {
    return tm_node_make(r->arena, type, place_at(r, offset));
}

/* What stands at an offset, for messages. */
static const char *describe(const reader *r, size_t offset) {
    const char *text = r->source->text + offset;
    size_t character = tm_text_utf8_bytes(text, r->source->length - offset);
    if (offset == r->source->length)
        return "the end of the file";
    if (*text == '\n' || *text == '\r')
        return "the end of the line";
    if (*text == '\t')
        return "a tab";
    if ((unsigned char)*text < 0x20 || *text == 0x7f)
        return "a control character";
    return tm_arena_format(r->arena, "'%.*s'", (int)character, text);
}

/* Always false. */
static bool expected(reader *r, size_t offset, const char *what) {
    tm_diag_error(r->diag, place_at(r, offset), NULL, "expected %s, got %s", what,
                  describe(r, offset));
    return false;
}

static bool refuse(reader *r, size_t offset, const char *what, const char *instead) {
    tm_diag_error(r->diag, place_at(r, offset), NULL, "%s not read here; %s", what, instead);
    return false;
}

static void skip_blanks(reader *r) {
    r->at += strspn(r->source->text + r->at, " \t");
}

/* A comment and the end of the line behind it; false after an error. */
static bool skip_line_end(reader *r) {
    skip_blanks(r);
    if (peek(r) == '#')
        for (r->at++; peek(r) && peek(r) != '\n'; r->at++)
            if (((unsigned char)peek(r) < 0x20 && peek(r) != '\t' &&
                 !(peek(r) == '\r' && r->source->text[r->at + 1] == '\n')) ||
                peek(r) == 0x7f)
                return expected(r, r->at, "text in a comment");
    if (peek(r) == '\r' && r->source->text[r->at + 1] == '\n')
        r->at++;
    if (r->at == r->source->length)
        return true;
    if (peek(r) != '\n')
        return expected(r, r->at, "the end of the line");
    r->at++;
    return true;
}

static void add_code_point(tm_text *out, unsigned long code) {
    char bytes[4];
    size_t count;
    if (code < 0x80) {
        bytes[0] = (char)code;
        count = 1;
    } else if (code < 0x800) {
        bytes[0] = (char)(0xc0 | code >> 6);
        count = 2;
    } else if (code < 0x10000) {
        bytes[0] = (char)(0xe0 | code >> 12);
        count = 3;
    } else {
        bytes[0] = (char)(0xf0 | code >> 18);
        count = 4;
    }
    for (size_t i = 1; i < count; i++)
        bytes[i] = (char)(0x80 | (code >> 6 * (count - 1 - i) & 0x3f));
    tm_text_add_bytes(out, bytes, count);
}

/* \uXXXX and \UXXXXXXXX, `r->at` on the letter. */
static bool read_code_point(reader *r, tm_text *out) {
    size_t start = r->at - 1, digits = peek(r) == 'u' ? 4 : 8;
    const char *text = r->source->text + r->at + 1;
    if (strspn(text, "0123456789abcdefABCDEF") < digits)
        return expected(r, start,
                        digits == 4 ? "\\u with four hexadecimal digits"
                                    : "\\U with eight hexadecimal digits");
    unsigned long code = strtoul(tm_arena_copy(r->arena, text, digits), NULL, 16);
    if (code == 0 || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
        return expected(r, start, "a character other than NUL and the surrogates");
    add_code_point(out, code);
    r->at += 1 + digits;
    return true;
}

static bool read_escape(reader *r, tm_text *out) {
    static const char letters[] = "btnfr\"\\", values[] = "\b\t\n\f\r\"\\";
    size_t start = r->at++;
    const char *letter = peek(r) ? strchr(letters, peek(r)) : NULL;
    if (letter) {
        tm_text_add_bytes(out, &values[letter - letters], 1);
        r->at++;
        return true;
    }
    if (peek(r) == 'u' || peek(r) == 'U')
        return read_code_point(r, out);
    return expected(r, start, "one of \\b \\t \\n \\f \\r \\\" \\\\ \\uXXXX \\UXXXXXXXX");
}

/* A string in quotes; NULL after an error. */
static const char *read_quoted(reader *r) {
    size_t start = r->at;
    char quote = peek(r);
    const char *text = r->source->text + start;
    if (text[1] == quote && text[2] == quote) {
        refuse(r, start, "strings of several lines are",
               "write it in one line, with \\n between its parts");
        return NULL;
    }
    tm_text out = {0};
    bool good = true;
    r->at++;
    while (good && peek(r) != quote) {
        if (((unsigned char)peek(r) < 0x20 && peek(r) != '\t') || peek(r) == 0x7f)
            good = expected(r, r->at, quote == '"' ? "a closing \"" : "a closing '");
        else if (peek(r) == '\\' && quote == '"')
            good = read_escape(r, &out);
        else
            tm_text_add_bytes(&out, r->source->text + r->at++, 1);
    }
    const char *string = good ? tm_arena_copy(r->arena, tm_text_get(&out), out.length) : NULL;
    r->at += good;
    tm_text_free(&out);
    return string;
}

static const char *read_key(reader *r) {
    static const char bare[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
    size_t start = r->at, length = strspn(r->source->text + start, bare);
    const char *key = NULL;
    if (peek(r) == '"' || peek(r) == '\'')
        key = read_quoted(r);
    else if (length > 0) {
        key = tm_arena_copy(r->arena, r->source->text + start, length);
        r->at += length;
    } else
        expected(r, start, "a key, \"[table]\" or a comment");
    if (!key)
        return NULL;
    skip_blanks(r);
    if (peek(r) != '.')
        return key;
    refuse(r, r->at, "dotted keys and nested tables are", "write a table of one level");
    return NULL;
}

/* Decimal integers and floats, as TOML writes them. */
static tm_node *read_number(reader *r) {
    size_t start = r->at;
    const char *text = r->source->text + start;
    size_t length = strspn(text, "+-0123456789_.eExobabcdfinABCDF:TZ");
    const char *at = text + (*text == '+' || *text == '-');
    tm_text plain = {0};
    tm_text_add_bytes(&plain, text, (size_t)(at - text));
    bool fraction = false, exponent = false, good = *at >= '0' && *at <= '9';
    good = good && !(at[0] == '0' && at[1] >= '0' && at[1] <= '9');
    for (; good && at < text + length; at++) {
        bool digit_before = at > text && at[-1] >= '0' && at[-1] <= '9';
        bool digit_after = at[1] >= '0' && at[1] <= '9';
        if (*at == '_')
            good = digit_before && digit_after;
        else if (*at == '.') {
            good = digit_before && digit_after && !fraction && !exponent;
            fraction = true;
        } else if (*at == 'e' || *at == 'E') {
            good =
                digit_before && !exponent &&
                (digit_after || ((at[1] == '+' || at[1] == '-') && at[2] >= '0' && at[2] <= '9'));
            exponent = true;
        } else if (*at == '+' || *at == '-')
            good = at[-1] == 'e' || at[-1] == 'E';
        else
            good = *at >= '0' && *at <= '9';
        if (*at != '_')
            tm_text_add_bytes(&plain, at, 1);
    }
    tm_node *node = make(r, TM_NODE_NUMBER, start);
    errno = 0;
    node->is_integer = good && !fraction && !exponent;
    if (node->is_integer)
        node->integer = strtoll(tm_text_get(&plain), NULL, 10);
    node->number = good ? strtod(tm_text_get(&plain), NULL) : 0;
    good = good && errno == 0;
    tm_text_free(&plain);
    r->at += length;
    if (good)
        return node;
    r->at = start;
    expected(r, start, "a decimal number, a string in quotes, true, false or an array");
    return NULL;
}

static tm_node *read_value(reader *r);

/* Blanks, comments and line ends between the elements of an array. */
static bool skip_space(reader *r) {
    for (;;) {
        skip_blanks(r);
        if (peek(r) != '#' && peek(r) != '\n' && peek(r) != '\r')
            return true;
        if (!skip_line_end(r))
            return false;
    }
}

static tm_node *read_array(reader *r) {
    size_t start = r->at++;
    tm_node_growing array = {.node = make(r, TM_NODE_ARRAY, start)};
    if (r->depth++ == MOST_NESTED) {
        expected(r, start, "at most 32 arrays within each other");
        return NULL;
    }
    for (bool separated = true; skip_space(r);) {
        if (peek(r) == ']') {
            r->at++;
            r->depth--;
            return array.node;
        }
        tm_node *value = separated ? read_value(r) : NULL;
        if (!separated)
            expected(r, r->at, "',' or ']'");
        if (!value || !skip_space(r))
            return NULL;
        tm_node_append(&array, value);
        separated = peek(r) == ',';
        r->at += separated;
    }
    return NULL;
}

static tm_node *read_value(reader *r) {
    const char *text = r->source->text + r->at;
    size_t word = strspn(text, "abcdefghijklmnopqrstuvwxyz");
    if (*text == '"' || *text == '\'') {
        tm_node *node = make(r, TM_NODE_STRING, r->at);
        node->string = read_quoted(r);
        return node->string ? node : NULL;
    }
    if (*text == '[')
        return read_array(r);
    if (*text == '{') {
        refuse(r, r->at, "inline tables are", "write a [table]");
        return NULL;
    }
    if ((word == 4 && strncmp(text, "true", 4) == 0) ||
        (word == 5 && strncmp(text, "false", 5) == 0)) {
        tm_node *node = make(r, TM_NODE_BOOL, r->at);
        node->boolean = word == 4;
        r->at += word;
        return node;
    }
    return read_number(r);
}

static bool add_member(reader *r, tm_node_growing *parent, const char *key, size_t offset,
                       tm_node *value) {
    if (tm_node_get(parent->node, key)) {
        tm_diag_error(r->diag, place_at(r, offset), NULL,
                      "expected each key once, got \"%s\" again; remove one", key);
        return false;
    }
    value->key = key;
    value->key_offset = (uint32_t)place_at(r, offset).offset;
    tm_node_append(parent, value);
    return true;
}

/* "[name]": the table that the next keys go to. */
static bool read_table(reader *r, tm_node_growing *root, tm_node_growing *table) {
    size_t start = r->at++;
    if (peek(r) == '[')
        return refuse(r, start, "arrays of tables are", "write a [table]");
    skip_blanks(r);
    size_t offset = r->at;
    const char *key = read_key(r);
    if (!key)
        return false;
    if (peek(r) != ']')
        return expected(r, r->at, "']'");
    r->at++;
    *table = (tm_node_growing){.node = make(r, TM_NODE_OBJECT, start)};
    return add_member(r, root, key, offset, table->node) && skip_line_end(r);
}

static bool read_pair(reader *r, tm_node_growing *table) {
    size_t offset = r->at;
    const char *key = read_key(r);
    if (!key)
        return false;
    if (peek(r) != '=')
        return expected(r, r->at, "'='");
    r->at++;
    skip_blanks(r);
    tm_node *value = read_value(r);
    return value && add_member(r, table, key, offset, value) && skip_line_end(r);
}

const tm_node *tm_toml_parse(tm_arena *arena, const tm_source *source, tm_diag *diag) {
    reader r = {.arena = arena, .source = source, .diag = diag};
    size_t valid = tm_text_utf8_prefix(source->text, source->length);
    if (valid < source->length) {
        tm_diag_error(diag, place_at(&r, valid), NULL,
                      "expected UTF-8 without NUL, got byte 0x%02x; save the file as UTF-8",
                      (unsigned char)source->text[valid]);
        return NULL;
    }
    tm_node_growing root = {.node = make(&r, TM_NODE_OBJECT, 0)};
    tm_node_growing table = root, *current = &root;
    while (skip_space(&r) && r.at < source->length) {
        bool good;
        if (peek(&r) == '[') {
            good = read_table(&r, &root, &table);
            current = &table;
        } else
            good = read_pair(&r, current);
        if (!good)
            return NULL;
    }
    return r.at == source->length ? root.node : NULL;
}
