#include "harness/room.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A limit in a file, or `bytes` when there is none that is lower ("max", or v1's huge number). */
static uint64_t lower(uint64_t bytes, const char *path) {
    char text[64], *end;
    FILE *file = fopen(path, "re");
    if (!file)
        return bytes;
    unsigned long long limit = 0;
    if (fgets(text, sizeof text, file))
        limit = strtoull(text, &end, 10);
    fclose(file);
    return limit > 0 && limit < bytes ? limit : bytes;
}

/* Of a group and of all that it is in. A container may see its own group as the root of all, while
 * /proc names it as the host does: the root counts too. */
static uint64_t lowest(uint64_t bytes, const char *root, const char *mount, const char *group,
                       const char *name) {
    char path[2 * PATH_MAX];
    int stem = snprintf(path, sizeof path, "%s/sys/fs/cgroup%s", root, mount);
    snprintf(path + stem, sizeof path - (size_t)stem, "%s", group);
    for (;;) {
        size_t length = strlen(path);
        while (length > (size_t)stem && path[length - 1] == '/')
            length--;
        snprintf(path + length, sizeof path - length, "/%s", name);
        bytes = lower(bytes, path);
        if (length <= (size_t)stem)
            return bytes;
        path[length] = '\0';
        *strrchr(path, '/') = '\0';
    }
}

uint64_t tm_room_below(const char *root, uint64_t bytes) {
    char path[PATH_MAX], line[PATH_MAX];
    snprintf(path, sizeof path, "%s/proc/self/cgroup", root);
    FILE *file = fopen(path, "re");
    while (file && fgets(line, sizeof line, file)) { /* "number:controllers:/group" */
        line[strcspn(line, "\n")] = '\0';
        char *controllers = strchr(line, ':'),
             *group = controllers ? strchr(controllers + 1, ':') : NULL;
        if (!group || group[1] != '/')
            continue;
        *group++ = '\0';
        if (strcmp(controllers, ":memory") == 0)
            bytes = lowest(bytes, root, "/memory", group, "memory.limit_in_bytes");
        else if (strcmp(controllers, ":") == 0)
            bytes = lowest(bytes, root, "", group, "memory.max");
    }
    if (file)
        fclose(file);
    return bytes;
}

uint64_t tm_room_bytes(void) {
    long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGESIZE);
    return pages > 0 && page > 0 ? tm_room_below("", (uint64_t)pages * (uint64_t)page) : 0;
}
