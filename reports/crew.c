#include "reports/crew.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

typedef struct {
    atomic_size_t next;
    size_t count;
    tm_crew_task *task;
    void *context;
} crew;

typedef struct {
    crew *crew;
    int number;
    pthread_t thread;
} crew_member;

static void *work(void *pointer) {
    const crew_member *member = pointer;
    crew *all = member->crew;
    size_t index;
    while ((index = atomic_fetch_add(&all->next, 1)) < all->count)
        all->task(all->context, index, member->number);
    return NULL;
}

static int count_cores(void) {
    cpu_set_t cores;
    return sched_getaffinity(0, sizeof(cores), &cores) == 0 ? CPU_COUNT(&cores) : 1;
}

void tm_crew_run(size_t count, tm_crew_task *task, void *context) {
    crew all = {.count = count, .task = task, .context = context};
    crew_member members[TM_CREW_MOST];
    int wanted = count_cores(), size = 1;
    if (wanted > TM_CREW_MOST)
        wanted = TM_CREW_MOST;
    if ((size_t)wanted > count)
        wanted = (int)count;
    for (; size < wanted; size++) {
        members[size] = (crew_member){.crew = &all, .number = size};
        if (pthread_create(&members[size].thread, NULL, work, &members[size]) != 0)
            break;
    }
    members[0] = (crew_member){.crew = &all, .number = 0};
    work(&members[0]);
    while (--size > 0)
        pthread_join(members[size].thread, NULL);
}
