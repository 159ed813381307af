/* fuzz: what the fuzz targets share: one input as a source in an arena of its own, and the
 * promises that every parser makes. A broken promise traps, which libFuzzer reports as a crash. */
#ifndef TM_FUZZ_H
#define TM_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/arena.h"
#include "lib/diag.h"
#include "lib/json.h"
#include "lib/node.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define FUZZ_EXPECT(condition)                                                              \
    do {                                                                                    \
        if (!(condition)) {                                                                 \
            fprintf(stderr, "%s:%d: broken promise: %s\n", __FILE__, __LINE__, #condition); \
            __builtin_trap();                                                               \
        }                                                                                   \
    } while (0)

typedef struct {
    tm_node_reader reader;
    tm_source source;
} fuzz_input;

static inline fuzz_input fuzz_begin(const uint8_t *data, size_t size) {
    tm_arena *arena = tm_arena_create();
    return (fuzz_input){.reader = {arena, tm_diag_create(arena)},
                        .source = {"fuzz", tm_arena_copy(arena, (const char *)data, size), size}};
}

static inline size_t fuzz_errors(const fuzz_input *input) {
    return tm_diag_count(input->reader.diag, TM_DIAG_ERROR);
}

/* Prints every diagnostic, and checks that each stays on its line and inside its excerpt. */
static inline void fuzz_end(fuzz_input *input) {
    static FILE *nowhere = NULL; /* opened once: a process runs millions of inputs */
    if (nowhere == NULL)
        nowhere = fopen("/dev/null", "w");
    const tm_diag_entry *entries;
    size_t count = tm_diag_entries(input->reader.diag, &entries);
    for (size_t i = 0; i < count; i++) {
        for (const char *at = entries[i].message; *at != '\0'; at++)
            FUZZ_EXPECT((unsigned char)*at >= ' ' && *at != 0x7f);
        if (entries[i].excerpt != NULL) {
            FUZZ_EXPECT((size_t)entries[i].caret <= strlen(entries[i].excerpt));
            FUZZ_EXPECT(strchr(entries[i].excerpt, '\n') == NULL);
        }
    }
    tm_diag_print(input->reader.diag, TM_DIAG_NOTE, nowhere);
    tm_arena_destroy(input->reader.arena);
}

/* The node as JSON text; caller frees. */
static inline char *fuzz_print(const tm_node *node) {
    tm_json *holder = tm_json_array();
    tm_json_push_node(holder, node);
    char *text = tm_json_print(holder, false); /* "[...]", to lose its brackets */
    tm_json_free(holder);
    size_t length = strlen(text) - 2;
    memmove(text, text + 1, length);
    text[length] = '\0';
    return text;
}

/* What was read and written reads back as the same text. */
static inline void fuzz_round_trip(fuzz_input *input, const tm_node *node) {
    char *text = fuzz_print(node);
    tm_source written = {"written", text, strlen(text)};
    const tm_node *again = tm_json_parse_all(input->reader.arena, &written, input->reader.diag);
    FUZZ_EXPECT(again != NULL);
    char *text_again = fuzz_print(again);
    FUZZ_EXPECT(strcmp(text, text_again) == 0);
    free(text_again);
    free(text);
}

#endif
