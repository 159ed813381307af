/* tm-cc: compiles the sources of one solution into one shared object, for a build edge.
 *
 * A source that does not compile is data, not a failed build: the output is then a text that begins
 * with TM_COMPILE_ERROR and carries the compiler's words, and the exit status is 0. A compiler that
 * was killed has said nothing about its source: that fails. An output whose bytes did not change
 * keeps its time stamp, so that nothing after it runs again.
 *
 *   tm-cc --output=X.so --entry=SYMBOL --entry-index=N CONTRACT [--lock=FILE]
 *         [--ignore-headers=PREFIX] --c=CMD --cpp=CMD --cu=CMD --link=CMD [--link-depends=FLAG]
 *         SOURCE... -- [COMPILE FLAG...] -- [LINK FLAG...]
 *   tm-cc [--lock=FILE] --run COMMAND...     any other compile, kept apart from timed CPU cells
 *   tm-cc --probe ...                        gen/probe.h
 *
 * CONTRACT is --contract=DIR, or, of the tvm-ffi binding, --tvm-ffi=LIBRARY --signature=TEXT
 * --style=arguments|return [--driver=LIBRARY]: a function that takes something else than its
 * definition has is a source that does not compile.
 *
 * Exit status: 0, 2 bad usage, 3 the compiler could not be started or was killed, or a file could
 * not be written. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "gen/depfile.h"
#include "gen/libraries.h"
#include "gen/probe.h"
#include "gen/stopped.h"
#include "lib/arena.h"
#include "lib/file.h"
#include "lib/flag.h"
#include "lib/marker.h"
#include "lib/solution.h"
#include "lib/text.h"

extern char **environ;

typedef struct {
    const char *output, *contract, *entry, *entry_index, *lock, *ignore_headers;
    const char *c, *cpp, *cu, *link;
    /* of a tvm-ffi solution: what is asked of its function; NULL: nothing */
    const char *tvm_ffi, *driver, *signature, *style;
    const char *link_depends; /* with a file behind it: the linker lists there what it reads */
    char **sources, **flags, **links;
    int source_count, flag_count, link_count;
    char **run; /* NULL-terminated, for --run */
} arguments;

typedef struct {
    const char *words[TM_MAX_FILES + TM_MAX_FLAGS + 256]; /* and configure's */
    size_t count;
} command;

static void add(command *cmd, const char *word) {
    if (cmd->count + 1 < sizeof cmd->words / sizeof *cmd->words)
        cmd->words[cmd->count++] = word;
}

static void add_words(command *cmd, tm_arena *arena, const char *text) {
    while (*(text += strspn(text, " "))) {
        size_t length = strcspn(text, " ");
        add(cmd, tm_arena_copy(arena, text, length));
        text += length;
    }
}

static bool parse(arguments *args, int argc, char **argv) {
    struct {
        const char *name;
        const char **value;
    } options[] = {{"output", &args->output},
                   {"contract", &args->contract},
                   {"entry", &args->entry},
                   {"entry-index", &args->entry_index},
                   {"lock", &args->lock},
                   {"ignore-headers", &args->ignore_headers},
                   {"c", &args->c},
                   {"cpp", &args->cpp},
                   {"cu", &args->cu},
                   {"link", &args->link},
                   {"link-depends", &args->link_depends},
                   {"tvm-ffi", &args->tvm_ffi},
                   {"driver", &args->driver},
                   {"signature", &args->signature},
                   {"style", &args->style}};
    int i = 1;
    for (; i < argc && strncmp(argv[i], "--", 2) == 0; i++) {
        if (strcmp(argv[i], "--run") == 0) {
            args->run = argv + i + 1;
            return args->run[0] != NULL;
        }
        const char *equals = strchr(argv[i], '=');
        bool known = false;
        for (size_t o = 0; equals && o < sizeof options / sizeof *options; o++)
            if (strncmp(argv[i] + 2, options[o].name, (size_t)(equals - argv[i]) - 2) == 0 &&
                options[o].name[equals - argv[i] - 2] == '\0') {
                *options[o].value = equals + 1;
                known = true;
            }
        if (!known)
            return false;
    }
    char ***lists[] = {&args->sources, &args->flags, &args->links};
    int *counts[] = {&args->source_count, &args->flag_count, &args->link_count};
    for (int list = 0; list < 3; list++) {
        *lists[list] = argv + i;
        for (; i < argc && strcmp(argv[i], "--") != 0; i++)
            (*counts[list])++;
        i += i < argc;
    }
    bool is_ffi = args->tvm_ffi && args->signature && args->style;
    return args->output && (args->contract ? !is_ffi : is_ffi) && args->entry &&
           args->entry_index && args->c && args->cpp && args->cu && args->link &&
           args->source_count > 0 && i == argc;
}

/* Runs a command with its words going to `log` (or nowhere else for -1). Returns the exit status,
 * or -1 with errno when it could not be started. */
static int run(const command *cmd, int log) {
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    if (log >= 0) {
        posix_spawn_file_actions_adddup2(&actions, log, STDOUT_FILENO);
        posix_spawn_file_actions_adddup2(&actions, log, STDERR_FILENO);
    }
    pid_t pid;
    int error =
        posix_spawnp(&pid, cmd->words[0], &actions, NULL, (char *const *)cmd->words, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error) {
        errno = error;
        return -1;
    }
    int status;
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR)
            return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static const char *folder_of(tm_arena *arena, const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? tm_arena_copy(arena, path, (size_t)(slash - path)) : ".";
}

static bool holds(const char *const *list, size_t count, const char *entry) {
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i], entry) == 0)
            return true;
    return false;
}

/* Appends the folders in which a header that is not there could appear: seen from each file that
 * was read, and from each -I of the solution. Never the contract's, where tm-gen writes. */
static void add_missing(tm_text *out, tm_arena *arena, const arguments *args,
                        const char *const *read, size_t read_count, const char *missing) {
    const char **folders =
        tm_arena_array(arena, read_count + (size_t)args->flag_count, sizeof *folders);
    size_t count = 0;
    for (size_t i = 0; i < read_count + (size_t)args->flag_count; i++) {
        const char *flag = i < read_count ? NULL : args->flags[i - read_count];
        if (flag && (strncmp(flag, "-I", 2) != 0 || !flag[2]))
            continue;
        const char *folder = flag ? flag + 2 : folder_of(arena, read[i]);
        if (args->contract && strcmp(folder, args->contract) == 0)
            continue;
        const char *place = tm_file_nearest(arena, tm_file_join(arena, folder, missing));
        if (!holds(folders, count, place))
            tm_depfile_add(out, folders[count++] = place);
    }
}

/* Appends the prerequisites of a compiler's depfile, without the target and without headers of the
 * toolkit, which the toolchain stands for. A prerequisite that is not there (the preprocessor was
 * told to go on without it) becomes the folders that it is missed in: ninja runs an edge again and
 * again whose input is missing. */
static void merge_depfile(tm_text *out, tm_arena *arena, const arguments *args, const char *path) {
    const tm_source *source = tm_file_read(arena, path);
    const char *at = source ? strchr(source->text, ':') : NULL;
    if (!at)
        return;
    const char **read = tm_arena_array(arena, source->length, sizeof *read);
    const char **missing = tm_arena_array(arena, source->length, sizeof *missing);
    size_t read_count = 0, missing_count = 0;
    const char *ignored = args->ignore_headers;
    at++;
    for (const char *file; (file = tm_depfile_next(arena, &at));) {
        if (ignored && *ignored && strncmp(file, ignored, strlen(ignored)) == 0)
            continue;
        if (access(file, F_OK) != 0) {
            missing[missing_count++] = file;
            continue;
        }
        tm_depfile_add(out, file);
        read[read_count++] = file;
    }
    for (size_t i = 0; i < missing_count; i++)
        add_missing(out, arena, args, read, read_count, missing[i]);
}

static const char *compiler_for(const arguments *args, const char *source) {
    const char *dot = strrchr(source, '.');
    if (dot && strcmp(dot, ".cu") == 0)
        return args->cu;
    return dot && strcmp(dot, ".c") == 0 ? args->c : args->cpp;
}

/* Asks the preprocessor alone which headers a source reads, with those that are not there. */
static void list_headers(const command *base, tm_arena *arena, const char *source,
                         const char *depfile) {
    const char *const host[] = {"-MM", "-MG", "-MF", depfile, source};
    /* nvcc does not know -MG, and its own -M leaves no file after an #error. */
    const char *const nvcc[] = {
        "-E", "-Xcompiler", tm_arena_format(arena, "-MM,-MG,-MF,%s", depfile),
        "-o", "/dev/null",  source};
    command cmd = *base;
    for (size_t i = 0; i < sizeof host / sizeof *host; i++)
        add(&cmd, host[i]);
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
    run(&cmd, null);
    if (access(depfile, F_OK) != 0) {
        cmd = *base;
        for (size_t i = 0; i < sizeof nvcc / sizeof *nvcc; i++)
            add(&cmd, nvcc[i]);
        run(&cmd, null);
    }
    close(null);
}

/* Compiles one source to an object; on failure asks for the headers, so that mending any of them
 * runs the edge again. Returns the compiler's exit status. */
static int compile(const arguments *args, tm_arena *arena, int index, const char *object, int log,
                   tm_text *depends) {
    const char *source = args->sources[index];
    const char *depfile = tm_arena_format(arena, "%s.d", object);
    command base = {.count = 0};
    add_words(&base, arena, compiler_for(args, source));
    if (args->contract) {
        add(&base, tm_arena_format(arena, "-I%s", args->contract));
        add(&base, tm_arena_format(arena, "-DTM_ENTRY=%s", args->entry));
    }
    if (args->contract && index == atoi(args->entry_index)) {
        add(&base, "-DTM_DEFINE_CALL");
        add(&base, "-include");
        add(&base, tm_arena_format(arena, "%s/contract.h", args->contract));
    }
    for (int i = 0; i < args->flag_count; i++)
        add(&base, args->flags[i]);
    command full = base;
    const char *const rest[] = {"-MMD", "-MF", depfile, "-c", source, "-o", object};
    for (size_t i = 0; i < sizeof rest / sizeof *rest; i++)
        add(&full, rest[i]);
    int status = run(&full, log);
    if (status > 0)
        list_headers(&base, arena, source, depfile);
    merge_depfile(depends, arena, args, depfile);
    unlink(depfile);
    return status;
}

/* Links the objects; `own` is what begins the names of our own. */
static int link_objects(const arguments *args, tm_arena *arena, const char *const *objects,
                        const char *own, int log, tm_text *depends, tm_text *identity) {
    const char *temporary = tm_arena_format(arena, "%s.tmp", own);
    const char *depfile = tm_arena_format(arena, "%s.d", own);
    command cmd = {.count = 0};
    add_words(&cmd, arena, args->link);
    for (int i = 0; i < args->source_count; i++)
        add(&cmd, objects[i]);
    add(&cmd, "-o");
    add(&cmd, temporary);
    for (int i = 0; i < args->link_count; i++)
        add(&cmd, args->links[i]);
    if (args->link_depends && *args->link_depends)
        add(&cmd, tm_arena_format(arena, "%s%s", args->link_depends, depfile));
    int status = run(&cmd, log);
    if (status > 0)
        tm_libraries_add_folders(depends, arena, args->links, args->link_count);
    else
        tm_libraries_add(depends, identity, arena, depfile, own);
    unlink(depfile);
    return status;
}

/* Puts the new bytes in place unless they are the old ones. */
static bool settle(const char *output, const char *bytes, size_t length) {
    return tm_file_write(output, bytes, length, NULL);
}

/* Removes what an earlier tm-cc left beside an output when it was killed: STEM.<pid>.* of processes
 * that are no more. */
static void sweep(tm_arena *arena, const char *stem) {
    const char *slash = strrchr(stem, '/');
    const char *folder = slash ? tm_arena_copy(arena, stem, (size_t)(slash - stem)) : ".";
    const char *base = slash ? slash + 1 : stem;
    size_t length = strlen(base), count;
    const tm_file_entry *entries = tm_file_list(arena, folder, &count);
    for (size_t i = 0; i < count; i++) {
        const char *name = entries[i].name, *dot = strrchr(name, '.');
        if (strncmp(name, base, length) != 0 || name[length] != '.')
            continue;
        char *end;
        long pid = strtol(name + length + 1, &end, 10);
        bool ours = end > name + length + 1 && *end == '.' &&
                    (strcmp(dot, ".o") == 0 || strcmp(dot, ".d") == 0 || strcmp(dot, ".tmp") == 0);
        if (ours && pid > 0 && kill((pid_t)pid, 0) != 0 && errno == ESRCH)
            unlink(tm_file_join(arena, folder, name));
    }
}

/* Settles what was made: the object or, behind a marker, the compiler's words. */
static bool settle_outcome(const arguments *args, const tm_source *made, bool failed,
                           const tm_text *identity) {
    tm_text bytes = {0};
    if (failed)
        tm_text_add(&bytes, TM_COMPILE_ERROR);
    tm_text_add_bytes(&bytes, made->text, made->length);
    if (!failed && identity->length) /* behind the end of the object, where no loader looks */
        tm_text_format(&bytes, "\ntracemill: linked with\n%s", tm_text_get(identity));
    bool good = settle(args->output, bytes.data, bytes.length);
    tm_text_free(&bytes);
    return good;
}

/* Whether the function takes what its definition has: 0, or 1 after words in the log. */
static int check_signature(const arguments *args, tm_arena *arena, const char *object, int log) {
    tm_probe probe = {.library = args->tvm_ffi,
                      .driver = args->driver,
                      .entry = args->entry,
                      .signature = args->signature,
                      .destination_passing = strcmp(args->style, "arguments") == 0};
    const char *words = tm_probe_ask(&probe, object, arena);
    if (!words)
        return 0;
    dprintf(log, "%s: %s", args->sources[atoi(args->entry_index)], words);
    return 1;
}

static int64_t now_ms(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/* How long it took, for the report; nothing depends on it. */
static void note_time(tm_arena *arena, const char *stem, int64_t began_ms) {
    const char *text = tm_arena_format(arena, "%lld\n", (long long)(now_ms() - began_ms));
    tm_file_write(tm_arena_format(arena, "%s.ms", stem), text, strlen(text), NULL);
}

static int build(const arguments *args, tm_arena *arena) {
    int64_t began_ms = now_ms();
    size_t stem_length = strlen(args->output) - strlen(".so");
    const char *stem = tm_arena_copy(arena, args->output, stem_length);
    const char *log_path = tm_arena_format(arena, "%s.log", stem);
    const char *own = tm_arena_format(arena, "%s.%ld", stem, (long)getpid());
    const char *temporary = tm_arena_format(arena, "%s.tmp", own);
    const char **objects = tm_arena_array(arena, (size_t)args->source_count, sizeof *objects);
    tm_text depends = {0}, identity = {0};
    int result = 3, status = 0;
    off_t said = 0; /* where in the log begins what the last command has said */
    tm_file_make_parents(args->output);
    int log = open(log_path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (log < 0) {
        fprintf(stderr, "tm-cc: %s: %s\n", log_path, strerror(errno));
        return 3;
    }
    tm_text_format(&depends, "%s:", args->output);
    for (int i = 0; i < args->source_count && status == 0; i++) {
        objects[i] = tm_arena_format(arena, "%s.%d.o", own, i);
        said = lseek(log, 0, SEEK_END);
        status = compile(args, arena, i, objects[i], log, &depends);
    }
    if (status == 0) {
        said = lseek(log, 0, SEEK_END);
        status = link_objects(args, arena, objects, own, log, &depends, &identity);
    }
    if (status == 0 && args->tvm_ffi) {
        status = check_signature(args, arena, temporary, log);
        said = lseek(log, 0, SEEK_END); /* no command */
    }
    tm_text_add(&depends, "\n");
    if (status < 0) {
        fprintf(stderr, "tm-cc: the compiler could not be started: %s; run ./configure again\n",
                strerror(errno));
        goto out;
    }
    note_time(arena, stem, began_ms);
    const tm_source *made = tm_file_read(arena, status ? log_path : temporary);
    if (!made) {
        fprintf(stderr, "tm-cc: %s: %s\n", status ? log_path : temporary, strerror(errno));
        goto out;
    }
    size_t skipped = (size_t)said < made->length ? (size_t)said : made->length;
    if (status && tm_stopped_by_machine(status, made->text + skipped)) {
        fprintf(stderr, "tm-cc: the compiler was stopped by the machine, not by the source:\n%s",
                made->text);
        goto out;
    }
    result = settle_outcome(args, made, status, &identity) ? 0 : 3;
    if (status)
        fprintf(stdout, "COMPILE_ERROR %s: see %s\n", args->output, log_path);
    const char *depfile = tm_arena_format(arena, "%s.d", args->output);
    if (result || !tm_file_write(depfile, tm_text_get(&depends), depends.length, NULL)) {
        fprintf(stderr, "tm-cc: %s: cannot be written: %s\n", args->output, strerror(errno));
        result = 3;
    }
out:
    for (int i = 0; i < args->source_count && objects[i]; i++)
        unlink(objects[i]);
    unlink(temporary);
    sweep(arena, stem);
    close(log);
    tm_text_free(&depends);
    tm_text_free(&identity);
    return result;
}

int main(int argc, char **argv) {
    arguments args = {0};
    if (argc == 6 && strcmp(argv[1], "--probe") == 0)
        return tm_probe_child(argv + 2);
    if (!parse(&args, argc, argv)) {
        fprintf(stderr, "tm-cc: bad usage; it is called by build.ninja only\n");
        return 2;
    }
    if (args.lock) { /* shared among compiles; a timed CPU cell takes it alone */
        int lock = open(args.lock, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
        if (lock < 0 || flock(lock, LOCK_SH) != 0) {
            fprintf(stderr, "tm-cc: %s: cannot be locked: %s\n", args.lock, strerror(errno));
            return 3;
        }
    }
    if (args.run) {
        command cmd = {.count = 0};
        for (char **word = args.run; *word; word++)
            add(&cmd, *word);
        int status = run(&cmd, -1);
        return status < 0 ? 3 : status;
    }
    tm_arena *arena = tm_arena_create();
    int status = build(&args, arena);
    tm_arena_destroy(arena);
    return status;
}
