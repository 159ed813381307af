#include "lib/field.h"

#include <stdio.h>
#include <string.h>

#include "lib/text.h"

/* Keywords of C23 and C++23, the alternative tokens of C++, and the type names that a contract
 * header uses for its arguments; a blank before and after each. */
static const char keywords[] =
    " alignas alignof and and_eq asm auto bitand bitor bool break case catch char char16_t "
    "char32_t char8_t class co_await co_return co_yield compl concept const const_cast "
    "consteval constexpr constinit continue decltype default delete do double dynamic_cast "
    "else enum explicit export extern false float for friend goto if inline int int16_t "
    "int32_t int64_t int8_t long mutable namespace new noexcept not not_eq nullptr operator or "
    "or_eq private protected public register reinterpret_cast requires restrict return short "
    "signed sizeof static static_assert static_cast struct switch template this thread_local "
    "throw true try typedef typeid typename typeof typeof_unqual union unsigned using virtual "
    "void volatile wchar_t while xor xor_eq ";

static bool is_keyword(const char *name) {
    char spaced[32];
    int length = snprintf(spaced, sizeof spaced, " %s ", name);
    return (size_t)length < sizeof spaced && strstr(keywords, spaced) != NULL;
}

/* The C library's isalpha() asks the locale; a compiler does not. */
static bool has_identifier_form(const char *name) {
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
    return name[0] != '\0' && strchr("0123456789", name[0]) == NULL &&
           name[strspn(name, letters)] == '\0';
}

bool tm_field_check_identifier(tm_node_reader *reader, tm_place place, const char *where,
                               const char *name) {
    if (!has_identifier_form(name)) {
        tm_diag_error(reader->diag, place, where,
                      "expected a C identifier (letters, digits, _), got \"%s\"; rename it", name);
        return false;
    }
    if (strlen(name) > TM_FIELD_IDENTIFIER_BYTES) {
        tm_diag_error(reader->diag, place, where,
                      "expected a name of at most %d bytes, got %zu; shorten it",
                      TM_FIELD_IDENTIFIER_BYTES, strlen(name));
        return false;
    }
    if (is_keyword(name)) {
        tm_diag_error(reader->diag, place, where,
                      "expected a name that C and C++ leave free, got the keyword \"%s\"; "
                      "rename it",
                      name);
        return false;
    }
    return true;
}

const char *tm_field_relative_path(tm_arena *arena, const char *path) {
    if (path[0] == '/')
        return NULL;
    char *kept = tm_arena_alloc(arena, strlen(path) + 1);
    size_t length = 0;
    for (const char *part = path; *part != '\0';) {
        size_t bytes = strcspn(part, "/");
        if (bytes == 2 && memcmp(part, "..", 2) == 0)
            return NULL;
        if (bytes > 0 && !(bytes == 1 && part[0] == '.')) {
            if (length > 0)
                kept[length++] = '/';
            memcpy(kept + length, part, bytes);
            length += bytes;
        }
        part += bytes + (part[bytes] == '/');
    }
    return length > 0 ? kept : NULL;
}

#define TEXT(value) #value
#define NUMBER(macro) TEXT(macro)

bool tm_field_has_control(const char *text) {
    for (const char *c = text; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            return true;
    return false;
}

bool tm_field_check_line(tm_node_reader *reader, tm_place place, const char *where,
                         const char *text) {
    bool has_control = tm_field_has_control(text);
    if (has_control)
        tm_diag_error(reader->diag, place, where,
                      "expected text without control characters, got \"%.60s\"; remove them", text);
    return !has_control;
}

/* What no file can be called, or no build file can say; or NULL. */
static const char *path_fault(const char *path) {
    if (tm_field_has_control(path))
        return "without control characters";
    if (path[strcspn(path, "\"'&;<>*?^`|\\")]) /* which ninja ends a name at in a depfile */
        return "without quotes and signs such as & and *";
    if (strlen(path) > TM_FIELD_MAX_PATH)
        return "of at most " NUMBER(TM_FIELD_MAX_PATH) " bytes";
    for (const char *part = path; *part; part += *part == '/') {
        size_t length = strcspn(part, "/");
        if (length > TM_FIELD_MAX_NAME)
            return "with names of at most " NUMBER(TM_FIELD_MAX_NAME) " bytes";
        part += length;
    }
    return NULL;
}

const char *tm_field_check_path(tm_node_reader *reader, tm_place place, const char *where,
                                const char *path, const char *root) {
    const char *relative = tm_field_relative_path(reader->arena, path);
    if (!relative)
        tm_diag_error(reader->diag, place, where,
                      "expected a path relative to %s without \"..\", got \"%s\"; "
                      "keep the file inside and write its path from there",
                      root, path);
    const char *fault = relative ? path_fault(relative) : NULL;
    if (fault)
        tm_diag_error(reader->diag, place, where, "expected a path %s, got \"%.60s%s\"; rename it",
                      fault, relative, strlen(relative) > 60 ? "..." : "");
    return fault ? NULL : relative;
}

const char *tm_field_hint(tm_arena *arena, const char *word, const char *const *candidates,
                          size_t count, const char *otherwise) {
    const char *nearest = tm_text_nearest(word, candidates, count);
    return nearest ? tm_arena_format(arena, "did you mean \"%s\"?", nearest) : otherwise;
}

const char *tm_field_list(tm_arena *arena, const char *const *names, size_t count) {
    if (count == 0)
        return "none";
    tm_text text = {0};
    for (size_t i = 0; i < count; i++)
        tm_text_format(&text, "%s%s", i > 0 ? ", " : "", names[i]);
    const char *list = tm_arena_copy(arena, tm_text_get(&text), text.length);
    tm_text_free(&text);
    return list;
}

const char *tm_field_join(tm_arena *arena, const char *where, const char *key) {
    if (where[0] == '\0')
        return key;
    /* Asked for each field that is read, and hardly ever shown: not worth a format. */
    size_t length = strlen(where), bytes = strlen(key) + 1;
    char *path = tm_arena_alloc(arena, length + 1 + bytes);
    memcpy(path, where, length);
    path[length] = '.';
    memcpy(path + length + 1, key, bytes);
    return path;
}
