#include "harness/remeasure.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LEAST_AGE_S 60

extern char **environ;

static bool is_cpu(const tm_cell *cell) {
    const tm_node *backend = tm_node_get(cell->device, "backend");
    return backend && backend->string && strcmp(backend->string, "cpu") == 0;
}

/* Runs a program with its output in a file; true when it ends with 0. */
static bool run(char *const *words, const char *output) {
    posix_spawn_file_actions_t actions;
    pid_t pid;
    int status = -1;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, output, O_WRONLY | O_CREAT | O_TRUNC,
                                     0666);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    bool started = posix_spawn(&pid, words[0], &actions, NULL, words, environ) == 0;
    posix_spawn_file_actions_destroy(&actions);
    while (started && waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return false;
    return started && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool tm_remeasure_ceilings(const tm_cell *cell, tm_arena *arena) {
    char *path = tm_cell_path(cell, arena, "build/ceilings.json");
    struct stat file;
    if (!is_cpu(cell) || stat(path, &file) != 0 || time(NULL) - file.st_mtime < LEAST_AGE_S)
        return false;
    char *made = tm_arena_format(arena, "%s.%ld", path, (long)getpid());
    char locked[] = "--locked";
    char *const words[] = {tm_cell_path(cell, arena, "build/bin/tm-ceilings"), locked,
                           tm_cell_path(cell, arena, "build/device.json"), path, NULL};
    if (run(words, made) && rename(made, path) == 0)
        return true;
    unlink(made);
    return false;
}
