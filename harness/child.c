#include "harness/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* File descriptors as the worker finds them. */
#define WORKER_SOCKET 3
#define WORKER_MEMORY 4

uint64_t tm_clock_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* In the new process: only async-signal-safe calls. */
static void become_worker(const char *worker, int socket_fd, int memfd, int output, pid_t judge) {
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != judge)
        _exit(127);
    struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    int nothing = open("/dev/null", O_RDONLY);
    int high_socket = fcntl(socket_fd, F_DUPFD, 10), high_memory = fcntl(memfd, F_DUPFD, 10);
    int high_output = fcntl(output, F_DUPFD, 10);
    dup2(nothing, STDIN_FILENO);
    dup2(high_output, STDOUT_FILENO);
    dup2(high_output, STDERR_FILENO);
    dup2(high_socket, WORKER_SOCKET);
    dup2(high_memory, WORKER_MEMORY);
    close_range(WORKER_MEMORY + 1, ~0u, 0);
    execl(worker, worker, "--serve", (char *)NULL);
    static const char message[] = "tm-worker cannot be started\n";
    if (write(STDERR_FILENO, message, sizeof message - 1) < 0)
        _exit(126);
    _exit(127);
}

bool tm_child_start(tm_child *child, const char *worker, int memfd) {
    int sockets[2] = {-1, -1}, output[2] = {-1, -1};
    pid_t judge = getpid();
    *child = (tm_child){.socket = -1, .output = -1};
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) != 0 ||
        pipe2(output, O_CLOEXEC) != 0)
        goto fail;
    child->pid = fork();
    if (child->pid == 0)
        become_worker(worker, sockets[1], memfd, output[1], judge);
    if (child->pid < 0)
        goto fail;
    setpgid(child->pid, child->pid); /* both sides: whichever comes first */
    close(sockets[1]);
    close(output[1]);
    child->socket = sockets[0];
    child->output = output[0];
    fcntl(child->output, F_SETFL, O_NONBLOCK);
    return true;
fail:
    for (int i = 0; i < 2; i++) {
        if (sockets[i] >= 0)
            close(sockets[i]);
        if (output[i] >= 0)
            close(output[i]);
    }
    child->pid = 0;
    return false;
}

/* Takes what is in the pipe, at most 1 MiB at a time; false at its end. */
static bool drain(tm_child *child) {
    char buffer[65536];
    for (int i = 0; i < 16; i++) {
        ssize_t got = read(child->output, buffer, sizeof buffer);
        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR))
            return false;
        if (got < 0)
            return true;
        size_t room = TM_CHILD_LOG_BYTES - child->log.length, take = (size_t)got;
        take = take < room ? take : room;
        tm_text_add_bytes(&child->log, buffer, take);
        child->dropped_bytes += (size_t)got - take;
    }
    return true;
}

/* Waits for the end of a process that is gone or about to be. */
static tm_child_outcome reap(tm_child *child, int *code) {
    int status = 0;
    kill(-child->pid, SIGKILL); /* what it left behind; the leader's own status stays as it was */
    while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
        ;
    child->pid = 0;
    drain(child);
    *code = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
    return WIFSIGNALED(status) ? TM_CHILD_KILLED : TM_CHILD_EXITED;
}

/* The worker closed its socket: it is ending. Gives it a moment to end by itself, so that its own
 * exit status or signal is what is reported. */
static tm_child_outcome collect(tm_child *child, int *code) {
    uint64_t deadline = tm_clock_ns() + 2000000000u;
    siginfo_t info = {0};
    while (tm_clock_ns() < deadline) {
        drain(child);
        if (waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 &&
            info.si_pid == child->pid)
            break;
        poll(NULL, 0, 1);
    }
    return reap(child, code);
}

tm_child_outcome tm_child_ask(tm_child *child, const tm_request *request, tm_reply *reply,
                              uint64_t deadline_ns, int *code) {
    *code = 0;
    if (send(child->socket, request, sizeof *request, MSG_NOSIGNAL) != (ssize_t)sizeof *request)
        return collect(child, code);
    bool output_open = true;
    for (;;) {
        uint64_t now = tm_clock_ns();
        if (now >= deadline_ns) {
            reap(child, code);
            return TM_CHILD_TIMED_OUT;
        }
        uint64_t left_ms = (deadline_ns - now) / 1000000u + 1;
        struct pollfd fds[2] = {{child->socket, POLLIN, 0}, {child->output, POLLIN, 0}};
        poll(fds, output_open ? 2 : 1, left_ms > 1000 ? 1000 : (int)left_ms);
        if (output_open && fds[1].revents)
            output_open = drain(child);
        if (!fds[0].revents)
            continue;
        ssize_t got = recv(child->socket, reply, sizeof *reply, MSG_DONTWAIT);
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            continue;
        if (got != (ssize_t)sizeof *reply)
            return collect(child, code);
        reply->message[sizeof reply->message - 1] = '\0';
        drain(child);
        return TM_CHILD_REPLIED;
    }
}

void tm_child_end(tm_child *child) {
    if (child->pid > 0) {
        int code;
        reap(child, &code);
    }
    if (child->socket >= 0)
        close(child->socket);
    if (child->output >= 0)
        close(child->output);
    child->socket = child->output = -1;
}

void tm_child_free(tm_child *child) {
    tm_child_end(child);
    tm_text_free(&child->log);
}
