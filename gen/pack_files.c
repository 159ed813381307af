#include "gen/pack_files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lib/file.h"
#include "lib/text.h"

/* One file on its way: where it is, relative to the solution's folder, with "../" in front when it
 * lies above. */
typedef struct {
    const char *relative;
    const tm_source *content;
} member;

typedef struct {
    const tm_solution *solution;
    tm_arena *arena;
    tm_diag *diag;
    member *members;
    size_t count, capacity;
} gathering;

bool tm_pack_files_is_source(const char *path) {
    static const char *const suffixes[] = {".c",  ".cc",  ".cpp", ".cu",  ".cuh", ".cxx", ".h",
                                           ".hh", ".hpp", ".inc", ".inl", ".ipp", ".py"};
    const char *dot = strrchr(path, '.');
    for (size_t i = 0; dot && i < sizeof suffixes / sizeof *suffixes; i++)
        if (strcmp(dot, suffixes[i]) == 0)
            return true;
    return false;
}

/* "a/../b" as "b"; leading ".." stay. NULL when it names no file. */
static const char *collapse(tm_arena *arena, const char *path) {
    tm_text out = {0};
    while (*path) {
        size_t length = strcspn(path, "/");
        const char *slash = out.data ? strrchr(out.data, '/') : NULL;
        const char *last = slash ? slash + 1 : tm_text_get(&out);
        if (length == 2 && memcmp(path, "..", 2) == 0 && out.length && strcmp(last, "..") != 0) {
            size_t kept = slash ? (size_t)(slash - out.data) : 0;
            out.data[kept] = '\0';
            out.length = kept;
        } else if (length && !(length == 1 && *path == '.')) {
            tm_text_add(&out, out.length ? "/" : "");
            tm_text_add_bytes(&out, path, length);
        }
        path += length + (path[length] == '/');
    }
    const char *kept = out.length ? tm_arena_copy(arena, out.data, out.length) : NULL;
    tm_text_free(&out);
    return kept;
}

static bool has(const gathering *g, const char *relative) {
    for (size_t i = 0; i < g->count; i++)
        if (strcmp(g->members[i].relative, relative) == 0)
            return true;
    return false;
}

static void add(gathering *g, const char *relative, const tm_source *content) {
    g->members = tm_arena_grow(g->arena, g->members, g->count, &g->capacity, sizeof *g->members);
    g->members[g->count++] = (member){relative, content};
}

/* Whether the bytes can stand in JSON, and in flashinfer-bench. */
static bool check(gathering *g, const tm_source *source) {
    size_t valid = tm_text_utf8_prefix(source->text, source->length);
    if (source->length == 0)
        tm_diag_error(g->diag, ((tm_place){source, TM_WHOLE_FILE}), NULL,
                      "expected a source with something in it, got an empty file, which "
                      "flashinfer-bench refuses; remove it or write a comment");
    else if (valid < source->length)
        tm_diag_error(g->diag, ((tm_place){source, valid}), NULL,
                      "expected UTF-8 without NUL, got byte 0x%02x; a solution's sources are text",
                      (unsigned char)source->text[valid]);
    return source->length > 0 && valid == source->length;
}

static bool read_listed(gathering *g, size_t index) {
    const tm_solution_file *file = &g->solution->files[index];
    const tm_source *source = NULL;
    if (file->content) {
        tm_source *made = tm_arena_alloc(g->arena, sizeof *made);
        *made = (tm_source){file->path, file->content, strlen(file->content)};
        source = made;
    } else
        source = tm_file_read(g->arena, tm_file_join(g->arena, g->solution->folder, file->path));
    if (!source) {
        const tm_node *item = tm_node_get(g->solution->node, "sources")->child;
        for (size_t i = 0; i < index; i++)
            item = item->next;
        tm_diag_error(g->diag, tm_node_get(item, "path")->place,
                      tm_arena_format(g->arena, "sources[%zu].path", index),
                      "expected a readable file, got \"%s\": %s", file->path, strerror(errno));
        return false;
    }
    add(g, file->path, source);
    return check(g, source);
}

/* The name in `#include "name"`, when the line is one; in the arena. */
static const char *included(tm_arena *arena, const char *line) {
    line += strspn(line, " \t");
    if (*line++ != '#')
        return NULL;
    line += strspn(line, " \t");
    if (strncmp(line, "include", 7) != 0)
        return NULL;
    line += 7;
    line += strspn(line, " \t");
    if (*line++ != '"')
        return NULL;
    size_t length = strcspn(line, "\"\n");
    return line[length] == '"' && length ? tm_arena_copy(arena, line, length) : NULL;
}

/* Adds what a member includes and what lies where the includer says; the rest is found by the
 * compiler's -I, as contract.h, or is of a library. */
static bool follow(gathering *g, member from) {
    bool good = true;
    const char *slash = strrchr(from.relative, '/');
    const char *folder =
        tm_arena_copy(g->arena, from.relative, slash ? (size_t)(slash - from.relative) : 0);
    for (const char *line = from.content->text; *line;) {
        const char *name = included(g->arena, line);
        line += strcspn(line, "\n");
        line += *line == '\n';
        if (!name || name[0] == '/' || !tm_pack_files_is_source(name))
            continue;
        const char *relative = collapse(g->arena, tm_file_join(g->arena, folder, name));
        struct stat status;
        if (!relative || has(g, relative))
            continue;
        const char *path = tm_file_join(g->arena, g->solution->folder, relative);
        if (stat(path, &status) != 0 || !S_ISREG(status.st_mode))
            continue;
        const tm_source *source = tm_file_read(g->arena, path);
        if (!source || g->count == TM_MAX_FILES) {
            tm_diag_error(g->diag, ((tm_place){from.content, TM_WHOLE_FILE}), NULL,
                          "expected to read what it includes, got \"%s\": %s", name,
                          source ? "more files than a solution may have" : strerror(errno));
            return false;
        }
        add(g, relative, source);
        good = check(g, source) && good;
    }
    return good;
}

/* The folder's own path from the lowest folder that holds all members: "" or "a/b/". NULL when
 * they lie above the root. */
static const char *prefix_of(const gathering *g) {
    size_t above = 0;
    for (size_t i = 0; i < g->count; i++) {
        size_t levels = 0;
        for (const char *at = g->members[i].relative; strncmp(at, "../", 3) == 0; at += 3)
            levels++;
        above = levels > above ? levels : above;
    }
    if (above == 0)
        return "";
    char *real = realpath(*g->solution->folder ? g->solution->folder : ".", NULL);
    const char *at = real ? real + strlen(real) : NULL;
    for (; above > 0 && at > real; above--)
        do
            at--;
        while (at > real && *at != '/');
    const char *prefix = at && above == 0 ? tm_arena_format(g->arena, "%s/", at + 1) : NULL;
    free(real);
    if (!prefix)
        tm_diag_error(g->diag, ((tm_place){g->solution->source, TM_WHOLE_FILE}), NULL,
                      "expected what its sources include below the root folder, got more \"../\" "
                      "than %s has parts",
                      g->solution->folder);
    return prefix;
}

bool tm_pack_files_read(tm_pack_files *files, const tm_solution *solution, tm_arena *arena,
                        tm_diag *diag) {
    gathering g = {.solution = solution, .arena = arena, .diag = diag};
    bool good = true, packed = false;
    for (size_t i = 0; i < solution->file_count; i++) {
        good = read_listed(&g, i) && good;
        packed = packed || solution->files[i].content;
    }
    /* What a package includes is in it. */
    for (size_t i = 0; good && !packed && i < g.count; i++)
        good = follow(&g, g.members[i]);
    const char *prefix = good ? prefix_of(&g) : NULL;
    if (!prefix)
        return false;
    tm_pack_file *made = tm_arena_array(arena, g.count, sizeof *made);
    for (size_t i = 0; i < g.count; i++)
        made[i] = (tm_pack_file){
            collapse(arena, tm_arena_format(arena, "%s%s", prefix, g.members[i].relative)),
            g.members[i].content};
    *files = (tm_pack_files){made, g.count,
                             tm_arena_format(arena, "%s%s", prefix, solution->entry_file)};
    return true;
}
