/* keeper_answers: the answers that a keeper has for judges to come, the least recently used of
 * which go when they take too much of the memory or too many descriptors. Deliberately does not
 * know what is in them. Internal to tm-keeper. */
#ifndef TM_KEEPER_ANSWERS_H
#define TM_KEEPER_ANSWERS_H

#include <stdint.h>

#include "harness/keeper.h"

typedef struct {
    struct tm_keeper_entry *newest;
    uint64_t room_bytes, room_count;
} tm_keeper_answers;

void tm_keeper_answers_open(tm_keeper_answers *kept);
/* Replies to TM_KEEPER_RECALL. */
void tm_keeper_answers_recall(tm_keeper_answers *kept, int client,
                              const tm_keeper_request *request);
/* TM_KEEPER_STORE; takes over `memfd`, which may be -1. */
void tm_keeper_answers_store(tm_keeper_answers *kept, const tm_keeper_request *request, int memfd);
void tm_keeper_answers_close(tm_keeper_answers *kept);

#endif
