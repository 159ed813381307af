#include "lib/processes.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

static bool is_among(pid_t pid, const pid_t *pids, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (pids[i] == pid)
            return true;
    return false;
}

/* The parent of a process, from its /proc/<pid>/stat: "pid (any name) state parent". */
static long parent_of(long pid) {
    char path[64], line[512];
    long parent = 0;
    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    FILE *file = fopen(path, "re");
    const char *name_end = file && fgets(line, sizeof line, file) ? strrchr(line, ')') : NULL;
    if (!name_end || sscanf(name_end, ") %*c %ld", &parent) != 1)
        parent = 0;
    if (file)
        fclose(file);
    return parent;
}

bool tm_processes_descends(pid_t pid, pid_t ancestor) {
    long at = pid;
    if (at != 1 && parent_of(at) == 0)
        return true;
    while (at > 0 && at != (long)ancestor)
        at = parent_of(at);
    return at == (long)ancestor;
}

/* A child of `parent` that is not to be kept, by looking at all processes: for kernels that do not
 * list children. */
static pid_t search_child(pid_t parent, const pid_t *keep, size_t count) {
    DIR *proc = opendir("/proc");
    pid_t found = 0;
    const struct dirent *entry;
    while (proc && !found && (entry = readdir(proc))) {
        long pid = strtol(entry->d_name, NULL, 10);
        if (pid > 0 && parent_of(pid) == (long)parent && !is_among((pid_t)pid, keep, count))
            found = (pid_t)pid;
    }
    if (proc)
        closedir(proc);
    return found;
}

/* The same; 0: there is none. The kernel lists the children of each thread. */
static pid_t find_child(pid_t parent, const pid_t *keep, size_t count) {
    char path[320];
    long pid, found = 0;
    snprintf(path, sizeof path, "/proc/%ld/task", (long)parent);
    DIR *threads = opendir(path);
    const struct dirent *entry;
    bool listed = false;
    while (threads && !found && (entry = readdir(threads))) {
        snprintf(path, sizeof path, "/proc/%ld/task/%s/children", (long)parent, entry->d_name);
        FILE *file = entry->d_name[0] == '.' ? NULL : fopen(path, "re");
        while (file && !found && fscanf(file, "%ld", &pid) == 1)
            if (!is_among((pid_t)pid, keep, count))
                found = pid;
        listed = listed || file;
        if (file)
            fclose(file);
    }
    if (threads)
        closedir(threads);
    return listed ? (pid_t)found : search_child(parent, keep, count);
}

bool tm_processes_has_children(pid_t pid) {
    return find_child(pid, NULL, 0) > 0;
}

void tm_processes_end_orphans(const pid_t *keep, size_t count) {
    /* What an orphan has started in turn becomes one when it ends: until there are none. */
    for (;;) {
        pid_t orphan = find_child(getpid(), keep, count);
        if (orphan <= 0)
            return; /* none, or no /proc */
        kill(orphan, SIGKILL);
        waitpid(orphan, NULL, 0);
    }
}
