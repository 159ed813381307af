#include "harness/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/file.h"
#include "lib/text.h"

const char *tm_lock_path(const tm_node *described, const tm_node *device, const char *root,
                         tm_arena *arena) {
    const tm_node *backend = tm_node_get(described, "backend");
    if (backend && backend->string && strcmp(backend->string, "cpu") == 0)
        return tm_file_join(arena, root, "build/machine.lock");
    const tm_node *uuid = tm_node_get(device, "uuid");
    tm_text name = {0};
    tm_text_add_component(&name, uuid && uuid->string ? uuid->string : "device");
    const char *path = tm_arena_format(arena, "/tmp/tracemill-%s.lock", tm_text_get(&name));
    tm_text_free(&name);
    return path;
}

static int try_lock(const char *path, int operation, tm_diag *diag) {
    /* First without O_CREAT: with it, the kernel may refuse another user's file in /tmp. */
    int file = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
    if (file < 0 && errno == ENOENT)
        file = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    /* All users of a machine share its devices, whatever their umask; only the owner can. */
    if (file >= 0)
        (void)fchmod(file, 0666);
    if (file < 0) {
        tm_diag_error(diag, tm_diag_command_line, NULL,
                      "%s: cannot be opened: %s; remove it, or make it writable", path,
                      strerror(errno));
        return -1;
    }
    while (flock(file, operation) != 0)
        if (errno != EINTR) {
            if (errno != EWOULDBLOCK)
                tm_diag_error(diag, tm_diag_command_line, NULL, "%s: cannot be locked: %s", path,
                              strerror(errno));
            close(file);
            return -1;
        }
    return file;
}

int tm_lock_this_device(const tm_node *described, const tm_node *device, const char *root,
                        tm_arena *arena, tm_diag *diag) {
    return try_lock(tm_lock_path(described, device, root, arena), LOCK_EX, diag);
}

bool tm_lock_device(const tm_cell *cell, int *device, tm_arena *arena, tm_diag *diag) {
    const tm_node *devices = tm_node_get(cell->device, "devices");
    const tm_node *first = devices ? devices->child : NULL;
    if (!first) {
        tm_diag_error(diag, tm_diag_command_line, NULL,
                      "expected a device in build/device.json, got none; remove the file and run "
                      "ninja bench");
        return false;
    }
    int index = 0;
    for (const tm_node *node = first; node; node = node->next, index++)
        if (try_lock(tm_lock_path(cell->device, node, cell->root, arena), LOCK_EX | LOCK_NB,
                     diag) >= 0) {
            *device = index;
            return true;
        }
    /* All are busy: wait for one, a different one for each waiting process. */
    int mine = (int)(getpid() % index);
    const tm_node *node = first;
    for (int i = 0; i < mine; i++)
        node = node->next;
    *device = mine;
    return tm_lock_this_device(cell->device, node, cell->root, arena, diag) >= 0;
}
