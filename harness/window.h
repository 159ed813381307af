/* window: which bytes of a large output are looked at after a timed call.
 *
 * The judge draws the seed when the call is over; reference and solution deliver the same windows,
 * side by side. An output of up to TM_WINDOW_WHOLE bytes is delivered whole. Of a larger one the
 * first and the last window always are. A call that leaves an eighth of an output out of date is
 * missed by 64 windows with probability (7/8)^62 = 0.03 %. */
#ifndef TM_WINDOW_H
#define TM_WINDOW_H

#include <stdint.h>

#define TM_WINDOW_BYTES (UINT64_C(32) << 10)
#define TM_WINDOW_COUNT 64
#define TM_WINDOW_WHOLE (TM_WINDOW_BYTES * TM_WINDOW_COUNT)

/* splitmix64's output function (Steele, Lea, Flood 2014): a well mixed word of a counter. */
static inline uint64_t tm_window_mix(uint64_t value) {
    value += UINT64_C(0x9e3779b97f4a7c15);
    value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
    return value ^ value >> 31;
}

/* Bytes that are delivered of an output of so many. */
static inline uint64_t tm_window_delivered(uint64_t bytes) {
    return bytes < TM_WINDOW_WHOLE ? bytes : TM_WINDOW_WHOLE;
}

/* Where window `index` of output `output` begins, for outputs of more than TM_WINDOW_WHOLE bytes.
 * A multiple of 256, but for the last, which ends where the output does. */
static inline uint64_t tm_window_begin(uint64_t seed, uint64_t output, uint64_t bytes, int index) {
    uint64_t last = bytes - TM_WINDOW_BYTES;
    if (index == 0)
        return 0;
    if (index == TM_WINDOW_COUNT - 1)
        return last;
    uint64_t mixed =
        tm_window_mix(seed ^ tm_window_mix(output * TM_WINDOW_COUNT + (uint64_t)index));
    return mixed % (last / 256 + 1) * 256;
}

#endif
