#include "lib/json_value.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/json_scan.h"
#include "lib/number.h"

enum { MAX_DIGITS = 18 };
/* Keys and words; longer strings seldom come twice. */
enum { MAX_SHARED = 32 };
#define MAX_EXACT ((uint64_t)1 << 53)

/* As the C library reads it: whatever the fast way below cannot. */
static void read_slowly(const char *text, size_t length, tm_node *node) {
    char digits[TM_JSON_SCAN_NUMBER_LIMIT_BYTES + 1];
    memcpy(digits, text, length);
    digits[length] = '\0';
    node->number = strtod(digits, NULL);
    if (strpbrk(digits, ".eE") == NULL) {
        errno = 0;
        node->integer = strtoll(digits, NULL, 10);
        node->is_integer = errno == 0;
    }
}

/* "12", "-0.25", "3e-6": digits that make a whole number below 2^53, times or by a power of ten
 * that a double holds, give the nearest double by one operation (Clinger 1990). */
void tm_json_value_number(const char *text, size_t length, tm_node *node) {
    const char *at = text, *end = text + length;
    bool is_negative = *at == '-', is_whole = true;
    at += is_negative;
    uint64_t digits = 0;
    int count = 0, power = 0;
    for (; at < end && *at >= '0' && *at <= '9'; at++, count++)
        digits = digits * 10 + (uint64_t)(*at - '0');
    if (at < end && *at == '.') {
        is_whole = false;
        for (at++; at < end && *at >= '0' && *at <= '9'; at++, count++, power--)
            digits = digits * 10 + (uint64_t)(*at - '0');
    }
    if (at < end) { /* 'e' */
        is_whole = false;
        bool is_small = *++at == '-';
        at += *at == '-' || *at == '+';
        int exponent = 0;
        for (; at < end && exponent <= TM_NUMBER_MOST_POWER * 2; at++)
            exponent = exponent * 10 + (*at - '0');
        power += is_small ? -exponent : exponent;
    }
    if (count > MAX_DIGITS || digits > MAX_EXACT || power < -TM_NUMBER_MOST_POWER ||
        power > TM_NUMBER_MOST_POWER) {
        read_slowly(text, length, node);
        return;
    }
    double number = power < 0 ? (double)digits / tm_number_powers[-power]
                              : (double)digits * tm_number_powers[power];
    node->number = is_negative ? -number : number;
    node->is_integer = is_whole;
    if (is_whole)
        node->integer = is_negative ? -(int64_t)digits : (int64_t)digits;
}

static unsigned hex_at(const char *text) {
    unsigned value = 0;
    for (int i = 0; i < 4; i++) {
        unsigned char byte = (unsigned char)text[i];
        value = value * 16 + (unsigned)(byte <= '9' ? byte - '0' : (byte | 0x20) - 'a' + 10);
    }
    return value;
}

static char *put_utf8(char *out, unsigned point) {
    if (point < 0x80) {
        *out++ = (char)point;
        return out;
    }
    if (point >= 0x10000) {
        *out++ = (char)(0xf0 | point >> 18);
        *out++ = (char)(0x80 | (point >> 12 & 0x3f));
    } else if (point >= 0x800) {
        *out++ = (char)(0xe0 | point >> 12);
    }
    if (point >= 0x800)
        *out++ = (char)(0x80 | (point >> 6 & 0x3f));
    else
        *out++ = (char)(0xc0 | point >> 6);
    *out++ = (char)(0x80 | (point & 0x3f));
    return out;
}

/* One escape from its backslash on, which `at` then stands behind. */
static char *put_escape(char *out, const char **at) {
    static const char kinds[] = "bfnrt", bytes[] = "\b\f\n\r\t";
    char kind = (*at)[1];
    *at += 2;
    if (kind == 'u') {
        unsigned point = hex_at(*at);
        *at += 4;
        if (point >= 0xd800 && point <= 0xdbff) {
            point = 0x10000 + ((point - 0xd800) << 10 | (hex_at(*at + 2) - 0xdc00));
            *at += 6;
        }
        return put_utf8(out, point);
    }
    const char *letter = strchr(kinds, kind);
    *out++ = letter != NULL ? bytes[letter - kinds] : kind;
    return out;
}

const char *tm_json_value_string(tm_arena *arena, const char *text, size_t length) {
    const char *at = text, *end = text + length;
    if (memchr(text, '\\', length) == NULL)
        return length <= MAX_SHARED ? tm_arena_share(arena, text, length)
                                    : tm_arena_copy(arena, text, length);
    char *string = tm_arena_alloc(arena, length + 1), *out = string; /* no escape grows */
    while (at < end) {
        const char *escape = memchr(at, '\\', (size_t)(end - at));
        size_t plain = (size_t)((escape != NULL ? escape : end) - at);
        memcpy(out, at, plain);
        out += plain;
        at += plain;
        if (escape != NULL)
            out = put_escape(out, &at);
    }
    *out = '\0';
    return string;
}
