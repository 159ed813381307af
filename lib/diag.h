/* diag: what is wrong with the user's input, where, and what to do about it.
 *
 * Functions append and go on; only `main` decides what an error means for the exit status.
 * One diagnostic prints as
 *     FILE:LINE:COL: error: WHERE: expected X, got Y; do Z
 *         the source line
 *         ^
 * Deliberately does not know: which module found the fault, or terminals. */
#ifndef TM_DIAG_H
#define TM_DIAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "lib/arena.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One input text; borrowed by everything that was parsed from it. */
typedef struct {
    const char *path; /* as shown to the user */
    const char *text; /* NUL-terminated */
    size_t length;    /* bytes */
} tm_source;

/* A position in a source. An `offset` of TM_WHOLE_FILE means the file as a whole; a NULL `source`
 * means the command line. */
typedef struct {
    const tm_source *source;
    size_t offset; /* bytes from the start of the source's text */
} tm_place;
#define TM_WHOLE_FILE ((size_t)-1)
extern const tm_place tm_diag_command_line;

typedef enum { TM_DIAG_NOTE, TM_DIAG_WARNING, TM_DIAG_ERROR } tm_diag_severity;

typedef struct {
    tm_diag_severity severity;
    const char *path;    /* NULL: the command line */
    int line, column;    /* 1-based; 0: the whole file */
    const char *message; /* "WHERE: expected X, got Y; do Z" */
    const char *excerpt; /* the source line, cut around the column, tabs as spaces, or NULL */
    int caret;           /* characters of the excerpt before the place */
} tm_diag_entry;

/* A list of diagnostics; lives in the arena it was created with. */
typedef struct tm_diag tm_diag;

tm_diag *tm_diag_create(tm_arena *arena);
/* Appends one entry. `where` (the field, such as "inputs.x.shape[1]") may be NULL. Very long ones,
 * and messages, are cut. */
void tm_diag_add(tm_diag *diag, tm_diag_severity severity, tm_place place, const char *where,
                 const char *format, ...) __attribute__((format(printf, 5, 6)));
/* Short forms for errors. */
#define tm_diag_error(diag, place, where, ...) \
    tm_diag_add(diag, TM_DIAG_ERROR, place, where, __VA_ARGS__)

/* Appends the entries of another list, whose arena lives as long as this one's. */
void tm_diag_append(tm_diag *diag, const tm_diag *other);

size_t tm_diag_count(const tm_diag *diag, tm_diag_severity severity);
/* Entries in order of appearance; borrows until the arena is destroyed. */
size_t tm_diag_entries(const tm_diag *diag, const tm_diag_entry **entries);
/* Prints every entry of at least `least`, sorted by file and line, each once. */
void tm_diag_print(const tm_diag *diag, tm_diag_severity least, FILE *stream);

/* 1-based line of a place in a source; quick also for many places of a long one. */
int tm_diag_line(tm_diag *diag, tm_place place);
/* 1-based line and column (in bytes) of an offset; reads the source from its start. */
void tm_place_resolve(tm_place place, int *line, int *column);

#ifdef __cplusplus
}
#endif

#endif
