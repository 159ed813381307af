#include "harness/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness/keeper.h"
#include "harness/message.h"

uint64_t tm_clock_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* When memory runs out, a worker goes before anything else on the machine does. */
static void volunteer_for_the_oom_killer(void) {
    int file = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (file < 0)
        return; /* no /proc: nothing to be done about it */
    ssize_t put = write(file, "1000", 4);
    (void)put;
    close(file);
}

/* In the new process: only async-signal-safe calls. */
static void become_worker(const char *worker, int socket_fd, int desk, int output, pid_t judge,
                          uint64_t memory_bytes) {
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != judge)
        _exit(127);
    struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    struct rlimit data;
    if (memory_bytes && getrlimit(RLIMIT_DATA, &data) == 0 && data.rlim_max > memory_bytes) {
        data.rlim_cur = data.rlim_max = (rlim_t)memory_bytes;
        setrlimit(RLIMIT_DATA, &data);
    }
    int nothing = open("/dev/null", O_RDONLY);
    int high_socket = fcntl(socket_fd, F_DUPFD, 10), high_desk = fcntl(desk, F_DUPFD, 10);
    int high_output = fcntl(output, F_DUPFD, 10);
    dup2(nothing, STDIN_FILENO);
    dup2(high_output, STDOUT_FILENO);
    dup2(high_output, STDERR_FILENO);
    dup2(high_socket, TM_WORKER_SOCKET);
    dup2(high_desk, TM_WORKER_DESK);
    close_range(TM_WORKER_DESK + 1, ~0u, 0);
    prctl(PR_SET_DUMPABLE, 1); /* else /proc/self is not this user's; nothing to hide is left */
    volunteer_for_the_oom_killer();
    execl(worker, worker, "--serve", (char *)NULL);
    static const char message[] = "tm-worker cannot be started\n";
    if (write(STDERR_FILENO, message, sizeof message - 1) < 0)
        _exit(126);
    _exit(127);
}

bool tm_child_start(tm_child *child, const char *worker, uint64_t memory_bytes) {
    int sockets[2] = {-1, -1}, output[2] = {-1, -1};
    pid_t judge = getpid();
    *child = TM_CHILD_NONE;
    prctl(PR_SET_CHILD_SUBREAPER, 1); /* for tm_processes_end_orphans */
    if (!tm_memory_make(&child->desk, "tracemill-desk", sizeof(tm_desk)) ||
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) != 0 ||
        pipe2(output, O_CLOEXEC) != 0)
        goto fail;
    child->pid = fork();
    if (child->pid == 0)
        become_worker(worker, sockets[1], child->desk.memfd, output[1], judge, memory_bytes);
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
    tm_memory_close(&child->desk);
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
    if (child->output < 0)
        return false;
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

bool tm_child_wait(tm_child *child, uint64_t wait_ns, tm_child_outcome *how, int *code) {
    uint64_t deadline = tm_clock_ns() + wait_ns;
    siginfo_t info = {0};
    while (waitid(P_PID, (id_t)child->pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
           info.si_pid != child->pid) {
        if (tm_clock_ns() >= deadline)
            return false;
        poll(NULL, 0, 1);
    }
    int status = 0;
    kill(-child->pid, SIGKILL); /* what it left behind; the leader's own status stays as it was */
    while (waitpid(child->pid, &status, 0) < 0 && errno == EINTR)
        ;
    child->pid = 0;
    *code = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
    *how = WIFSIGNALED(status) ? TM_CHILD_KILLED : TM_CHILD_EXITED;
    return true;
}

/* Has the keeper end its worker, at once or after a moment, and say how that was. */
static tm_child_outcome reap_borrowed(tm_child *child, bool at_once, int *code) {
    tm_child_outcome how = TM_CHILD_KILLED;
    *code = SIGKILL; /* the keeper is gone, and took it along */
    drain(child);    /* a full pipe would keep it from ending */
    tm_keeper_reap(child, at_once, &how, code);
    child->pid = 0;
    drain(child);
    return how;
}

/* Ends a worker, and waits for it. */
static tm_child_outcome reap(tm_child *child, int *code) {
    tm_child_outcome how = TM_CHILD_ASTRAY;
    *code = 0;
    if (child->pid <= 0)
        return how;
    if (child->keeper >= 0)
        return reap_borrowed(child, true, code);
    kill(-child->pid, SIGKILL);
    tm_child_wait(child, TM_CHILD_ENDING_NS, &how, code);
    drain(child);
    return how;
}

/* The worker closed its socket: most likely it is ending. Gives it a moment to end by itself, so
 * that its own exit status or signal is what is reported. */
static tm_child_outcome collect(tm_child *child, int *code) {
    tm_child_outcome how = TM_CHILD_ASTRAY;
    uint64_t deadline = tm_clock_ns() + TM_CHILD_ENDING_NS;
    if (child->pid > 0 && child->keeper >= 0)
        how = reap_borrowed(child, false, code);
    else {
        bool ended = false;
        while (child->pid > 0 && !ended && tm_clock_ns() < deadline) {
            drain(child);
            ended = tm_child_wait(child, 1000000, &how, code);
        }
        drain(child);
        if (!ended) {
            reap(child, code);
            return TM_CHILD_ASTRAY;
        }
    }
    return how == TM_CHILD_EXITED && *code == TM_WORKER_CUT_OFF ? TM_CHILD_ASTRAY : how;
}

tm_child_outcome tm_child_ask(tm_child *child, tm_request *request, int attached, tm_reply *reply,
                              uint64_t deadline_ns, int *code) {
    *code = 0;
    /* Nobody can answer what has not been asked yet. */
    if (getrandom(&request->number, sizeof request->number, 0) != sizeof request->number)
        abort();
    if (!tm_message_send(child->socket, request, sizeof *request, &attached, attached >= 0))
        return collect(child, code);
    bool output_open = child->output >= 0;
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
        ssize_t got = tm_message_receive(child->socket, reply, sizeof *reply, NULL, MSG_DONTWAIT);
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            continue;
        bool closed = got < 0 || (got == 0 && fds[0].revents & (POLLHUP | POLLERR));
        if (closed)
            return collect(child, code);
        if (got != (ssize_t)sizeof *reply || reply->number != request->number) {
            reap(child, code);
            return TM_CHILD_ASTRAY;
        }
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
    tm_memory_close(&child->desk);
    tm_memory_close(&child->delivery);
}
