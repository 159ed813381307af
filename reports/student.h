/* student: tail probabilities of Student's t and of the normal distribution. */
#ifndef TM_REPORTS_STUDENT_H
#define TM_REPORTS_STUDENT_H

/* P(|T| >= |t|) for `freedom` degrees of freedom; INFINITY: the normal distribution. An infinite t
 * gives 0, a t of 0 gives 1. */
double tm_student_two_sided(double t, double freedom);

/* lgamma, which writes a global variable, for several threads. `x` > 0. */
double tm_student_log_gamma(double x);

#endif
