#include "lib/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/text.h"

/* read() that goes on after a signal. */
static ssize_t tm_file_read_some(int fd, char *bytes, size_t length) {
    ssize_t got;
    do
        got = read(fd, bytes, length);
    while (got < 0 && errno == EINTR);
    return got;
}

static void tm_file_close(int fd) {
    int saved = errno;
    close(fd);
    errno = saved;
}

/* Reads to the end of the file, whatever its size was when it was opened (files of /proc say 0). */
static char *tm_file_read_all(tm_arena *arena, int fd, size_t expected, size_t *length) {
    size_t capacity = expected + 1, filled = 0;
    char *bytes = tm_arena_alloc(arena, capacity + 1);
    for (;;) {
        ssize_t got = tm_file_read_some(fd, bytes + filled, capacity - filled);
        if (got < 0)
            return NULL;
        filled += (size_t)got;
        if (filled > TM_FILE_LIMIT_BYTES) {
            errno = EFBIG;
            return NULL;
        }
        if (got == 0)
            break;
        if (filled == capacity) {
            capacity = capacity * 2 + 4096;
            char *more = tm_arena_alloc(arena, capacity + 1);
            memcpy(more, bytes, filled);
            bytes = more;
        }
    }
    bytes[filled] = '\0';
    *length = filled;
    return bytes;
}

const tm_source *tm_file_read(tm_arena *arena, const char *path) {
    /* O_NONBLOCK: opening a pipe must not wait for a writer. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return NULL;
    tm_source *source = NULL;
    struct stat status;
    if (fstat(fd, &status) != 0)
        goto done;
    if (!S_ISREG(status.st_mode)) {
        errno = S_ISDIR(status.st_mode) ? EISDIR : EINVAL;
        goto done;
    }
    if ((size_t)status.st_size > TM_FILE_LIMIT_BYTES) {
        errno = EFBIG;
        goto done;
    }
    size_t length = 0;
    const char *text = tm_file_read_all(arena, fd, (size_t)status.st_size, &length);
    if (text == NULL)
        goto done;
    source = tm_arena_alloc(arena, sizeof *source);
    source->path = tm_arena_copy(arena, path, strlen(path));
    source->text = text;
    source->length = length;
done:
    tm_file_close(fd);
    return source;
}

/* True when `path` is a regular file that holds exactly these bytes. */
static bool tm_file_holds(const char *path, const char *bytes, size_t length) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return false;
    struct stat status;
    bool equal =
        fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && (size_t)status.st_size == length;
    char chunk[16384];
    for (size_t done = 0; equal && done < length;) {
        size_t wanted = length - done < sizeof chunk ? length - done : sizeof chunk;
        ssize_t got = tm_file_read_some(fd, chunk, wanted);
        equal = got > 0 && memcmp(chunk, bytes + done, (size_t)got) == 0;
        done += got > 0 ? (size_t)got : 0;
    }
    tm_file_close(fd);
    return equal;
}

/* Writers of one file at once that a writer outlasts. */
#define NAME_TRIES 100

static bool tm_file_write_all(int fd, const char *bytes, size_t length) {
    for (size_t done = 0; done < length;) {
        ssize_t put = write(fd, bytes + done, length - done);
        if (put < 0 && errno != EINTR)
            return false;
        done += put > 0 ? (size_t)put : 0;
    }
    return true;
}

/* Opens a new file in the folder of `path`, without a name where the file system can do that: then
 * an interruption leaves nothing behind. Elsewhere its name is left in `name`. */
static int tm_file_open_nameless(const char *path, tm_text *name) {
    const char *slash = strrchr(path, '/');
    tm_text_clear(name);
    tm_text_add_bytes(name, slash ? path : ".", slash ? (size_t)(slash - path) + 1 : 1);
    int fd = open(name->data, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR)) {
        tm_text_clear(name);
        return fd;
    }
    tm_text_clear(name);
    tm_text_format(name, "%s.tmp.XXXXXX", path);
    return mkostemp(name->data, O_CLOEXEC);
}

/* The same, after making the folder where it is missing. */
static int tm_file_open_beside(const char *path, tm_text *name) {
    int fd = tm_file_open_nameless(path, name);
    if (fd < 0 && errno == ENOENT && tm_file_make_parents(path))
        fd = tm_file_open_nameless(path, name);
    return fd;
}

/* Gives a complete file without a name its own, at once where there is no file of that name: then
 * `name` stays empty. Else one beside `path`, for the rename; who is killed before that leaves it
 * to the next who writes the same file. */
static bool tm_file_name(int fd, const char *path, tm_text *name) {
    char self[64];
    snprintf(self, sizeof self, "/proc/self/fd/%d", fd);
    if (linkat(AT_FDCWD, self, AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0)
        return true;
    if (errno != EEXIST)
        return false;
    tm_text_format(name, "%s.tmp", path);
    for (int tries = 0; tries < NAME_TRIES; tries++) {
        if (linkat(AT_FDCWD, self, AT_FDCWD, name->data, AT_SYMLINK_FOLLOW) == 0)
            return true;
        if (errno != EEXIST || (unlink(name->data) != 0 && errno != ENOENT))
            break;
    }
    tm_text_clear(name);
    return false;
}

/* A device or a pipe: it is there to be written to, not to be replaced. */
static bool tm_file_is_special(const char *path) {
    struct stat info;
    return lstat(path, &info) == 0 && !S_ISREG(info.st_mode) && !S_ISLNK(info.st_mode) &&
           !S_ISDIR(info.st_mode);
}

static bool tm_file_write_through(const char *path, const char *bytes, size_t length) {
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return false;
    bool good = tm_file_write_all(fd, bytes, length);
    if (good)
        return close(fd) == 0;
    tm_file_close(fd);
    return false;
}

bool tm_file_write(const char *path, const char *bytes, size_t length, bool *changed) {
    if (changed != NULL)
        *changed = false;
    if (tm_file_is_special(path)) {
        bool good = tm_file_write_through(path, bytes, length);
        if (good && changed != NULL)
            *changed = true;
        return good;
    }
    if (tm_file_holds(path, bytes, length))
        return true;
    tm_text name = {0};
    int fd = tm_file_open_beside(path, &name);
    bool good = fd >= 0;
    if (good) {
        /* No fsync: after a power cut the worst is a cell that runs again. */
        good = tm_file_write_all(fd, bytes, length) && fchmod(fd, 0644) == 0;
        good = good && (name.length > 0 || tm_file_name(fd, path, &name));
        if (good)
            good = close(fd) == 0;
        else
            tm_file_close(fd);
        /* Who writes the same file just now may have given our name to theirs. */
        good = good && (name.length == 0 || rename(name.data, path) == 0 ||
                        (errno == ENOENT && access(path, F_OK) == 0));
        if (!good) {
            int saved = errno;
            if (name.length > 0)
                unlink(name.data);
            errno = saved;
        }
    }
    int saved = errno;
    tm_text_free(&name);
    errno = saved;
    if (good && changed != NULL)
        *changed = true;
    return good;
}

bool tm_file_make_parents(const char *path) {
    char *folder = strdup(path);
    if (folder == NULL)
        return false;
    bool good = true;
    for (char *slash = strchr(folder, '/'); good && slash != NULL; slash = strchr(slash + 1, '/')) {
        if (slash == folder || slash[-1] == '/')
            continue;
        *slash = '\0';
        struct stat status;
        if (mkdir(folder, 0777) != 0) {
            int reason = errno;
            /* mkdir may also say EROFS or EACCES of a folder that is there. */
            good = stat(folder, &status) == 0 && S_ISDIR(status.st_mode);
            if (!good)
                errno = reason == EEXIST ? ENOTDIR : reason;
        }
        *slash = '/';
    }
    int saved = errno;
    free(folder);
    errno = saved;
    return good;
}

static int tm_file_compare_entries(const void *left, const void *right) {
    const tm_file_entry *a = left, *b = right;
    return strcmp(a->name, b->name);
}

static bool tm_file_is_folder(DIR *folder, const struct dirent *entry) {
    if (entry->d_type != DT_UNKNOWN && entry->d_type != DT_LNK)
        return entry->d_type == DT_DIR;
    struct stat status;
    return fstatat(dirfd(folder), entry->d_name, &status, 0) == 0 && S_ISDIR(status.st_mode);
}

const tm_file_entry *tm_file_list(tm_arena *arena, const char *folder, size_t *count) {
    *count = 0;
    DIR *stream = opendir(folder);
    if (stream == NULL)
        return NULL;
    size_t filled = 0, capacity = 0;
    tm_file_entry *entries = tm_arena_grow(arena, NULL, filled, &capacity, sizeof *entries);
    const struct dirent *entry;
    while (errno = 0, (entry = readdir(stream)) != NULL) {
        if (entry->d_name[0] == '.')
            continue;
        entries = tm_arena_grow(arena, entries, filled, &capacity, sizeof *entries);
        entries[filled].name = tm_arena_copy(arena, entry->d_name, strlen(entry->d_name));
        entries[filled].is_folder = tm_file_is_folder(stream, entry);
        filled++;
    }
    int reason = errno;
    closedir(stream);
    errno = reason;
    if (reason != 0)
        return NULL;
    qsort(entries, filled, sizeof *entries, tm_file_compare_entries);
    *count = filled;
    return entries;
}

char *tm_file_join(tm_arena *arena, const char *folder, const char *name) {
    if (folder[0] == '\0' || strcmp(folder, ".") == 0 || name[0] == '/')
        return tm_arena_copy(arena, name, strlen(name));
    const char *between = folder[strlen(folder) - 1] == '/' ? "" : "/";
    return tm_arena_format(arena, "%s%s%s", folder, between, name);
}

const char *tm_file_nearest(tm_arena *arena, const char *path) {
    char *at = tm_arena_copy(arena, path, strlen(path));
    while (access(at, F_OK) != 0) {
        char *slash = strrchr(at, '/');
        if (slash == NULL)
            return ".";
        if (slash == at)
            return "/";
        *slash = '\0';
    }
    return at;
}
