#include "harness/keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "harness/message.h"
#include "lib/file.h"

bool tm_identity_of(const char *path, tm_identity *identity) {
    struct stat status;
    if (stat(path, &status) != 0)
        return false;
    *identity = (tm_identity){.device = status.st_dev,
                              .inode = status.st_ino,
                              .bytes = (uint64_t)status.st_size,
                              .modified_ns = (int64_t)status.st_mtim.tv_sec * 1000000000 +
                                             status.st_mtim.tv_nsec};
    return true;
}

/* The address of a socket in a folder whose path may be longer than an address can be. */
static bool address_of(struct sockaddr_un *address, int folder, const char *name) {
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    int length = snprintf(address->sun_path, sizeof address->sun_path, "/proc/self/fd/%d/%s.sock",
                          folder, name);
    return length > 0 && (size_t)length < sizeof address->sun_path;
}

static int connect_to(const struct sockaddr_un *address) {
    const struct timeval patience = {.tv_sec = TM_KEEPER_PATIENCE_S};
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd >= 0) {
        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    }
    if (fd >= 0 && connect(fd, (const struct sockaddr *)address, sizeof *address) != 0) {
        int reason = errno;
        close(fd);
        errno = reason;
        return -1;
    }
    return fd;
}

static bool ask(int keeper, const tm_keeper_request *request, tm_keeper_reply *reply, int *fds) {
    if (!tm_message_send(keeper, request, sizeof *request, NULL, 0))
        return false;
    ssize_t got;
    do /* with a time limit, a stop and a continuation interrupt it */
        got = tm_message_receive(keeper, reply, sizeof *reply, fds, 0);
    while (got < 0 && errno == EINTR);
    if (got != (ssize_t)sizeof *reply) {
        errno = got >= 0 ? ECONNRESET : errno == EAGAIN ? ETIMEDOUT : errno;
        return false;
    }
    return true;
}

static bool is_current(int keeper, const char *program) {
    tm_keeper_request request = {.kind = TM_KEEPER_HELLO};
    tm_keeper_reply reply = {0};
    tm_identity wanted;
    return ask(keeper, &request, &reply, NULL) && tm_identity_of(program, &wanted) &&
           memcmp(&wanted, &reply.identity, sizeof wanted) == 0;
}

/* Ends a keeper and waits until its workers are gone: they are on the device. */
static void dismiss(int keeper) {
    const tm_keeper_request quit = {.kind = TM_KEEPER_QUIT};
    tm_keeper_reply reply = {0};
    ask(keeper, &quit, &reply, NULL);
    close(keeper);
}

/* The keeper is its own session, so that what is sent to a terminal's processes does not reach it,
 * and holds nothing that ninja waits for. */
static bool start(const char *program, int listener, const char *path, const char *backend,
                  const char *uuid) {
    pid_t pid = fork();
    if (pid != 0)
        return pid > 0;
    setsid();
    int nothing = open("/dev/null", O_RDWR);
    int high = fcntl(listener, F_DUPFD, 10);
    for (int fd = 0; fd < 3; fd++)
        dup2(nothing, fd);
    dup2(high, TM_KEEPER_LISTEN);
    close_range(TM_KEEPER_LISTEN + 1, ~0u, 0);
    execl(program, program, path, backend, uuid, (char *)NULL);
    _exit(127);
}

static int start_and_connect(const struct sockaddr_un *address, const char *program,
                             const char *path, const char *backend, const char *uuid) {
    int listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    unlink(path);
    bool good = listener >= 0 &&
                bind(listener, (const struct sockaddr *)address, sizeof *address) == 0 &&
                listen(listener, 8) == 0 && start(program, listener, path, backend, uuid);
    int reason = errno;
    if (listener >= 0)
        close(listener);
    errno = reason;
    return good ? connect_to(address) : -1;
}

int tm_keeper_connect(const char *folder, const char *program, const char *name,
                      const char *backend, const char *uuid) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s.sock", folder, name);
    struct sockaddr_un address;
    int directory = tm_file_make_parents(path) ? open(folder, O_PATH | O_CLOEXEC) : -1;
    if (directory < 0 || !address_of(&address, directory, name))
        return -1;
    int keeper = connect_to(&address);
    if (keeper >= 0 && !is_current(keeper, program)) {
        dismiss(keeper);
        keeper = -1;
    }
    if (keeper < 0) {
        keeper = start_and_connect(&address, program, path, backend, uuid);
        if (keeper >= 0 && !is_current(keeper, program)) {
            close(keeper);
            keeper = -1;
            errno = ECONNREFUSED;
        }
    }
    int reason = errno;
    close(directory);
    errno = reason;
    return keeper;
}

bool tm_keeper_borrow(int keeper, tm_child *child, int side, const char *worker, const char *object,
                      const char *library, int device_index, const char *lock,
                      uint64_t memory_bytes) {
    tm_keeper_request request = {.kind = TM_KEEPER_BORROW,
                                 .side = side,
                                 .device_index = device_index,
                                 .memory_bytes = memory_bytes};
    tm_keeper_reply reply = {0};
    int fds[TM_MESSAGE_MAX_FDS];
    *child = TM_CHILD_NONE;
    snprintf(request.name, sizeof request.name, "%s", object);
    snprintf(request.worker, sizeof request.worker, "%s", worker);
    snprintf(request.lock, sizeof request.lock, "%s", lock);
    if (!tm_identity_of(worker, &request.program) || !tm_identity_of(object, &request.object) ||
        (library && !tm_identity_of(library, &request.library)) ||
        !ask(keeper, &request, &reply, fds))
        return false;
    if (!reply.good) {
        errno = reply.code;
        return false;
    }
    child->pid = reply.pid;
    child->keeper = keeper;
    child->side = side;
    child->socket = fds[0];
    child->output = fds[1];
    return tm_memory_take(&child->desk, fds[2]) &&
           (fds[3] < 0 || tm_memory_take(&child->delivery, fds[3]));
}

void tm_keeper_return(tm_child *child, bool spoilt) {
    const tm_keeper_request request = {
        .kind = TM_KEEPER_RETURN, .side = child->side, .force = spoilt};
    bool has_new = child->delivery_is_new && child->delivery.memfd >= 0;
    tm_message_send(child->keeper, &request, sizeof request, &child->delivery.memfd, has_new);
    child->pid = 0;
}

bool tm_keeper_reap(const tm_child *child, bool at_once, tm_child_outcome *how, int *code) {
    const tm_keeper_request request = {
        .kind = TM_KEEPER_REAP, .side = child->side, .force = at_once};
    tm_keeper_reply reply = {0};
    if (!ask(child->keeper, &request, &reply, NULL))
        return false;
    *how = (tm_child_outcome)reply.how;
    *code = reply.code;
    return true;
}

int tm_keeper_recall(int keeper, const char *row, uint64_t stamp, int64_t after_ns, bool *is_old) {
    tm_keeper_request request = {.kind = TM_KEEPER_RECALL, .stamp = stamp, .after_ns = after_ns};
    tm_keeper_reply reply = {0};
    int fds[TM_MESSAGE_MAX_FDS];
    snprintf(request.name, sizeof request.name, "%s", row);
    if (!ask(keeper, &request, &reply, fds))
        return -1;
    *is_old = reply.code == 1;
    return fds[0];
}

void tm_keeper_store(int keeper, const char *row, uint64_t stamp, int memfd) {
    tm_keeper_request request = {.kind = TM_KEEPER_STORE, .stamp = stamp};
    snprintf(request.name, sizeof request.name, "%s", row);
    tm_message_send(keeper, &request, sizeof request, &memfd, 1);
}

void tm_keeper_use(int keeper, bool is_free) {
    const tm_keeper_request request = {.kind = TM_KEEPER_USE, .force = is_free};
    tm_keeper_reply reply;
    if (keeper >= 0)
        (void)ask(keeper, &request, &reply, NULL);
}

bool tm_keeper_gauge(int keeper, tm_gauge_reading *reading) {
    const tm_keeper_request request = {.kind = TM_KEEPER_GAUGE};
    tm_keeper_reply reply = {0};
    if (!ask(keeper, &request, &reply, NULL))
        return false;
    *reading = reply.gauge;
    return true;
}
