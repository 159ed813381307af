#include "reports/html_texts.h"

#include <string.h>

#include "reports/page_json.h"

struct tm_html_texts {
    tm_arena *arena;
    const char **strings;
    size_t count, capacity, bytes;
    size_t *slots; /* 1 + index of a string, or 0; a power of two of them */
    size_t slot_count;
};

static size_t find_slot(const tm_html_texts *texts, const char *string) {
    size_t slot = tm_text_hash(TM_TEXT_HASH_START, string) & (texts->slot_count - 1);
    while (texts->slots[slot] != 0 && strcmp(texts->strings[texts->slots[slot] - 1], string) != 0)
        slot = (slot + 1) & (texts->slot_count - 1);
    return slot;
}

static void grow_slots(tm_html_texts *texts) {
    texts->slot_count *= 2;
    texts->slots = tm_arena_array(texts->arena, texts->slot_count, sizeof(*texts->slots));
    for (size_t i = 0; i < texts->count; i++)
        texts->slots[find_slot(texts, texts->strings[i])] = i + 1;
}

tm_html_texts *tm_html_texts_create(tm_arena *arena) {
    tm_html_texts *texts = tm_arena_alloc(arena, sizeof(*texts));
    *texts = (tm_html_texts){.arena = arena, .slot_count = 128};
    grow_slots(texts);
    tm_html_texts_put(texts, "");
    return texts;
}

int64_t tm_html_texts_put(tm_html_texts *texts, const char *string) {
    size_t slot = find_slot(texts, string), length = strlen(string);
    if (texts->slots[slot] != 0)
        return (int64_t)texts->slots[slot] - 1;
    if (texts->bytes + length > TM_HTML_TEXTS_MAX_BYTES) {
        static const char left_out[] = "left out: this page has too many long texts already";
        string = left_out;
        length = 0; /* it has to fit */
        slot = find_slot(texts, string);
        if (texts->slots[slot] != 0)
            return (int64_t)texts->slots[slot] - 1;
    }
    texts->strings = tm_arena_grow(texts->arena, texts->strings, texts->count, &texts->capacity,
                                   sizeof(*texts->strings));
    texts->strings[texts->count++] = string;
    texts->bytes += length;
    texts->slots[slot] = texts->count;
    if (2 * texts->count > texts->slot_count)
        grow_slots(texts);
    return (int64_t)texts->count - 1;
}

void tm_html_texts_add(const tm_html_texts *texts, tm_text *text) {
    tm_page_json_open(text, '[');
    for (size_t i = 0; i < texts->count; i++)
        tm_page_json_string(text, texts->strings[i]);
    tm_page_json_close(text, ']');
}
