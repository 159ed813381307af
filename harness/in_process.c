#include "harness/in_process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* In the process that the user started; does not return. */
static void become_worker(const char *worker, int socket_fd, int desk) {
    int high_socket = fcntl(socket_fd, F_DUPFD, 10), high_desk = fcntl(desk, F_DUPFD, 10);
    dup2(high_socket, TM_WORKER_SOCKET);
    dup2(high_desk, TM_WORKER_DESK);
    close(high_socket);
    close(high_desk);
    execl(worker, worker, "--serve", (char *)NULL);
    fprintf(stderr, "tracemill: error: %s: %s\n", worker, strerror(errno));
    _exit(3);
}

bool tm_in_process_start(tm_child *child, const char *worker) {
    int sockets[2];
    *child = TM_CHILD_NONE;
    if (!tm_memory_make(&child->desk, "tracemill-desk", sizeof(tm_desk)) ||
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) != 0)
        return false;
    fflush(NULL);
    pid_t judge = fork();
    if (judge > 0)
        become_worker(worker, sockets[1], child->desk.memfd);
    close(sockets[1]);
    if (judge < 0) {
        close(sockets[0]);
        return false;
    }
    signal(SIGINT, SIG_IGN); /* it is meant for the debugger; the socket says when all is over */
    child->socket = sockets[0];
    return true;
}

void tm_in_process_end(tm_child *child, int status) {
    const tm_request quit = {.kind = TM_REQUEST_QUIT, .status = status};
    fflush(NULL); /* the verdict before the prompt */
    ssize_t put = send(child->socket, &quit, sizeof quit, MSG_NOSIGNAL);
    (void)put; /* it may have ended already, in its own way */
}
