/* model_check: reading a model from a text and comparing everything that was said about it.
 *
 * Texts here are JSON with ' for ", so that they can be read in C. A case is a good text with one
 * part replaced; its messages are compared whole, as "LINE:COL: severity: message" lines. */
#ifndef TM_MODEL_CHECK_H
#define TM_MODEL_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "lib/arena.h"
#include "lib/diag.h"
#include "lib/json.h"
#include "lib/node.h"
#include "lib/text.h"

typedef struct {
    const char *from, *to;
    const char *messages;
} model_case;

static inline tm_node_reader model_begin(void) {
    tm_arena *arena = tm_arena_create();
    return (tm_node_reader){arena, tm_diag_create(arena)};
}

static inline void model_end(tm_node_reader *reader) {
    tm_arena_destroy(reader->arena);
}

/* The tree of `text`, which has to be JSON once ' has become ". */
static inline const tm_node *model_parse(tm_node_reader *reader, const char *text) {
    tm_source *source = tm_arena_alloc(reader->arena, sizeof *source);
    char *copy = tm_arena_copy(reader->arena, text, strlen(text));
    for (char *at = copy; (at = strchr(at, '\'')) != NULL;)
        *at = '"';
    *source = (tm_source){"model.json", copy, strlen(copy)};
    const tm_node *node = tm_json_parse_all(reader->arena, source, reader->diag);
    if (node == NULL)
        fail_msg("no JSON: %s", text);
    return node;
}

/* `text` with the only occurrence of `from` replaced. */
static inline const char *model_replace(tm_node_reader *reader, const char *text, const char *from,
                                        const char *to) {
    const char *at = strstr(text, from);
    if (at == NULL || strstr(at + 1, from) != NULL)
        fail_msg("not exactly one \"%s\" in the text", from);
    return tm_arena_format(reader->arena, "%.*s%s%s", (int)(at - text), text, to,
                           at + strlen(from));
}

/* All messages so far, one a line, with ' for ". */
static inline const char *model_messages(tm_node_reader *reader) {
    static const char *const severities[] = {"note", "warning", "error"};
    const tm_diag_entry *entries;
    size_t count = tm_diag_entries(reader->diag, &entries);
    tm_text text = {0};
    for (size_t i = 0; i < count; i++)
        tm_text_format(&text, "%d:%d: %s: %s\n", entries[i].line, entries[i].column,
                       severities[entries[i].severity], entries[i].message);
    char *messages = tm_arena_copy(reader->arena, tm_text_get(&text), text.length);
    tm_text_free(&text);
    for (char *at = messages; (at = strchr(at, '"')) != NULL;)
        *at = '\'';
    return messages;
}

/* Runs `read` on each case; it must find an error exactly when a message is one. */
static inline void model_check_cases(const char *good, const model_case *cases, size_t count,
                                     bool (*read)(tm_node_reader *reader, const tm_node *node)) {
    for (size_t i = 0; i < count; i++) {
        tm_node_reader reader = model_begin();
        const char *text = model_replace(&reader, good, cases[i].from, cases[i].to);
        bool ok = read(&reader, model_parse(&reader, text));
        assert_string_equal(model_messages(&reader), cases[i].messages);
        assert_int_equal(ok, tm_diag_count(reader.diag, TM_DIAG_ERROR) == 0);
        model_end(&reader);
    }
}

#endif
