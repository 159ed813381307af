#include "gen/unpack.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/file.h"
#include "lib/json.h"

#define DESCRIPTION "solution.json"
#define KIT "config.toml" /* which tm-pack would take for the description */

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *walk) {
    (void)status, (void)kind, (void)walk;
    return remove(path);
}

/* Whether the folder is free to be made; an error when not. */
static bool is_free(const char *folder, tm_diag *diag) {
    struct stat status;
    if (lstat(folder, &status) != 0) {
        if (errno != ENOENT)
            tm_diag_error(diag, tm_diag_command_line, NULL, "%s: expected a new folder: %s", folder,
                          strerror(errno));
        return errno == ENOENT;
    }
    bool empty = S_ISDIR(status.st_mode);
    DIR *stream = empty ? opendir(folder) : NULL;
    for (const struct dirent *entry; stream && empty && (entry = readdir(stream)) != NULL;)
        empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    if (stream)
        closedir(stream);
    if (!stream || !empty)
        tm_diag_error(diag, tm_diag_command_line, NULL,
                      "%s: expected a new or an empty folder, got %s; nothing is overwritten, "
                      "name another or remove it",
                      folder, S_ISDIR(status.st_mode) ? "one with something in it" : "a file");
    return stream && empty;
}

/* The description without contents. Caller frees. */
static char *description_of(const tm_solution *solution) {
    tm_json *root = tm_json_object();
    for (const tm_node *node = solution->node->child; node; node = node->next) {
        if (strcmp(node->key, "sources") != 0) {
            tm_json_set_node(root, node->key, node);
            continue;
        }
        tm_json *list = tm_json_array();
        for (size_t i = 0; i < solution->file_count; i++) {
            tm_json *source = tm_json_object();
            tm_json_set_string(source, "path", solution->files[i].path);
            tm_json_push(list, source);
        }
        tm_json_set(root, node->key, list);
    }
    char *text = tm_json_print(root, true);
    tm_json_free(root);
    return text;
}

static bool check(const tm_solution *solution, tm_diag *diag) {
    bool good = true;
    const tm_node *item = tm_node_get(solution->node, "sources")->child;
    for (size_t i = 0; i < solution->file_count; i++, item = item->next) {
        const tm_solution_file *file = &solution->files[i];
        const char *wrong = NULL;
        if (!file->content)
            wrong = "the content of each source, got none: this solution is not packed";
        else if (strcmp(file->path, DESCRIPTION) == 0)
            wrong = "no source of this name, which the description gets";
        else if (strcmp(file->path, KIT) == 0)
            wrong = "no source of this name, which describes a folder to tm-pack; rename it";
        if (wrong)
            tm_diag_error(diag, item->place, "sources", "%s: expected %s", file->path, wrong);
        good = good && !wrong;
    }
    return good;
}

static bool write_all(const tm_solution *solution, const char *folder, const char **at,
                      tm_arena *arena) {
    for (size_t i = 0; i < solution->file_count; i++) {
        const tm_solution_file *file = &solution->files[i];
        *at = file->path;
        if (!tm_file_write(tm_file_join(arena, folder, file->path), file->content,
                           strlen(file->content), NULL))
            return false;
    }
    *at = DESCRIPTION;
    char *text = description_of(solution);
    bool good = tm_file_write(tm_file_join(arena, folder, DESCRIPTION), text, strlen(text), NULL);
    free(text);
    return good;
}

int tm_unpack(const tm_solution *solution, const char *folder, tm_arena *arena, tm_diag *diag) {
    if (!check(solution, diag) || !is_free(folder, diag))
        return 2;
    char *wanted = tm_arena_copy(arena, folder, strlen(folder));
    while (strlen(wanted) > 1 && wanted[strlen(wanted) - 1] == '/')
        wanted[strlen(wanted) - 1] = '\0';
    char *made = tm_arena_format(arena, "%s.tmp.XXXXXX", wanted);
    const char *at = wanted;
    bool good = tm_file_make_parents(made) && mkdtemp(made);
    if (good) {
        mode_t mask = umask(0);
        umask(mask);
        good = write_all(solution, made, &at, arena) && chmod(made, 0777 & ~mask) == 0 &&
               rename(made, wanted) == 0;
        int reason = errno;
        if (!good)
            nftw(made, remove_one, 16, FTW_DEPTH | FTW_PHYS);
        errno = reason;
    }
    if (!good)
        tm_diag_error(diag, tm_diag_command_line, NULL, "%s: cannot be written: %s: %s", folder, at,
                      strerror(errno));
    return good ? 0 : 3;
}
