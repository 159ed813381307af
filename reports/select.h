/* select: one of many values in order, without putting all of them in order. */
#ifndef TM_REPORTS_SELECT_H
#define TM_REPORTS_SELECT_H

#include <stddef.h>

/* What stands at `rank` (below `count`, from 0) once `values` are sorted; they change places, and
 * what stands before it is not larger, behind it not smaller. None is NaN. */
double tm_select_value(double *values, size_t count, size_t rank);

#endif
