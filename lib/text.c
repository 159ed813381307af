#include "lib/text.h"

#include <ctype.h>
#include <fnmatch.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/number.h"

/* Longer words are no slip of the fingers; the limit keeps the distance table on the stack. */
#define TM_TEXT_WORD_LIMIT_BYTES 127

void tm_text_free(tm_text *text) {
    free(text->data);
    *text = (tm_text){0};
}

void tm_text_clear(tm_text *text) {
    text->length = 0;
    if (text->data != NULL)
        text->data[0] = '\0';
}

const char *tm_text_get(const tm_text *text) {
    return text->data == NULL ? "" : text->data;
}

void tm_text_reserve(tm_text *text, size_t more) {
    if (text->data != NULL && more < text->capacity - text->length)
        return;
    size_t capacity = text->capacity < 64 ? 64 : text->capacity;
    while (capacity - text->length <= more && capacity <= SIZE_MAX / 2)
        capacity *= 2;
    char *data = capacity - text->length > more ? realloc(text->data, capacity) : NULL;
    if (data == NULL) {
        fprintf(stderr, "tracemill: out of memory, %zu more bytes were needed\n", more);
        abort();
    }
    text->data = data;
    text->capacity = capacity;
}

void tm_text_add(tm_text *text, const char *string) {
    tm_text_add_bytes(text, string, strlen(string));
}

void tm_text_add_bytes(tm_text *text, const char *bytes, size_t length) {
    tm_text_reserve(text, length);
    if (length > 0)
        memcpy(text->data + text->length, bytes, length);
    text->length += length;
    text->data[text->length] = '\0';
}

void tm_text_format(tm_text *text, const char *format, ...) {
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    tm_text_reserve(text, 0);
    size_t room = text->capacity - text->length;
    int length = vsnprintf(text->data + text->length, room, format, arguments);
    if (length > 0 && (size_t)length >= room) {
        tm_text_reserve(text, (size_t)length);
        vsnprintf(text->data + text->length, (size_t)length + 1, format, again);
    }
    if (length > 0)
        text->length += (size_t)length;
    text->data[text->length] = '\0';
    va_end(again);
    va_end(arguments);
}

void tm_text_add_int(tm_text *text, int64_t value) {
    char digits[TM_NUMBER_BYTES];
    size_t length = tm_number_write_int(digits, value);
    tm_text_add_bytes(text, digits, length);
}

void tm_text_add_number(tm_text *text, double value) {
    char digits[TM_NUMBER_BYTES];
    size_t length = tm_number_write(digits, value);
    tm_text_add_bytes(text, digits, length);
}

void tm_text_add_rounded(tm_text *text, double value) {
    char digits[TM_NUMBER_BYTES];
    size_t length = tm_number_write_rounded(digits, value);
    tm_text_add_bytes(text, digits, length);
}

size_t tm_text_utf8_bytes(const char *bytes, size_t length) {
    const unsigned char *byte = (const unsigned char *)bytes;
    if (length == 0)
        return 0;
    if (byte[0] < 0x80)
        return 1;
    size_t size = byte[0] >= 0xf0 ? 4 : byte[0] >= 0xe0 ? 3 : 2;
    if (byte[0] < 0xc2 || byte[0] > 0xf4 || size > length)
        return 0;
    for (size_t i = 1; i < size; i++) {
        if ((byte[i] & 0xc0) != 0x80)
            return 0;
    }
    bool overlong = (byte[0] == 0xe0 && byte[1] < 0xa0) || (byte[0] == 0xf0 && byte[1] < 0x90);
    bool surrogate = byte[0] == 0xed && byte[1] >= 0xa0;
    bool beyond_unicode = byte[0] == 0xf4 && byte[1] >= 0x90;
    return overlong || surrogate || beyond_unicode ? 0 : size;
}

size_t tm_text_utf8_prefix(const char *bytes, size_t length) {
    size_t at = 0;
    while (at < length && bytes[at] != '\0') {
        size_t character = tm_text_utf8_bytes(bytes + at, length - at);
        if (character == 0)
            break;
        at += character;
    }
    return at;
}

bool tm_text_ends_with(const char *text, const char *ending) {
    size_t length = strlen(text), tail = strlen(ending);
    return length > tail && strcmp(text + length - tail, ending) == 0;
}

bool tm_text_matches(const char *globs, const char *name) {
    if (globs == NULL || globs[0] == '\0')
        return true;
    tm_text glob = {0};
    bool matches = false;
    for (const char *begin = globs; begin != NULL && !matches;) {
        const char *comma = strchr(begin, ',');
        size_t length = comma == NULL ? strlen(begin) : (size_t)(comma - begin);
        tm_text_clear(&glob);
        tm_text_add_bytes(&glob, begin, length);
        matches = fnmatch(glob.data, name, 0) == 0;
        begin = comma == NULL ? NULL : comma + 1;
    }
    tm_text_free(&glob);
    return matches;
}

/* Edit distance in which a swap of neighbours is one edit and upper and lower case are equal. Both
 * words are at most TM_TEXT_WORD_LIMIT_BYTES long. */
static size_t tm_text_distance(const char *a, size_t a_length, const char *b, size_t b_length) {
    size_t rows[3][TM_TEXT_WORD_LIMIT_BYTES + 1];
    for (size_t j = 0; j <= b_length; j++)
        rows[0][j] = j;
    for (size_t i = 1; i <= a_length; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i - 1) % 3];
        const size_t *two_above = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            int left = tolower((unsigned char)a[i - 1]), right = tolower((unsigned char)b[j - 1]);
            size_t best = above[j - 1] + (left != right);
            if (above[j] + 1 < best)
                best = above[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            bool swapped = i > 1 && j > 1 && left == tolower((unsigned char)b[j - 2]) &&
                           right == tolower((unsigned char)a[i - 2]);
            if (swapped && two_above[j - 2] + 1 < best)
                best = two_above[j - 2] + 1;
            row[j] = best;
        }
    }
    return rows[a_length % 3][b_length];
}

uint64_t tm_text_hash(uint64_t hash, const char *text) {
    for (; *text != '\0'; text++)
        hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    return hash;
}

const char *tm_text_nearest(const char *word, const char *const *candidates, size_t count) {
    size_t word_length = strlen(word);
    const char *nearest = NULL;
    size_t nearest_distance = SIZE_MAX;
    if (word_length == 0 || word_length > TM_TEXT_WORD_LIMIT_BYTES)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(candidates[i]);
        if (length == 0 || length > TM_TEXT_WORD_LIMIT_BYTES)
            continue;
        size_t longer = length > word_length ? length : word_length;
        size_t allowed = longer / 3 > 1 ? longer / 3 : 1;
        if (2 * longer - length - word_length > allowed)
            continue;
        size_t distance = tm_text_distance(word, word_length, candidates[i], length);
        /* A word of which nothing is left is another word. */
        if (distance <= allowed && distance < longer && distance < nearest_distance) {
            nearest = candidates[i];
            nearest_distance = distance;
        }
    }
    return nearest;
}

void tm_text_add_component(tm_text *text, const char *name) {
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.+=";
    const char *at = name;
    /* A lone '%' comes from no other name. */
    if (name[0] == '\0')
        tm_text_add(text, "%");
    if (name[0] == '.') {
        tm_text_add(text, "%2E");
        at++;
    }
    for (;;) {
        size_t length = strspn(at, plain);
        tm_text_add_bytes(text, at, length);
        at += length;
        if (*at == '\0')
            return;
        tm_text_format(text, "%%%02X", (unsigned char)*at++);
    }
}
