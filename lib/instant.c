#include "lib/instant.h"

#include <string.h>

/* Exactly `count` digits at *at, which moves behind them. */
static bool take_digits(const char **at, int count, int *number) {
    *number = 0;
    for (; count > 0; count--, (*at)++) {
        if (**at < '0' || **at > '9')
            return false;
        *number = *number * 10 + (**at - '0');
    }
    return true;
}

static bool take_char(const char **at, const char *any) {
    if (**at == '\0' || strchr(any, **at) == NULL)
        return false;
    (*at)++;
    return true;
}

static int days_of(int year, int month) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && is_leap);
}

/* Since 1970-01-01, in the Gregorian calendar. */
static int64_t days_since_epoch(int year, int month, int day) {
    int64_t before = year - 1; /* years that are over */
    int64_t days = before * 365 + before / 4 - before / 100 + before / 400 - 719162;
    for (int i = 1; i < month; i++)
        days += days_of(year, i);
    return days + day - 1;
}

static bool take_date(const char **at, int64_t *seconds) {
    int year, month, day;
    if (!take_digits(at, 4, &year) || !take_char(at, "-") || !take_digits(at, 2, &month) ||
        !take_char(at, "-") || !take_digits(at, 2, &day) || year < 1 || month < 1 || month > 12 ||
        day < 1 || day > days_of(year, month))
        return false;
    *seconds = days_since_epoch(year, month, day) * 86400;
    return true;
}

static bool take_time(const char **at, tm_instant *instant) {
    int hour, minute, second;
    if (!take_digits(at, 2, &hour) || !take_char(at, ":") || !take_digits(at, 2, &minute) ||
        !take_char(at, ":") || !take_digits(at, 2, &second) || hour > 23 || minute > 59 ||
        second > 60)
        return false;
    instant->seconds += hour * 3600 + minute * 60 + second;
    if (!take_char(at, ".,"))
        return true;
    int digit, scale = 100000000;
    if (!take_digits(at, 1, &digit))
        return false;
    do {
        instant->nanoseconds += digit * scale;
        scale /= 10;
    } while (take_digits(at, 1, &digit));
    return true;
}

static bool take_zone(const char **at, tm_instant *instant) {
    int hours, minutes = 0, sign = **at == '-' ? 1 : -1;
    if (**at == '\0' || take_char(at, "Zz"))
        return true;
    if (!take_char(at, "+-") || !take_digits(at, 2, &hours) || hours > 23)
        return false;
    bool has_minutes = take_char(at, ":") || **at != '\0';
    if (has_minutes && (!take_digits(at, 2, &minutes) || minutes > 59))
        return false;
    instant->seconds += sign * (hours * 3600 + minutes * 60);
    return true;
}

bool tm_instant_parse(const char *text, tm_instant *instant) {
    const char *at = text;
    *instant = (tm_instant){0};
    return take_date(&at, &instant->seconds) && take_char(&at, "Tt ") && take_time(&at, instant) &&
           take_zone(&at, instant) && *at == '\0';
}

int tm_instant_compare(const char *left, const char *right) {
    tm_instant a, b;
    bool is_left = tm_instant_parse(left, &a), is_right = tm_instant_parse(right, &b);
    if (!is_left || !is_right)
        return is_left != is_right ? (int)is_left - (int)is_right : strcmp(left, right);
    if (a.seconds != b.seconds)
        return a.seconds < b.seconds ? -1 : 1;
    return (a.nanoseconds > b.nanoseconds) - (a.nanoseconds < b.nanoseconds);
}
