#include "reports/page_json.h"

#include <math.h>
#include <string.h>

/* Between two values of a list, or behind a member. */
static void separate(tm_text *text) {
    char last = text->length > 0 ? text->data[text->length - 1] : '[';
    if (last != '[' && last != '{' && last != ':')
        tm_text_add_bytes(text, ",", 1);
}

void tm_page_json_open(tm_text *text, char bracket) {
    separate(text);
    tm_text_add_bytes(text, &bracket, 1);
}

void tm_page_json_close(tm_text *text, char bracket) {
    tm_text_add_bytes(text, &bracket, 1);
}

void tm_page_json_key(tm_text *text, const char *key) {
    tm_page_json_string(text, key);
    tm_text_add_bytes(text, ":", 1);
}

static void add_escape(tm_text *text, unsigned char byte) {
    static const char hex[] = "0123456789abcdef";
    char escape[] = {'\\', 'u', '0', '0', hex[byte >> 4], hex[byte & 15]};
    if (byte == '\n')
        tm_text_add_bytes(text, "\\n", 2);
    else if (byte == '"' || byte == '\\')
        tm_text_add_bytes(text, (char[]){'\\', (char)byte}, 2);
    else
        tm_text_add_bytes(text, escape, sizeof(escape));
}

static void add_string(tm_text *text, const char *bytes, size_t length) {
    separate(text);
    tm_text_add_bytes(text, "\"", 1);
    size_t kept = 0, at = 0; /* what lies between is copied as one */
    while (at < length) {
        unsigned char byte = (unsigned char)bytes[at];
        size_t width = byte < 0x80 ? 1 : tm_text_utf8_bytes(bytes + at, length - at);
        if (width > 0 && byte >= 0x20 && byte != '"' && byte != '\\' && byte != '<') {
            at += width;
            continue;
        }
        tm_text_add_bytes(text, bytes + kept, at - kept);
        if (width == 0)
            tm_text_add(text, "\xef\xbf\xbd");
        else
            add_escape(text, byte);
        kept = ++at;
    }
    tm_text_add_bytes(text, bytes + kept, at - kept);
    tm_text_add_bytes(text, "\"", 1);
}

void tm_page_json_string(tm_text *text, const char *string) {
    if (string != NULL) {
        add_string(text, string, strlen(string));
        return;
    }
    separate(text);
    tm_text_add(text, "null");
}

void tm_page_json_int(tm_text *text, int64_t value) {
    separate(text);
    tm_text_add_int(text, value);
}

void tm_page_json_number(tm_text *text, double value) {
    if (!isfinite(value)) {
        tm_page_json_string(text, isnan(value) ? "NaN" : value > 0.0 ? "Infinity" : "-Infinity");
        return;
    }
    separate(text);
    tm_text_add_rounded(text, value);
}

void tm_page_json_node(tm_text *text, const tm_node *node) {
    tm_node_type type = node != NULL ? node->type : TM_NODE_NULL;
    bool is_object = type == TM_NODE_OBJECT;
    switch (type) {
    case TM_NODE_NULL:
        tm_page_json_string(text, NULL);
        break;
    case TM_NODE_BOOL:
        separate(text);
        tm_text_add(text, node->boolean ? "true" : "false");
        break;
    case TM_NODE_NUMBER:
        if (node->is_integer)
            tm_page_json_int(text, node->integer);
        else
            tm_page_json_number(text, node->number);
        break;
    case TM_NODE_STRING:
        tm_page_json_string(text, node->string);
        break;
    case TM_NODE_ARRAY:
    case TM_NODE_OBJECT:
        tm_page_json_open(text, is_object ? '{' : '[');
        for (const tm_node *child = node->child; child != NULL; child = child->next) {
            if (is_object)
                tm_page_json_key(text, child->key);
            tm_page_json_node(text, child);
        }
        tm_page_json_close(text, is_object ? '}' : ']');
        break;
    }
}

void tm_page_json_set_string(tm_text *text, const char *key, const char *value) {
    tm_page_json_key(text, key);
    tm_page_json_string(text, value);
}

void tm_page_json_set_int(tm_text *text, const char *key, size_t value) {
    tm_page_json_key(text, key);
    tm_page_json_int(text, (int64_t)value);
}

void tm_page_json_set_number(tm_text *text, const char *key, double value) {
    tm_page_json_key(text, key);
    tm_page_json_number(text, value);
}

void tm_page_json_set_strings(tm_text *text, const char *key, const char *const *strings) {
    tm_page_json_key(text, key);
    tm_page_json_open(text, '[');
    for (; strings != NULL && *strings != NULL; strings++)
        tm_page_json_string(text, *strings);
    tm_page_json_close(text, ']');
}
