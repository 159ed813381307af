#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cmocka.h>

#include "lib/arena.h"
#include "lib/file.h"

typedef struct {
    tm_arena *arena;
    char folder[64];
} fixture;

static int setup(void **state) {
    fixture *made = calloc(1, sizeof *made);
    made->arena = tm_arena_create();
    strcpy(made->folder, "/tmp/tm_test_file.XXXXXX");
    if (mkdtemp(made->folder) == NULL)
        return -1;
    *state = made;
    return 0;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *walk) {
    (void)status, (void)type, (void)walk;
    return remove(path);
}

static int teardown(void **state) {
    fixture *made = *state;
    nftw(made->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    tm_arena_destroy(made->arena);
    free(made);
    return 0;
}

static char *inside(fixture *made, const char *name) {
    return tm_file_join(made->arena, made->folder, name);
}

static void assert_holds(fixture *made, const char *path, const char *bytes, size_t length) {
    const tm_source *source = tm_file_read(made->arena, path);
    assert_non_null(source);
    assert_string_equal(source->path, path);
    assert_int_equal(source->length, length);
    assert_memory_equal(source->text, bytes, length);
    assert_int_equal(source->text[length], '\0');
}

/* Nothing but the named entries is in the folder; temporary files would be seen. */
static void assert_lists(fixture *made, const char *folder, const char *const *names,
                         size_t count) {
    size_t listed;
    const tm_file_entry *entries = tm_file_list(made->arena, folder, &listed);
    assert_non_null(entries);
    assert_int_equal(listed, count);
    for (size_t i = 0; i < count; i++)
        assert_string_equal(entries[i].name, names[i]);
}

static void test_writes_what_it_reads(void **state) {
    fixture *made = *state;
    bool changed = false;
    char *path = inside(made, "a/b//c/file");
    umask(077);
    assert_true(tm_file_write(path, "one\0two", 7, &changed));
    umask(022);
    assert_true(changed);
    assert_holds(made, path, "one\0two", 7);
    struct stat status;
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0644);
    assert_true(tm_file_write(path, "", 0, NULL));
    assert_holds(made, path, "", 0);
    const char *names[] = {"file"};
    assert_lists(made, inside(made, "a/b/c"), names, 1);
}

/* What a process that was killed while it wrote may have left. */
static void test_clears_up_behind_the_killed(void **state) {
    fixture *made = *state;
    char *path = inside(made, "clear/file"), *left = inside(made, "clear/file.tmp");
    assert_true(tm_file_write(path, "old", 3, NULL));
    assert_true(tm_file_write(left, "half", 4, NULL));
    assert_true(tm_file_write(path, "new", 3, NULL));
    assert_holds(made, path, "new", 3);
    const char *names[] = {"file"};
    assert_lists(made, inside(made, "clear"), names, 1);
}

static void test_equal_content_stays_untouched(void **state) {
    fixture *made = *state;
    char *path = inside(made, "file");
    /* Longer than one chunk of the comparison. */
    size_t length = 40000;
    char *bytes = tm_arena_alloc(made->arena, length);
    memset(bytes, 'x', length);
    assert_true(tm_file_write(path, bytes, length, NULL));
    struct timespec long_ago[2] = {{1000, 1}, {1000, 1}};
    assert_int_equal(utimensat(AT_FDCWD, path, long_ago, 0), 0);
    struct stat before, after;
    assert_int_equal(stat(path, &before), 0);

    bool changed = true;
    assert_true(tm_file_write(path, bytes, length, &changed));
    assert_false(changed);
    assert_int_equal(stat(path, &after), 0);
    assert_int_equal(after.st_mtim.tv_sec, 1000);
    assert_int_equal(after.st_mtim.tv_nsec, 1);
    assert_int_equal(after.st_ino, before.st_ino);

    bytes[length - 1] = 'y';
    assert_true(tm_file_write(path, bytes, length, &changed));
    assert_true(changed);
    assert_holds(made, path, bytes, length);
    assert_int_equal(stat(path, &after), 0);
    assert_int_not_equal(after.st_mtim.tv_sec, 1000);
    assert_int_not_equal(after.st_ino, before.st_ino);
    /* A file that is only the beginning of what is wanted is not equal. */
    assert_true(tm_file_write(path, bytes, length - 1, &changed));
    assert_true(changed);
}

/* A link takes a name as a file does; what it points to is not written. */
static void test_replaces_a_link(void **state) {
    fixture *made = *state;
    char *path = inside(made, "link"), *target = inside(made, "target");
    bool changed = false;
    struct stat status;
    for (int dangling = 1; dangling >= 0; dangling--) {
        unlink(path);
        assert_int_equal(symlink("target", path), 0);
        if (!dangling)
            assert_true(tm_file_write(target, "old", 3, NULL));
        assert_true(tm_file_write(path, "new", 3, &changed));
        assert_true(changed);
        assert_holds(made, path, "new", 3);
        assert_int_equal(lstat(path, &status), 0);
        assert_true(S_ISREG(status.st_mode));
        assert_int_equal(status.st_nlink, 1);
        if (dangling)
            assert_int_equal(access(target, F_OK), -1);
        else
            assert_holds(made, target, "old", 3);
    }
    const char *names[] = {"link", "target"};
    assert_lists(made, made->folder, names, 2);
}

static void test_failed_writes_leave_errno_and_nothing_else(void **state) {
    fixture *made = *state;
    bool changed = true;
    assert_true(tm_file_write(inside(made, "file"), "x", 1, NULL));
    errno = 0;
    assert_false(tm_file_write(inside(made, "file/below"), "x", 1, &changed));
    assert_int_equal(errno, ENOTDIR);
    assert_false(changed);
    /* The last step, the rename onto a folder that is not empty, fails. */
    assert_true(tm_file_write(inside(made, "folder/child"), "x", 1, NULL));
    errno = 0;
    assert_false(tm_file_write(inside(made, "folder"), "x", 1, &changed));
    assert_int_equal(errno, EISDIR);
    /* A folder that nobody can make. */
    errno = 0;
    assert_false(tm_file_write("/proc/tracemill/file", "x", 1, &changed));
    assert_int_equal(errno, ENOENT);
    const char *names[] = {"file", "folder"};
    assert_lists(made, made->folder, names, 2);
}

static void test_pipes_and_devices_stay(void **state) {
    fixture *made = *state;
    const char *path = inside(made, "pipe");
    assert_int_equal(mkfifo(path, 0600), 0);
    int end = open(path, O_RDONLY | O_NONBLOCK);
    assert_true(end >= 0);
    bool changed = false;
    assert_true(tm_file_write(path, "text", 4, &changed));
    assert_true(changed);
    char got[8];
    assert_int_equal(read(end, got, sizeof(got)), 4);
    assert_memory_equal(got, "text", 4);
    close(end);
    struct stat info;
    assert_int_equal(lstat(path, &info), 0);
    assert_true(S_ISFIFO(info.st_mode));
    /* As /dev/full, which a fault here would replace; only root can make it. */
    const char *full = inside(made, "full");
    if (mknod(full, S_IFCHR | 0600, makedev(1, 7)) != 0 || access(full, W_OK) != 0)
        return;
    errno = 0;
    bool good = tm_file_write(full, "text", 4, &changed);
    assert_false(good);
    assert_int_equal(errno, ENOSPC);
    assert_int_equal(lstat(full, &info), 0);
    assert_true(S_ISCHR(info.st_mode));
}

static void test_read_only_folder(void **state) {
    fixture *made = *state;
    assert_int_equal(chmod(made->folder, 0555), 0);
    /* Permissions do not bind root. */
    bool was_root = geteuid() == 0;
    if (was_root && seteuid(65534) != 0) {
        print_message("SKIPPED: root cannot become another user here\n");
        skip();
    }
    errno = 0;
    bool good = tm_file_write(inside(made, "file"), "x", 1, NULL);
    int reason = errno;
    errno = 0;
    bool below = tm_file_write(inside(made, "new/file"), "x", 1, NULL);
    int reason_below = errno;
    if (was_root)
        assert_int_equal(seteuid(0), 0);
    assert_int_equal(chmod(made->folder, 0755), 0);
    assert_false(good);
    assert_int_equal(reason, EACCES);
    assert_false(below);
    assert_int_equal(reason_below, EACCES);
    assert_lists(made, made->folder, NULL, 0);
}

static void test_refuses_what_is_no_file(void **state) {
    fixture *made = *state;
    errno = 0;
    assert_null(tm_file_read(made->arena, made->folder));
    assert_int_equal(errno, EISDIR);
    errno = 0;
    assert_null(tm_file_read(made->arena, inside(made, "missing")));
    assert_int_equal(errno, ENOENT);
    char *pipe_path = inside(made, "pipe");
    assert_int_equal(mkfifo(pipe_path, 0600), 0);
    errno = 0;
    assert_null(tm_file_read(made->arena, pipe_path));
    assert_int_equal(errno, EINVAL);
    errno = 0;
    assert_null(tm_file_read(made->arena, "/dev/null"));
    assert_int_equal(errno, EINVAL);
    /* A hole takes no space on disk. */
    char *huge = inside(made, "huge");
    assert_true(tm_file_write(huge, "", 0, NULL));
    assert_int_equal(truncate(huge, (off_t)TM_FILE_LIMIT_BYTES + 1), 0);
    errno = 0;
    assert_null(tm_file_read(made->arena, huge));
    assert_int_equal(errno, EFBIG);
}

static void test_reads_files_that_hide_their_size(void **state) {
    fixture *made = *state;
    struct stat status;
    if (stat("/proc/self/maps", &status) != 0)
        skip();
    assert_int_equal(status.st_size, 0);
    const tm_source *source = tm_file_read(made->arena, "/proc/self/maps");
    assert_non_null(source);
    assert_true(source->length > 100);
    assert_int_equal(strlen(source->text), source->length);
}

static void test_lists_sorted_without_hidden_ones(void **state) {
    fixture *made = *state;
    /* More than the first capacity of the list. */
    for (int i = 39; i >= 0; i--)
        assert_true(tm_file_write(inside(made, tm_arena_format(made->arena, "many/f%02d", i)), "",
                                  0, NULL));
    size_t count;
    const tm_file_entry *many = tm_file_list(made->arena, inside(made, "many"), &count);
    assert_int_equal(count, 40);
    for (size_t i = 0; i < count; i++) {
        assert_string_equal(many[i].name, tm_arena_format(made->arena, "f%02zu", i));
        assert_false(many[i].is_folder);
    }
    assert_int_equal(symlink("many", inside(made, "link")), 0);
    assert_int_equal(symlink("nowhere", inside(made, "broken")), 0);
    assert_true(tm_file_write(inside(made, ".hidden"), "", 0, NULL));
    const char *names[] = {"broken", "link", "many"};
    assert_lists(made, made->folder, names, 3);
    const tm_file_entry *entries = tm_file_list(made->arena, made->folder, &count);
    assert_false(entries[0].is_folder);
    assert_true(entries[1].is_folder);
    assert_true(entries[2].is_folder);

    count = 7;
    errno = 0;
    assert_null(tm_file_list(made->arena, inside(made, "missing"), &count));
    assert_int_equal(errno, ENOENT);
    assert_int_equal(count, 0);
}

static void test_joins(void **state) {
    fixture *made = *state;
    assert_string_equal(tm_file_join(made->arena, "a", "b"), "a/b");
    assert_string_equal(tm_file_join(made->arena, "a/", "b"), "a/b");
    assert_string_equal(tm_file_join(made->arena, "/", "b"), "/b");
    assert_string_equal(tm_file_join(made->arena, "", "b"), "b");
    assert_string_equal(tm_file_join(made->arena, ".", "b"), "b");
    assert_string_equal(tm_file_join(made->arena, "..", "b"), "../b");
    assert_string_equal(tm_file_join(made->arena, "a", "/b"), "/b");
}

static void test_nearest_is_what_a_new_file_changes(void **state) {
    fixture *made = *state;
    assert_true(tm_file_write(inside(made, "a/b.txt"), "", 0, NULL));
    assert_string_equal(tm_file_nearest(made->arena, inside(made, "a/b.txt")),
                        inside(made, "a/b.txt"));
    assert_string_equal(tm_file_nearest(made->arena, inside(made, "a/c.txt")), inside(made, "a"));
    assert_string_equal(tm_file_nearest(made->arena, inside(made, "a/d/e/f.txt")),
                        inside(made, "a"));
    assert_string_equal(tm_file_nearest(made->arena, inside(made, "g/h")), made->folder);
    assert_string_equal(tm_file_nearest(made->arena, "/no-such-folder/x"), "/");
    assert_string_equal(tm_file_nearest(made->arena, "no-such-folder/x"), ".");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_writes_what_it_reads, setup, teardown),
        cmocka_unit_test_setup_teardown(test_clears_up_behind_the_killed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_equal_content_stays_untouched, setup, teardown),
        cmocka_unit_test_setup_teardown(test_replaces_a_link, setup, teardown),
        cmocka_unit_test_setup_teardown(test_failed_writes_leave_errno_and_nothing_else, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_pipes_and_devices_stay, setup, teardown),
        cmocka_unit_test_setup_teardown(test_read_only_folder, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refuses_what_is_no_file, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reads_files_that_hide_their_size, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lists_sorted_without_hidden_ones, setup, teardown),
        cmocka_unit_test_setup_teardown(test_joins, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nearest_is_what_a_new_file_changes, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
