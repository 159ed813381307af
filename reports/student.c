#include "reports/student.h"

#include <math.h>

double tm_student_log_gamma(double x) {
    int sign;
    return lgamma_r(x, &sign);
}

/* Above it the normal distribution is the same to 1e-7. */
#define MANY 1e7
#define STEPS 300

/* The continued fraction of the incomplete beta function (Abramowitz and Stegun 26.5.8), evaluated
 * by Lentz's rule; converges within some sqrt(max(a, b)) steps for x < (a + 1) / (a + b + 2). */
static double beta_fraction(double a, double b, double x) {
    double c = 1.0, d = 1.0 - (a + b) * x / (a + 1.0);
    d = 1.0 / (fabs(d) < 1e-300 ? 1e-300 : d);
    double value = d;
    for (int m = 1; m <= STEPS; m++) {
        double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        double change = 1.0;
        for (int step = 0; step < 2; step++) {
            double term = step == 0 ? even : odd;
            d = 1.0 + term * d;
            d = 1.0 / (fabs(d) < 1e-300 ? 1e-300 : d);
            c = 1.0 + term / c;
            c = fabs(c) < 1e-300 ? 1e-300 : c;
            change = c * d;
            value *= change;
        }
        if (fabs(change - 1.0) < 1e-15)
            break;
    }
    return value;
}

/* The regularised incomplete beta function I_x(a, b). `rest` is 1 - x, which may be too small to be
 * got by subtraction. */
static double incomplete_beta(double a, double b, double x, double rest) {
    if (x <= 0.0)
        return 0.0;
    if (rest <= 0.0)
        return 1.0;
    double front = exp(tm_student_log_gamma(a + b) - tm_student_log_gamma(a) -
                       tm_student_log_gamma(b) + a * log(x) + b * log(rest));
    if (x < (a + 1.0) / (a + b + 2.0))
        return front * beta_fraction(a, b, x) / a;
    return 1.0 - front * beta_fraction(b, a, rest) / b;
}

double tm_student_two_sided(double t, double freedom) {
    if (freedom > MANY)
        return erfc(fabs(t) / sqrt(2.0));
    if (isinf(t))
        return 0.0;
    double square = t * t;
    return incomplete_beta(freedom / 2.0, 0.5, freedom / (freedom + square),
                           square / (freedom + square));
}
