#include "lib/yaml_scalar.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool is_one_of(const char *text, const char *const words[], size_t count) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(text, words[i]) == 0)
            return true;
    return false;
}
#define IS_ONE_OF(text, ...)                            \
    is_one_of(text, (const char *const[]){__VA_ARGS__}, \
              sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

/* [-+]? [0-9]+ */
static bool is_decimal(const char *text) {
    text += *text == '-' || *text == '+';
    size_t digits = strspn(text, "0123456789");
    return digits > 0 && text[digits] == '\0';
}

/* [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )? */
static bool is_float(const char *text) {
    text += *text == '-' || *text == '+';
    size_t whole = strspn(text, "0123456789");
    text += whole;
    if (*text == '.') {
        size_t fraction = strspn(++text, "0123456789");
        if (whole + fraction == 0)
            return false;
        text += fraction;
    } else if (whole == 0) {
        return false;
    }
    if (*text == '\0')
        return true;
    return (*text == 'e' || *text == 'E') && is_decimal(text + 1);
}

static void set_integer(tm_node *node, const char *digits, int base) {
    char *end;
    errno = 0;
    node->type = TM_NODE_NUMBER;
    node->integer = strtoll(digits, &end, base);
    node->is_integer = errno == 0;
    node->number = (double)node->integer;
    if (node->is_integer)
        return;
    node->integer = 0;
    if (base == 10) {
        node->number = strtod(digits, NULL);
        return;
    }
    node->number = 0;
    for (const char *digit = digits; *digit != '\0'; digit++) {
        int value = isdigit((unsigned char)*digit) ? *digit - '0' : tolower(*digit) - 'a' + 10;
        node->number = node->number * base + value;
    }
}

void tm_yaml_scalar_resolve(tm_node *node, const char *text) {
    const char *magnitude = text + (*text == '-' || *text == '+');
    if (IS_ONE_OF(text, "", "~", "null", "Null", "NULL")) {
        node->type = TM_NODE_NULL;
    } else if (IS_ONE_OF(text, "true", "True", "TRUE", "false", "False", "FALSE")) {
        node->type = TM_NODE_BOOL;
        node->boolean = *text == 't' || *text == 'T';
    } else if (is_decimal(text)) {
        set_integer(node, text, 10);
    } else if (strncmp(text, "0x", 2) == 0 && isxdigit((unsigned char)text[2]) &&
               text[2 + strspn(text + 2, "0123456789abcdefABCDEF")] == '\0') {
        set_integer(node, text + 2, 16);
    } else if (strncmp(text, "0o", 2) == 0 && isdigit((unsigned char)text[2]) &&
               text[2 + strspn(text + 2, "01234567")] == '\0') {
        set_integer(node, text + 2, 8);
    } else if (is_float(text)) {
        node->type = TM_NODE_NUMBER;
        node->number = strtod(text, NULL);
    } else if (IS_ONE_OF(magnitude, ".inf", ".Inf", ".INF")) {
        node->type = TM_NODE_NUMBER;
        node->number = *text == '-' ? -INFINITY : INFINITY;
    } else if (IS_ONE_OF(text, ".nan", ".NaN", ".NAN")) {
        node->type = TM_NODE_NUMBER;
        node->number = NAN;
    } else {
        node->type = TM_NODE_STRING;
        node->string = text;
    }
}
