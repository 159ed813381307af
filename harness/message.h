/* message: one datagram and the descriptors that come with it, over a SOCK_SEQPACKET socket. */
#ifndef TM_MESSAGE_H
#define TM_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define TM_MESSAGE_MAX_FDS 4

/* False with errno; descriptors stay the caller's. */
bool tm_message_send(int socket, const void *data, size_t bytes, const int *fds, size_t count);
/* The true length of the message, of which at most `bytes` are stored; 0 at the end, -1 with errno.
 * `fds` (may be NULL) has room for TM_MESSAGE_MAX_FDS, which become the caller's; the places that
 * remain are -1. `flags` as in recvmsg. */
ssize_t tm_message_receive(int socket, void *data, size_t bytes, int *fds, int flags);

#endif
