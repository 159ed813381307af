#include "harness/message.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef union {
    struct cmsghdr header; /* for its alignment */
    char bytes[CMSG_SPACE(TM_MESSAGE_MAX_FDS * sizeof(int))];
} control_block;

bool tm_message_send(int socket, const void *data, size_t bytes, const int *fds, size_t count) {
    control_block control = {0};
    struct iovec part = {(void *)(unsigned long)data, bytes};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (count) {
        message.msg_control = &control;
        message.msg_controllen = CMSG_SPACE(count * sizeof(int));
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(count * sizeof(int));
        memcpy(CMSG_DATA(header), fds, count * sizeof(int));
    }
    return sendmsg(socket, &message, MSG_NOSIGNAL) == (ssize_t)bytes;
}

ssize_t tm_message_receive(int socket, void *data, size_t bytes, int *fds, int flags) {
    control_block control;
    int received[TM_MESSAGE_MAX_FDS];
    // cppcheck-suppress ctuuninitvar ; it is filled here
    struct iovec part = {data, bytes};
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof control};
    for (size_t i = 0; fds && i < TM_MESSAGE_MAX_FDS; i++)
        fds[i] = -1;
    ssize_t got = recvmsg(socket, &message, flags | MSG_CMSG_CLOEXEC | MSG_TRUNC);
    const struct cmsghdr *header = got >= 0 ? CMSG_FIRSTHDR(&message) : NULL;
    if (!header || header->cmsg_type != SCM_RIGHTS)
        return got;
    size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    count = count < TM_MESSAGE_MAX_FDS ? count : TM_MESSAGE_MAX_FDS;
    memcpy(received, CMSG_DATA(header), count * sizeof(int));
    for (size_t i = 0; i < count; i++)
        if (fds)
            fds[i] = received[i];
        else
            close(received[i]);
    return got;
}
