/* number: numbers as decimal text, byte for byte as printf would write them, in a fraction of its
 * time: pages and reports hold millions.
 *
 * Also what else is asked of numbers in several places. Deliberately does not know JSON: infinities
 * and NaN are for the caller. */
#ifndef TM_NUMBER_H
#define TM_NUMBER_H

#include <stddef.h>
#include <stdint.h>

/* Enough for any of them, with the NUL. */
#define TM_NUMBER_BYTES 32

/* Each writes into `out` and returns the length. */
size_t tm_number_write_int(char out[TM_NUMBER_BYTES], int64_t value);
/* In 15, 16 or 17 significant digits, the fewest that read back as the same double. */
size_t tm_number_write(char out[TM_NUMBER_BYTES], double value);
/* As "%.6g". */
size_t tm_number_write_rounded(char out[TM_NUMBER_BYTES], double value);

/* Powers of ten that a double holds exactly: from 1e0 to 1e22. */
enum { TM_NUMBER_MOST_POWER = 22 };
extern const double tm_number_powers[TM_NUMBER_MOST_POWER + 1];

/* For qsort: doubles in ascending order, none of them NaN. */
int tm_number_compare(const void *left, const void *right);

#endif
