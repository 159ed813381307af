#include "lib/yaml.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "lib/yaml_scalar.h"

#define MAX_DEPTH 100     /* nested lists and mappings */
#define MAX_WORD_BYTES 24 /* of the text that an error quotes */

/* One parse. `characters` and `bytes` are a cursor over the text: libyaml counts characters, places
 * count bytes. Its marks stand close together, so the cursor walks the text about once. */
typedef struct {
    yaml_parser_t parser;
    tm_arena *arena;
    const tm_source *source;
    tm_diag *diag;
    size_t bom_bytes; /* of a byte order mark, which libyaml does not get to see */
    size_t characters;
    size_t bytes;
    bool failed;
} yaml_reader;

/* How a fault that libyaml reports reads to someone who never saw libyaml. */
typedef struct {
    const char *problem; /* libyaml's words */
    bool at_context;     /* the fault begins where libyaml's context does, not where it gave up */
    const char *expected;
    const char *got; /* NULL: the word at the place */
    const char *advice;
} fault_text;

static const fault_text fault_texts[] = {
    {"mapping values are not allowed in this context", false, "one \"key: value\" per line", NULL,
     "check the indentation, or quote the value"},
    {"could not find expected ':'", true, "\"key: value\"", NULL,
     "write a colon and a value after it"},
    {"did not find expected key", false, "a key or the end of the mapping", NULL,
     "check the indentation and the quotes"},
    {"did not find expected '-' indicator", false, "\"-\" or the end of the list", NULL,
     "check the indentation"},
    {"did not find expected ',' or ']'", false, "\",\" or \"]\"", NULL, "close the list"},
    {"did not find expected ',' or '}'", false, "\",\" or \"}\"", NULL, "close the mapping"},
    {"did not find expected node content", false, "a value", NULL, "write one"},
    {"did not find expected <document start>", false, "the end of the file", NULL,
     "check the indentation"},
    {"block sequence entries are not allowed in this context", false, "a value", NULL,
     "begin the list on a line of its own"},
    {"mapping keys are not allowed in this context", false, "a value", NULL,
     "begin the mapping on a line of its own"},
    {"found character that cannot start any token", false, "a value", NULL, "put it in quotes"},
    {"found unexpected end of stream", true, "a closing quote", "the end of the file",
     "close the string that begins here"},
    {"found unexpected document indicator", true, "a closing quote", "the end of the document",
     "close the string that begins here"},
    {"found unknown escape character", false, "an escape that YAML knows", NULL,
     "write \"\\\\\" for a backslash, or use single quotes"},
    {"found undefined tag handle", true, "a plain value", "a tag", "remove it"},
};

static tm_place place_at_byte(const yaml_reader *reader, size_t offset) {
    return (tm_place){reader->source, offset};
}

static bool is_continuation_byte(char byte) {
    return ((unsigned char)byte & 0xC0) == 0x80;
}

static tm_place place_at(yaml_reader *reader, yaml_mark_t mark) {
    const char *text = reader->source->text;
    while (reader->characters < mark.index && reader->bytes < reader->source->length) {
        do {
            reader->bytes++;
        } while (reader->bytes < reader->source->length &&
                 is_continuation_byte(text[reader->bytes]));
        reader->characters++;
    }
    while (reader->characters > mark.index) {
        do {
            reader->bytes--;
        } while (is_continuation_byte(text[reader->bytes]));
        reader->characters--;
    }
    return place_at_byte(reader, reader->bytes);
}

static bool ends_word(char byte) {
    return isspace((unsigned char)byte) || strchr("\",]}", byte) != NULL;
}

/* What stands at a place, for messages: a word in quotes, or the end of something. In the arena. */
static const char *word_at(const yaml_reader *reader, size_t offset) {
    const char *text = reader->source->text;
    size_t length = reader->source->length, end = offset;
    if (offset >= length)
        return "the end of the file";
    if (isspace((unsigned char)text[offset]))
        return "the end of the line";
    do {
        end++;
    } while (end < length && strchr(",]}", text[offset]) == NULL && !ends_word(text[end]) &&
             end - offset < MAX_WORD_BYTES);
    while (end < length && is_continuation_byte(text[end]))
        end++;
    return tm_arena_format(reader->arena, "\"%.*s\"", (int)(end - offset), text + offset);
}

/* The tab at `offset`, or the first one in the white space that begins its line. */
static bool find_tab(const yaml_reader *reader, size_t offset, size_t *tab) {
    const char *text = reader->source->text;
    if (offset < reader->source->length && text[offset] == '\t') {
        *tab = offset;
        return true;
    }
    size_t begin = offset;
    while (begin > reader->bom_bytes && text[begin - 1] != '\n' && text[begin - 1] != '\r')
        begin--;
    while (begin < offset && text[begin] == ' ')
        begin++;
    *tab = begin;
    return begin < offset && text[begin] == '\t';
}

static void report_fault(yaml_reader *reader) {
    const yaml_parser_t *parser = &reader->parser;
    reader->failed = true;
    if (parser->error == YAML_MEMORY_ERROR) {
        fputs("tracemill: out of memory while reading YAML\n", stderr);
        abort();
    }
    if (parser->error == YAML_READER_ERROR) {
        tm_diag_error(reader->diag,
                      place_at_byte(reader, parser->problem_offset + reader->bom_bytes), NULL,
                      "expected UTF-8 text without control characters, got 0x%02x; save the file "
                      "as UTF-8",
                      (unsigned)parser->problem_value);
        return;
    }

    tm_place place = place_at(reader, parser->problem_mark);
    size_t tab;
    if (find_tab(reader, place.offset, &tab)) {
        tm_diag_error(reader->diag, place_at_byte(reader, tab), NULL,
                      "expected spaces for indentation, got a tab; replace it by spaces");
        return;
    }
    for (size_t i = 0; i < sizeof fault_texts / sizeof *fault_texts; i++) {
        const fault_text *text = &fault_texts[i];
        if (strcmp(text->problem, parser->problem) != 0)
            continue;
        if (text->at_context)
            place = place_at(reader, parser->context_mark);
        tm_diag_error(reader->diag, place, NULL, "expected %s, got %s; %s", text->expected,
                      text->got != NULL ? text->got : word_at(reader, place.offset), text->advice);
        return;
    }
    tm_diag_error(reader->diag, place, NULL, "expected YAML, got %s (%s); see https://yaml.org",
                  word_at(reader, place.offset), parser->problem);
}

/* The next event; caller deletes it. False after appending an error. */
static bool next_event(yaml_reader *reader, yaml_event_t *event) {
    if (yaml_parser_parse(&reader->parser, event))
        return true;
    report_fault(reader);
    return false;
}

/* Refuses the property of a node that begins with `marker`, and stands first or second. */
static void refuse_property(yaml_reader *reader, tm_place place, char marker, const char *noun,
                            const char *advice) {
    const char *text = reader->source->text;
    size_t offset = place.offset;
    if (text[offset] != marker) {
        while (offset < reader->source->length && !isspace((unsigned char)text[offset]))
            offset++;
        offset += strspn(text + offset, " \t\r\n");
        if (offset >= reader->source->length || text[offset] != marker)
            offset = place.offset; /* a comment stands between */
    }
    reader->failed = true;
    tm_diag_error(reader->diag, place_at_byte(reader, offset), NULL,
                  "expected a plain value, got the %s %s; %s", noun, word_at(reader, offset),
                  advice);
}

static void refuse_properties(yaml_reader *reader, tm_place place, const yaml_char_t *anchor,
                              const yaml_char_t *tag) {
    if (anchor != NULL)
        refuse_property(reader, place, '&', "anchor",
                        "write the value at each place that needs it");
    if (tag != NULL)
        refuse_property(reader, place, '!', "tag", "remove it");
}

/* The text of a scalar, in the arena. */
static const char *scalar_text(yaml_reader *reader, const yaml_event_t *event, tm_place place) {
    const char *value = (const char *)event->data.scalar.value;
    size_t length = event->data.scalar.length;
    if (memchr(value, '\0', length) != NULL) {
        reader->failed = true;
        tm_diag_error(reader->diag, place, NULL,
                      "expected text, got a string with a NUL in it; remove the \"\\0\"");
    }
    return tm_arena_copy(reader->arena, value, length);
}

static bool read_node(yaml_reader *reader, yaml_event_t *event, int depth, tm_node *node);

static bool check_depth(yaml_reader *reader, tm_place place, int depth) {
    if (depth < MAX_DEPTH)
        return true;
    reader->failed = true;
    tm_diag_error(reader->diag, place, NULL,
                  "expected at most %d levels of nesting, got more; write it flatter", MAX_DEPTH);
    return false;
}

static bool read_array(yaml_reader *reader, int depth, tm_node *array) {
    if (!check_depth(reader, array->place, depth))
        return false;
    array->type = TM_NODE_ARRAY;
    const tm_node **tail = &array->child;
    for (;;) {
        yaml_event_t event;
        if (!next_event(reader, &event))
            return false;
        if (event.type == YAML_SEQUENCE_END_EVENT) {
            yaml_event_delete(&event);
            return true;
        }
        tm_node *element = tm_arena_alloc(reader->arena, sizeof *element);
        if (!read_node(reader, &event, depth + 1, element))
            return false;
        *tail = element;
        tail = &element->next;
        array->count++;
    }
}

/* The key of a member; takes the event. `member->key` stays NULL when it is not usable, which has
 * been reported then. False when parsing cannot go on. */
static bool read_key(yaml_reader *reader, yaml_event_t *event, int depth, tm_node *member) {
    tm_place place = place_at(reader, event->start_mark);
    member->key_offset = (uint32_t)place.offset;
    if (event->type == YAML_SCALAR_EVENT &&
        (event->data.scalar.length > 0 || event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE)) {
        refuse_properties(reader, place, event->data.scalar.anchor, event->data.scalar.tag);
        member->key = scalar_text(reader, event, place);
        yaml_event_delete(event);
        return true;
    }
    if (event->type != YAML_ALIAS_EVENT) { /* which gets its own message below */
        reader->failed = true;
        tm_diag_error(reader->diag, place, NULL,
                      "expected a key made of text, got %s; write a word before the \":\"",
                      event->type == YAML_MAPPING_START_EVENT    ? "a mapping"
                      : event->type == YAML_SEQUENCE_START_EVENT ? "a list"
                                                                 : "nothing");
    }
    tm_node unused = {0};
    return read_node(reader, event, depth, &unused);
}

static int compare_members(const void *left, const void *right) {
    const tm_node *a = *(const tm_node *const *)left, *b = *(const tm_node *const *)right;
    int order = strcmp(a->key, b->key);
    return order != 0 ? order : (tm_node_key_place(a).offset > tm_node_key_place(b).offset) * 2 - 1;
}

static void refuse_duplicates(yaml_reader *reader, const tm_node *object) {
    if (object->count < 2)
        return;
    const tm_node **members = tm_arena_array(reader->arena, object->count, sizeof *members);
    size_t count = 0;
    for (const tm_node *member = object->child; member != NULL; member = member->next)
        members[count++] = member;
    qsort(members, count, sizeof *members, compare_members);
    const tm_node *first = members[0];
    for (size_t i = 1; i < count; i++) {
        if (strcmp(members[i]->key, first->key) != 0) {
            first = members[i];
            continue;
        }
        reader->failed = true;
        tm_diag_error(reader->diag, tm_node_key_place(members[i]), first->key,
                      "expected each key once, got it again (first on line %d); remove one of them",
                      tm_diag_line(reader->diag, tm_node_key_place(first)));
    }
}

static bool read_object(yaml_reader *reader, int depth, tm_node *object) {
    if (!check_depth(reader, object->place, depth))
        return false;
    object->type = TM_NODE_OBJECT;
    const tm_node **tail = &object->child;
    for (;;) {
        yaml_event_t event;
        if (!next_event(reader, &event))
            return false;
        if (event.type == YAML_MAPPING_END_EVENT) {
            yaml_event_delete(&event);
            break;
        }
        tm_node *member = tm_arena_alloc(reader->arena, sizeof *member);
        if (!read_key(reader, &event, depth + 1, member) || !next_event(reader, &event) ||
            !read_node(reader, &event, depth + 1, member))
            return false;
        if (member->key == NULL)
            continue;
        *tail = member;
        tail = &member->next;
        object->count++;
    }
    refuse_duplicates(reader, object);
    return true;
}

/* Fills `node` (but for its key) from the value that `event` begins; takes the event. False when
 * parsing cannot go on; a fault that leaves the rest readable only sets `failed`. */
static bool read_node(yaml_reader *reader, yaml_event_t *event, int depth, tm_node *node) {
    bool ok = true;
    node->place = place_at(reader, event->start_mark);
    switch (event->type) {
    case YAML_SCALAR_EVENT: {
        refuse_properties(reader, node->place, event->data.scalar.anchor, event->data.scalar.tag);
        const char *text = scalar_text(reader, event, node->place);
        if (event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE) {
            tm_yaml_scalar_resolve(node, text);
        } else {
            node->type = TM_NODE_STRING;
            node->string = text;
        }
        break;
    }
    case YAML_SEQUENCE_START_EVENT:
        refuse_properties(reader, node->place, event->data.sequence_start.anchor,
                          event->data.sequence_start.tag);
        ok = read_array(reader, depth, node);
        break;
    case YAML_MAPPING_START_EVENT:
        refuse_properties(reader, node->place, event->data.mapping_start.anchor,
                          event->data.mapping_start.tag);
        ok = read_object(reader, depth, node);
        break;
    default: /* an alias: nothing else begins a value */
        reader->failed = true;
        tm_diag_error(reader->diag, node->place, NULL,
                      "expected a plain value, got the alias \"*%s\"; write the value itself",
                      (const char *)event->data.alias.anchor);
        break;
    }
    yaml_event_delete(event);
    return ok;
}

/* Takes a document-start event. */
static void refuse_tag_directives(yaml_reader *reader, yaml_event_t *event) {
    if (event->data.document_start.tag_directives.start !=
        event->data.document_start.tag_directives.end) {
        reader->failed = true;
        tm_diag_error(reader->diag, place_at(reader, event->start_mark), NULL,
                      "expected a plain document, got a %%TAG directive; remove it");
    }
    yaml_event_delete(event);
}

/* Reads the whole stream into `root`. False when parsing could not go on. */
static bool read_stream(yaml_reader *reader, tm_node *root) {
    yaml_event_t event;
    if (!next_event(reader, &event))
        return false;
    yaml_event_delete(&event); /* stream start */
    if (!next_event(reader, &event))
        return false;
    if (event.type == YAML_STREAM_END_EVENT) {
        yaml_event_delete(&event);
        root->type = TM_NODE_OBJECT;
        return true;
    }

    refuse_tag_directives(reader, &event);
    if (!next_event(reader, &event))
        return false;
    bool is_empty = event.type == YAML_SCALAR_EVENT && event.data.scalar.length == 0 &&
                    event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    if (!read_node(reader, &event, 0, root))
        return false;
    if (is_empty)
        root->type = TM_NODE_OBJECT;

    if (!next_event(reader, &event))
        return false;
    yaml_event_delete(&event); /* document end */
    if (!next_event(reader, &event))
        return false;
    if (event.type != YAML_STREAM_END_EVENT) {
        reader->failed = true;
        tm_diag_error(reader->diag, place_at(reader, event.start_mark), NULL,
                      "expected one document, got a second one; write it to a file of its own");
    }
    yaml_event_delete(&event);
    return true;
}

const tm_node *tm_yaml_parse(tm_arena *arena, const tm_source *source, tm_diag *diag) {
    yaml_reader reader = {.arena = arena, .source = source, .diag = diag};
    if (source->length >= 3 && memcmp(source->text, "\xEF\xBB\xBF", 3) == 0)
        reader.bom_bytes = 3;
    reader.bytes = reader.bom_bytes;

    if (!yaml_parser_initialize(&reader.parser)) {
        fputs("tracemill: out of memory while reading YAML\n", stderr);
        abort();
    }
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&reader.parser,
                                 (const unsigned char *)source->text + reader.bom_bytes,
                                 source->length - reader.bom_bytes);
    tm_node *root = tm_arena_alloc(arena, sizeof *root);
    root->place = (tm_place){source, reader.bom_bytes};
    bool ok = read_stream(&reader, root);
    yaml_parser_delete(&reader.parser);
    return ok && !reader.failed ? root : NULL;
}
