#include "lib/number.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One multiplication or division by them is off by half a unit in the last place at most. */
const double tm_number_powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                   1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                   1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
enum { ROUNDED_DIGITS = 6, SURE_DIGITS = 15 };

/* The digits of a whole number in front of `end`; where they begin. */
static char *digits_before(char *end, uint64_t value) {
    do
        *--end = (char)('0' + value % 10);
    while ((value /= 10) > 0);
    return end;
}

size_t tm_number_write_int(char out[TM_NUMBER_BYTES], int64_t value) {
    char digits[TM_NUMBER_BYTES], *end = digits + sizeof(digits);
    uint64_t size = value < 0 ? -(uint64_t)value : (uint64_t)value;
    char *begin = digits_before(end, size);
    if (value < 0)
        *--begin = '-';
    size_t length = (size_t)(end - begin);
    memcpy(out, begin, length);
    out[length] = '\0';
    return length;
}

/* digits / 10^places, of which `places` may be more than there are digits. */
static size_t write_fixed(char *out, bool is_negative, uint64_t digits, int places) {
    char buffer[TM_NUMBER_BYTES], *end = buffer + sizeof(buffer);
    char *begin = digits_before(end, digits), *at = out;
    int whole = (int)(end - begin) - places; /* digits in front of the point */
    if (is_negative)
        *at++ = '-';
    if (whole <= 0)
        *at++ = '0';
    for (; whole > 0; whole--)
        *at++ = *begin++;
    if (places > 0)
        *at++ = '.';
    for (; whole < 0; whole++)
        *at++ = '0';
    while (begin < end)
        *at++ = *begin++;
    *at = '\0';
    return (size_t)(at - out);
}

/* The decimal exponent of a size from 1e-4 on; below 1 the nearest doubles lie above the powers. */
static int exponent_of(double size) {
    int power = size >= 1.0 ? 0 : size >= 0.1 ? -1 : size >= 0.01 ? -2 : size >= 0.001 ? -3 : -4;
    while (power >= 0 && size >= tm_number_powers[power + 1])
        power++;
    return power;
}

typedef unsigned __int128 wide;

/* mantissa / 2^shift in `precision` digits, digits / 10^places, in whole numbers and so exactly as
 * printf rounds. Whether they read back as the same double; a carry into one digit more never
 * does, it is left to printf. */
static bool round_exactly(uint64_t mantissa, int shift, int precision, int places,
                          uint64_t *digits) {
    wide power = (wide)(uint64_t)tm_number_powers[places > 19 ? 19 : places];
    for (int i = 19; i < places; i++)
        power *= 10;
    wide exact = mantissa * power, half = (wide)1 << (shift - 1);
    uint64_t below = (uint64_t)(exact >> shift);
    wide rest = exact - ((wide)below << shift);
    *digits = below + (rest > half || (rest == half && (below & 1)));
    if ((double)*digits >= tm_number_powers[precision])
        return false;
    bool is_above = *digits != below;
    wide apart = is_above ? ((wide)1 << shift) - rest : rest;
    /* Half of the way to the next double; downwards from a power of two a quarter. */
    bool is_short = !is_above && mantissa == (uint64_t)1 << (DBL_MANT_DIG - 1);
    wide reach = is_short ? power / 4 : power / 2;
    return apart < reach || (apart == reach && !(mantissa & 1) && !(power & (is_short ? 3 : 1)));
}

/* 0: there is an exponent to print. */
static size_t write_shortest(char *out, double value) {
    double size = fabs(value);
    if (!(size >= 1e-4 && size < 1e15))
        return 0;
    if (size == floor(size))
        return tm_number_write_int(out, (int64_t)value);
    int power;
    uint64_t mantissa = (uint64_t)ldexp(frexp(size, &power), DBL_MANT_DIG), digits;
    for (int precision = SURE_DIGITS; precision <= 17; precision++) {
        int places = precision - 1 - exponent_of(size);
        if (!round_exactly(mantissa, DBL_MANT_DIG - power, precision, places, &digits))
            continue;
        for (; digits % 10 == 0; places--)
            digits /= 10;
        return write_fixed(out, value < 0.0, digits, places);
    }
    return 0;
}

size_t tm_number_write(char out[TM_NUMBER_BYTES], double value) {
    size_t length = write_shortest(out, value);
    for (int precision = SURE_DIGITS; length == 0 && precision <= 17; precision++) {
        int written = snprintf(out, TM_NUMBER_BYTES, "%.*g", precision, value);
        if (precision == 17 || strtod(out, NULL) == value)
            length = (size_t)written;
    }
    return length;
}

/* Six digits of a size from 1e-4 on, and its exponent; false when rounding might go either way, as
 * what is scaled is a little off. */
static bool round_to_six(double size, uint64_t *digits, int *exponent) {
    int power = exponent_of(size);
    int places = ROUNDED_DIGITS - 1 - power;
    double scaled = places < 0 ? size / tm_number_powers[-places] : size * tm_number_powers[places];
    double whole = floor(scaled), rest = scaled - whole;
    *digits = (uint64_t)whole + (rest > 0.5);
    *exponent = power;
    return scaled >= 1e5 && *digits < 1000000 && fabs(rest - 0.5) > 1e-6;
}

size_t tm_number_write_rounded(char out[TM_NUMBER_BYTES], double value) {
    uint64_t digits;
    int exponent;
    double size = fabs(value);
    if (!(size >= 1e-4 && size < 1e15) || !round_to_six(size, &digits, &exponent)) {
        if (value == 0.0 && !signbit(value))
            return tm_number_write_int(out, 0);
        return (size_t)snprintf(out, TM_NUMBER_BYTES, "%.*g", ROUNDED_DIGITS, value);
    }
    bool is_scientific = exponent >= ROUNDED_DIGITS;
    int places = is_scientific ? ROUNDED_DIGITS - 1 : ROUNDED_DIGITS - 1 - exponent;
    for (; places > 0 && digits % 10 == 0; places--)
        digits /= 10;
    size_t length = write_fixed(out, value < 0.0, digits, places);
    if (is_scientific)
        length += (size_t)snprintf(out + length, TM_NUMBER_BYTES - length, "e+%02d", exponent);
    return length;
}

int tm_number_compare(const void *left, const void *right) {
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}
