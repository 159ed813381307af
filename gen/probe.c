#include "gen/probe.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "gen/confine.h"
#include "gen/signature.h"
#include "lib/processes.h"
#include "lib/symbols.h"
#include "lib/text.h"
#include "lib/tvm_ffi.h"

#define PROBE_SECONDS 10
#define MAX_ANSWER 65536
#define ANSWER 3 /* the descriptor */
#define NO_ENTRY 'n'
#define MESSAGE 'm' /* and the message */

static int64_t now_ms(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

/* What comes within the time and the size; the rest of a longer answer is of no use. */
static void read_answer(int from, tm_text *answer) {
    int64_t end = now_ms() + PROBE_SECONDS * 1000;
    for (int64_t rest; (rest = end - now_ms()) > 0 && answer->length < MAX_ANSWER;) {
        struct pollfd one = {.fd = from, .events = POLLIN};
        if (poll(&one, 1, (int)rest) <= 0)
            continue;
        char bytes[4096];
        ssize_t got = read(from, bytes, sizeof bytes);
        if (got <= 0)
            return;
        tm_text_add_bytes(answer, bytes, (size_t)got);
    }
}

/* Starts the process of its own; -1 when that fails. */
static pid_t start(const tm_probe *probe, const char *object, int to) {
    const char *words[] = {
        "tm-cc",      "--probe", probe->library, probe->driver ? probe->driver : "", object,
        probe->entry, NULL};
    /* Where libraries are, and nothing else of the environment. */
    const char *folders = getenv("LD_LIBRARY_PATH");
    tm_text kept = {0};
    tm_text_format(&kept, "LD_LIBRARY_PATH=%s", folders ? folders : "");
    const char *environment[] = {"CUDA_VISIBLE_DEVICES=", folders ? tm_text_get(&kept) : NULL,
                                 NULL};
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, to, ANSWER);
    posix_spawnattr_t attributes;
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    pid_t pid = -1;
    if (posix_spawn(&pid, "/proc/self/exe", &actions, &attributes, (char *const *)words,
                    (char *const *)environment))
        pid = -1;
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    tm_text_free(&kept);
    return pid;
}

/* Ends the process of its own, and what it has started: neither need be where it was put. */
static void end(pid_t pid) {
    kill(-pid, SIGKILL);
    kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
    tm_processes_end_orphans(NULL, 0);
}

const char *tm_probe_ask(const tm_probe *probe, const char *object, tm_arena *arena) {
    int ends[2];
    char why[512];
    if (tm_symbols_refused(object, why, sizeof why)) /* its cells say so */
        return NULL;
    if (pipe2(ends, O_CLOEXEC) != 0)
        return NULL;
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    pid_t pid = start(probe, object, ends[1]);
    close(ends[1]);
    tm_text answer = {0};
    if (pid > 0) {
        read_answer(ends[0], &answer);
        end(pid);
    }
    prctl(PR_SET_CHILD_SUBREAPER, 0);
    close(ends[0]);
    const char *words = NULL, *text = tm_text_get(&answer);
    const char *wanted =
        tm_signature_wanted(arena, probe->entry, probe->signature, probe->destination_passing);
    if (text[0] == NO_ENTRY)
        words = tm_arena_format(arena,
                                "expected a function that is exported as \"%s\", got none; write "
                                "TVM_FFI_DLL_EXPORT_TYPED_FUNC(%s, ...)\n  definition: %s\n",
                                probe->entry, probe->entry, wanted);
    else if (text[0] == MESSAGE)
        words =
            tm_signature_mismatch(arena, probe->entry, probe->signature, probe->destination_passing,
                                  tm_arena_copy(arena, text + 1, answer.length - 1));
    tm_text_free(&answer);
    return words ? tm_arena_format(arena, "error: %s: %s", probe->entry, words) : NULL;
}

/* ---- the process of its own ---- */

/* Loads a solution; one for a GPU also where the driver is not. */
static void *load(const char *object, const char *driver) {
    void *handle = dlopen(object, RTLD_NOW | RTLD_LOCAL);
    if (handle || !*driver)
        return handle;
    dlopen(driver, RTLD_LAZY | RTLD_GLOBAL); /* has the name that the solution asks for */
    return dlopen(object, RTLD_NOW | RTLD_LOCAL);
}

static void answer_with(char what, const char *text, size_t length) {
    ssize_t written = write(ANSWER, &what, 1);
    for (size_t at = 0; written > 0 && at < length; at += (size_t)written)
        written = write(ANSWER, text + at, length - at);
}

int tm_probe_child(char **words) {
    const char *library = words[0], *driver = words[1], *object = words[2], *entry = words[3];
    const struct rlimit time = {PROBE_SECONDS, PROBE_SECONDS}, none = {0, 0};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setrlimit(RLIMIT_CPU, &time);
    setrlimit(RLIMIT_CORE, &none);
    setrlimit(RLIMIT_FSIZE, &none); /* of files; not of the pipe */
    signal(SIGXFSZ, SIG_IGN);       /* a log that cannot be written is no reason to say nothing */
    syscall(SYS_close_range, ANSWER + 1, ~0U, 0);
    tm_confine_self();
    void *ffi = dlopen(library, RTLD_NOW | RTLD_GLOBAL);
    void (*take_error)(void **) =
        ffi ? (void (*)(void **))dlsym(ffi, "TVMFFIErrorMoveFromRaised") : NULL;
    void *solution = take_error ? load(object, driver) : NULL;
    if (!solution)
        return 1;
    char symbol[512];
    snprintf(symbol, sizeof symbol, TM_FFI_SYMBOL_PREFIX "%s", entry);
    tm_ffi_call call = (tm_ffi_call)dlsym(solution, symbol);
    if (!call) {
        answer_with(NO_ENTRY, "", 0);
        return 0;
    }
    /* A function that does not look at their number finds nothing, in all of them. */
    const tm_ffi_any nothing[64] = {{.type = TM_FFI_NONE}};
    tm_ffi_any result = {.type = TM_FFI_NONE};
    void *raised = NULL;
    if (call(NULL, nothing, 0, &result) == -1)
        take_error(&raised);
    if (raised) {
        const tm_ffi_bytes *message = &((const tm_ffi_error *)raised)->message;
        answer_with(MESSAGE, message->data, message->size);
    }
    _exit(0); /* what a solution does at its end is of no interest */
}
