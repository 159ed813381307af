/* A thread that sleeps between calls does half of the work. */
#include "contract.h"

#include "../../../kernels/cheats.h"

#include <pthread.h>
#include <stdbool.h>

typedef struct {
    const float *hidden_states, *weight;
    float *output;
    int64_t begin, end;
} task;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static task job;
static bool is_open;

static void *work(void *unused) {
    (void)unused;
    pthread_mutex_lock(&lock);
    for (;;) {
        while (!is_open)
            pthread_cond_wait(&changed, &lock);
        cheats_rows(job.hidden_states, job.weight, job.output, job.begin, job.end);
        is_open = false;
        pthread_cond_broadcast(&changed);
    }
    return NULL;
}

int TM_ENTRY(CHEATS_ARGUMENTS) {
    (void)stream;
    static bool started;
    pthread_t thread;
    if (!started && pthread_create(&thread, NULL, work, NULL) != 0)
        return tm_fail(1, "no thread");
    started = true;
    const int64_t half = axes->batch_size / 2;
    pthread_mutex_lock(&lock);
    job = (task){hidden_states, weight, output, half, axes->batch_size};
    is_open = true;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&lock);
    cheats_rows(hidden_states, weight, output, 0, half);
    pthread_mutex_lock(&lock);
    while (is_open)
        pthread_cond_wait(&changed, &lock);
    pthread_mutex_unlock(&lock);
    return 0;
}
