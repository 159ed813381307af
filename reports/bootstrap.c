#include "reports/bootstrap.h"

#include <math.h>

#include "lib/random.h"
#include "reports/select.h"

#define KEY 0x7261636dU

typedef struct {
    uint32_t draw, block;
    uint32_t words[4];
    int used;
} generator;

static uint32_t next_word(generator *random) {
    if (random->used == 4) {
        philox4x32_ctr_t counter = {{random->block++, random->draw, 0, 0}};
        philox4x32_key_t key = {{KEY, 0}};
        philox4x32_ctr_t words = philox4x32(counter, key);
        for (int i = 0; i < 4; i++)
            random->words[i] = words.v[i];
        random->used = 0;
    }
    return random->words[random->used++];
}

static double next_normal(generator *random) {
    float normals[2];
    uint32_t first = next_word(random), second = next_word(random);
    tm_random_normals2(first, second, normals);
    return (double)normals[0];
}

/* The median of a new draw of a trial's samples. Its place among n sorted ones has the distribution
 * Beta((n + 1) / 2, (n + 1) / 2), whose mean is 1/2 and whose variance 1 / (4 (n + 2)); from five
 * samples on it is near enough to a normal one. Without samples: the median's own deviation, of
 * normal samples sqrt(pi / 2) times that of the mean. */
static double draw_median(generator *random, const tm_timing_trial *trial) {
    double normal = next_normal(random), n = (double)trial->count;
    if (trial->ns == NULL) {
        double deviation =
            trial->count > 0 ? trial->standard_deviation_ns * sqrt(1.5707963 / n) : 0.0;
        return fmax(trial->median_ns / 2.0, trial->median_ns + normal * deviation);
    }
    double place = 0.5 + normal * 0.5 / sqrt(n + 2.0);
    double at = fmin(fmax(place, 0.0), 1.0) * (n - 1.0);
    size_t below = (size_t)at;
    if (below + 1 >= trial->count)
        return trial->ns[trial->count - 1];
    return trial->ns[below] + (at - (double)below) * (trial->ns[below + 1] - trial->ns[below]);
}

static double draw_latency(generator *random, const tm_timing *timing) {
    if (timing->trial_count == 1)
        return draw_median(random, &timing->trials[0]);
    size_t count = timing->trial_count - 1;
    double sum = 0.0;
    for (size_t i = 0; i < count; i++)
        sum += timing->trials[tm_random_mulhi(next_word(random), (uint32_t)timing->trial_count)]
                   .median_ns;
    return sum / (double)count;
}

tm_bootstrap tm_bootstrap_ratio(const tm_timing *before, const tm_timing *after,
                                double run_deviation, double share) {
    double logs[TM_BOOTSTRAP_DRAWS];
    for (uint32_t draw = 0; draw < TM_BOOTSTRAP_DRAWS; draw++) {
        generator random = {.draw = draw, .used = 4};
        double old = draw_latency(&random, before), new = draw_latency(&random, after);
        logs[draw] = log(new / old) + run_deviation * next_normal(&random);
    }
    size_t cut = (size_t)((1.0 - share) / 2.0 * TM_BOOTSTRAP_DRAWS);
    double low = tm_select_value(logs, TM_BOOTSTRAP_DRAWS, cut);
    double high = tm_select_value(logs, TM_BOOTSTRAP_DRAWS, TM_BOOTSTRAP_DRAWS - 1 - cut);
    return (tm_bootstrap){exp(low), exp(high)};
}
