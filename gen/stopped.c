#include "gen/stopped.h"

#include <stddef.h>
#include <string.h>

typedef struct {
    const char *text;
    size_t length;
} line;

/* The system's own words for an error, behind which a line ends. */
static const char *const reasons[] = {"No space left on device", "Cannot allocate memory"};
/* Those of compilers. */
static const char *const fates[] = {
    "virtual memory exhausted", "out of memory allocating", "fatal error: Killed signal",
    "fatal error: ld terminated with signal 9", "died due to signal 9"};

#define COUNT(list) (sizeof(list) / sizeof *(list))
#define DIGITS "0123456789"

static bool starts(const char *text, const char *end, const char *word) {
    size_t length = strlen(word);
    return (size_t)(end - text) >= length && memcmp(text, word, length) == 0;
}

static bool has(line one, const char *words) {
    return memmem(one.text, one.length, words, strlen(words)) != NULL;
}

static bool ends_with(line one, const char *words) {
    size_t length = strlen(words);
    while (one.length && strchr("'\".\r", one.text[one.length - 1])) /* some quote it */
        one.length--;
    return one.length >= length && memcmp(one.text + one.length - length, words, length) == 0;
}

/* "  12 | ...": a line of the source. */
static bool is_quote(line one) {
    const char *at = one.text + strspn(one.text, " ");
    at += strspn(at, DIGITS);
    at += strspn(at, " ");
    return starts(at, one.text + one.length, "|");
}

/* What is said of a place in a source: behind "FILE:12:5: " or "FILE(12): "; NULL: of none. */
static const char *behind_place(line one) {
    const char *end = one.text + one.length;
    for (const char *at = one.text; at < end; at++) {
        if (*at != ':' && *at != '(')
            continue;
        size_t digits = strspn(at + 1, DIGITS);
        const char *next = at + 1 + digits;
        if (!digits || !(starts(next, end, ":") || starts(next, end, ")")))
            continue;
        next += strspn(next, DIGITS "):");
        return next + strspn(next, " ");
    }
    return NULL;
}

static bool is_about_machine(line one, const char *said) {
    bool reason = false, fate = false;
    for (size_t i = 0; i < COUNT(reasons); i++)
        reason = reason || ends_with(one, reasons[i]);
    for (size_t i = 0; i < COUNT(fates); i++)
        fate = fate || has(one, fates[i]);
    /* Compilers name a place too when they cannot write: as a fatal error. */
    return !said ? reason || fate : reason && starts(said, one.text + one.length, "fatal error: ");
}

bool tm_stopped_by_machine(int status, const char *log) {
    if (status >= 128 && status != 255) /* which nvcc ends with when ptxas refuses the source */
        return true;
    bool found = false;
    for (const char *at = log; *at; at += at[0] == '\n') {
        line one = {at, strcspn(at, "\n")};
        at += one.length;
        if (is_quote(one))
            continue;
        const char *said = behind_place(one), *end = one.text + one.length;
        /* It was read and refused; and a message may have lines of its own below. */
        if (said && (starts(said, end, "error") || starts(said, end, "Error") ||
                     starts(said, end, "internal compiler error")))
            return false;
        found = found || is_about_machine(one, said);
    }
    return found;
}
