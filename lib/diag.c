#include "lib/diag.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "lib/text.h"

/* An excerpt shows at most this much of a long line. */
#define TM_DIAG_EXCERPT_BYTES ((size_t)120)
/* Longer messages and paths are cut: a name from the input may be a megabyte, and complained about
 * a hundred thousand times. */
#define TM_DIAG_MESSAGE_BYTES ((size_t)2000)
#define TM_DIAG_WHERE_BYTES ((size_t)300)
/* Distance of the marks in a source: a place is resolved by reading at most this much. */
#define TM_DIAG_MARK_STEP_BYTES ((size_t)4096)

/* Where lines stand at one mark of a source. */
typedef struct {
    size_t line;       /* 1-based line that holds the mark */
    size_t line_begin; /* offset of its first byte */
} tm_diag_mark;

/* The marks of one source, made with its first diagnostic: a file of a million faulty rows is
 * still read once. */
typedef struct tm_diag_index tm_diag_index;
struct tm_diag_index {
    tm_diag_index *next;
    const tm_source *source;
    tm_diag_mark *marks;
};

struct tm_diag {
    tm_arena *arena;
    tm_diag_entry *entries;
    size_t count, capacity;
    size_t counts[TM_DIAG_ERROR + 1];
    tm_diag_index *indexes; /* the last used one first */
};

const tm_place tm_diag_command_line = {NULL, TM_WHOLE_FILE};

tm_diag *tm_diag_create(tm_arena *arena) {
    tm_diag *diag = tm_arena_alloc(arena, sizeof *diag);
    diag->arena = arena;
    return diag;
}

/* Moves a mark forward from offset `from` to `to`. */
static void tm_diag_advance(tm_diag_mark *mark, const tm_source *source, size_t from, size_t to) {
    while (from < to) {
        const char *newline = memchr(source->text + from, '\n', to - from);
        if (newline == NULL)
            return;
        from = (size_t)(newline - source->text) + 1;
        mark->line++;
        mark->line_begin = from;
    }
}

static const tm_diag_index *tm_diag_index_get(tm_diag *diag, const tm_source *source) {
    for (tm_diag_index **link = &diag->indexes; *link != NULL; link = &(*link)->next) {
        tm_diag_index *index = *link;
        if (index->source == source) {
            *link = index->next;
            index->next = diag->indexes;
            diag->indexes = index;
            return index;
        }
    }
    tm_diag_index *index = tm_arena_alloc(diag->arena, sizeof *index);
    size_t mark_count = source->length / TM_DIAG_MARK_STEP_BYTES + 1;
    index->source = source;
    index->marks = tm_arena_array(diag->arena, mark_count, sizeof *index->marks);
    index->next = diag->indexes;
    diag->indexes = index;
    tm_diag_mark mark = {1, 0};
    index->marks[0] = mark;
    for (size_t i = 1; i < mark_count; i++) {
        tm_diag_advance(&mark, source, (i - 1) * TM_DIAG_MARK_STEP_BYTES,
                        i * TM_DIAG_MARK_STEP_BYTES);
        index->marks[i] = mark;
    }
    return index;
}

/* Copies [begin, end) of the source so that each character takes one column. Returns the number of
 * characters. */
static int tm_diag_copy_plain(tm_text *text, const tm_source *source, size_t begin, size_t end) {
    int characters = 0;
    for (size_t at = begin; at < end; characters++) {
        size_t bytes = tm_text_utf8_bytes(source->text + at, end - at);
        unsigned char first = (unsigned char)source->text[at];
        if (bytes == 0)
            tm_text_add(text, "?");
        else if (first < ' ' || first == 0x7f)
            tm_text_add(text, " ");
        else
            tm_text_add_bytes(text, source->text + at, bytes);
        at += bytes == 0 ? 1 : bytes;
    }
    return characters;
}

static bool tm_diag_inside_character(const tm_source *source, size_t offset) {
    return offset < source->length && ((unsigned char)source->text[offset] & 0xc0) == 0x80;
}

static void tm_diag_excerpt(tm_diag *diag, tm_diag_entry *entry, const tm_source *source,
                            size_t line_begin, size_t offset) {
    size_t begin = line_begin;
    if (offset - begin > TM_DIAG_EXCERPT_BYTES / 2)
        begin = offset - TM_DIAG_EXCERPT_BYTES / 2;
    /* One byte more than is shown tells whether the line goes on. */
    size_t window = source->length - begin;
    if (window > TM_DIAG_EXCERPT_BYTES + 1)
        window = TM_DIAG_EXCERPT_BYTES + 1;
    const char *newline = memchr(source->text + offset, '\n', begin + window - offset);
    size_t end = newline == NULL ? begin + window : (size_t)(newline - source->text);
    bool cut_right = end - begin > TM_DIAG_EXCERPT_BYTES;
    if (cut_right)
        end = begin + TM_DIAG_EXCERPT_BYTES;
    else if (end - line_begin <= TM_DIAG_EXCERPT_BYTES)
        begin = line_begin;
    else
        begin = end - TM_DIAG_EXCERPT_BYTES;
    while (begin > line_begin && begin < offset && tm_diag_inside_character(source, begin))
        begin++;
    while (cut_right && end > offset && tm_diag_inside_character(source, end))
        end--;
    if (end > offset && source->text[end - 1] == '\r')
        end--;
    if (begin == end)
        return;

    tm_text text = {0};
    int before = 0;
    if (begin > line_begin) {
        tm_text_add(&text, "...");
        before = 3;
    }
    before += tm_diag_copy_plain(&text, source, begin, offset);
    tm_diag_copy_plain(&text, source, offset, end);
    if (cut_right)
        tm_text_add(&text, "...");
    entry->excerpt = tm_arena_copy(diag->arena, tm_text_get(&text), text.length);
    entry->caret = before;
    tm_text_free(&text);
}

/* The line that holds an offset of a source. */
static tm_diag_mark tm_diag_find_line(tm_diag *diag, const tm_source *source, size_t offset) {
    size_t step = offset / TM_DIAG_MARK_STEP_BYTES;
    tm_diag_mark mark = tm_diag_index_get(diag, source)->marks[step];
    tm_diag_advance(&mark, source, step * TM_DIAG_MARK_STEP_BYTES, offset);
    return mark;
}

int tm_diag_line(tm_diag *diag, tm_place place) {
    return (int)tm_diag_find_line(diag, place.source, place.offset).line;
}

static void tm_diag_locate(tm_diag *diag, tm_diag_entry *entry, tm_place place) {
    if (place.source == NULL)
        return;
    entry->path = place.source->path;
    if (place.offset == TM_WHOLE_FILE)
        return;
    size_t offset = place.offset < place.source->length ? place.offset : place.source->length;
    tm_diag_mark mark = tm_diag_find_line(diag, place.source, offset);
    entry->line = (int)mark.line;
    entry->column = (int)(offset - mark.line_begin) + 1;
    tm_diag_excerpt(diag, entry, place.source, mark.line_begin, offset);
}

/* Ends a text of `length` bytes with "..." where a character ends; returns its new length. */
static size_t tm_diag_cut(char *text, size_t length) {
    size_t end = length - strlen("...");
    while (end > 0 && ((unsigned char)text[end] & 0xc0) == 0x80)
        end--;
    memcpy(text + end, "...", sizeof "...");
    return end + strlen("...");
}

/* "WHERE: message", cut when it is too long. In the arena. */
static char *tm_diag_message(tm_diag *diag, const char *where, const char *format,
                             va_list arguments) {
    char text[TM_DIAG_MESSAGE_BYTES + 1];
    size_t length = 0;
    if (where != NULL && where[0] != '\0') {
        length = strnlen(where, TM_DIAG_WHERE_BYTES + 1);
        memcpy(text, where, length);
        if (length > TM_DIAG_WHERE_BYTES)
            length = tm_diag_cut(text, length);
        memcpy(text + length, ": ", 2);
        length += 2;
    }
    int more = vsnprintf(text + length, sizeof text - length, format, arguments);
    if (more < 0 || (size_t)more >= sizeof text - length)
        tm_diag_cut(text, sizeof text - 1);
    /* Names from the input must not break the line or drive a terminal. */
    for (char *at = text; *at != '\0'; at++) {
        if ((unsigned char)*at < ' ' || *at == 0x7f)
            *at = '?';
    }
    return tm_arena_copy(diag->arena, text, strlen(text));
}

static void tm_diag_push(tm_diag *diag, const tm_diag_entry *entry) {
    diag->entries = tm_arena_grow(diag->arena, diag->entries, diag->count, &diag->capacity,
                                  sizeof *diag->entries);
    diag->entries[diag->count++] = *entry;
    diag->counts[entry->severity]++;
}

void tm_diag_add(tm_diag *diag, tm_diag_severity severity, tm_place place, const char *where,
                 const char *format, ...) {
    tm_diag_entry entry = {.severity = severity};
    tm_diag_locate(diag, &entry, place);
    va_list arguments;
    va_start(arguments, format);
    entry.message = tm_diag_message(diag, where, format, arguments);
    va_end(arguments);
    tm_diag_push(diag, &entry);
}

void tm_diag_append(tm_diag *diag, const tm_diag *other) {
    for (size_t i = 0; i < other->count; i++)
        tm_diag_push(diag, &other->entries[i]);
}

size_t tm_diag_count(const tm_diag *diag, tm_diag_severity severity) {
    return diag->counts[severity];
}

size_t tm_diag_entries(const tm_diag *diag, const tm_diag_entry **entries) {
    *entries = diag->entries;
    return diag->count;
}

/* By file, line, column; the command line comes first, and a whole file before its lines. */
static int tm_diag_compare_place(const tm_diag_entry *a, const tm_diag_entry *b) {
    if (a->path == NULL || b->path == NULL) {
        if ((a->path != NULL) != (b->path != NULL))
            return a->path == NULL ? -1 : 1;
    } else if (a->path != b->path) {
        int order = strcmp(a->path, b->path);
        if (order != 0)
            return order;
    }
    if (a->line != b->line)
        return a->line < b->line ? -1 : 1;
    return (a->column > b->column) - (a->column < b->column);
}

static int tm_diag_compare_content(const tm_diag_entry *a, const tm_diag_entry *b) {
    int order = tm_diag_compare_place(a, b);
    if (order == 0)
        order = (int)a->severity - (int)b->severity;
    return order != 0 ? order : strcmp(a->message, b->message);
}

/* The entries lie in one array, so their addresses are their order of appearance. */
static int tm_diag_order_content(const void *left, const void *right) {
    const tm_diag_entry *a = *(const tm_diag_entry *const *)left;
    const tm_diag_entry *b = *(const tm_diag_entry *const *)right;
    int order = tm_diag_compare_content(a, b);
    return order != 0 ? order : (a > b) - (a < b);
}

static int tm_diag_order_place(const void *left, const void *right) {
    const tm_diag_entry *a = *(const tm_diag_entry *const *)left;
    const tm_diag_entry *b = *(const tm_diag_entry *const *)right;
    int order = tm_diag_compare_place(a, b);
    return order != 0 ? order : (a > b) - (a < b);
}

static void tm_diag_print_entry(const tm_diag_entry *entry, FILE *stream) {
    static const char *const names[] = {"note", "warning", "error"};
    fputs(entry->path == NULL ? "tracemill" : entry->path, stream);
    if (entry->line > 0)
        fprintf(stream, ":%d:%d", entry->line, entry->column);
    fprintf(stream, ": %s: %s\n", names[entry->severity], entry->message);
    if (entry->excerpt != NULL)
        fprintf(stream, "    %s\n    %*s^\n", entry->excerpt, entry->caret, "");
}

void tm_diag_print(const tm_diag *diag, tm_diag_severity least, FILE *stream) {
    const tm_diag_entry **order = tm_arena_array(diag->arena, diag->count, sizeof *order);
    size_t count = 0;
    for (size_t i = 0; i < diag->count; i++) {
        if (diag->entries[i].severity >= least)
            order[count++] = &diag->entries[i];
    }
    /* Equal entries become neighbours, of which the first one stays. */
    qsort(order, count, sizeof(*order), tm_diag_order_content);
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || tm_diag_compare_content(order[kept - 1], order[i]) != 0)
            order[kept++] = order[i];
    }
    qsort(order, kept, sizeof(*order), tm_diag_order_place);
    for (size_t i = 0; i < kept; i++)
        tm_diag_print_entry(order[i], stream);
}

void tm_place_resolve(tm_place place, int *line, int *column) {
    *line = *column = 0;
    if (place.source == NULL || place.offset == TM_WHOLE_FILE)
        return;
    size_t offset = place.offset < place.source->length ? place.offset : place.source->length;
    tm_diag_mark mark = {1, 0};
    tm_diag_advance(&mark, place.source, 0, offset);
    *line = (int)mark.line;
    *column = (int)(offset - mark.line_begin) + 1;
}
