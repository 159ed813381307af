/* gauge_cpu: the CPUs' gauge, from sysfs, and where that has no clocks from /proc/cpuinfo.
 *
 * Virtual machines mostly have neither a default clock nor throttling to show. */
#ifndef TM_GAUGE_CPU_H
#define TM_GAUGE_CPU_H

#include "harness/gauge.h"

typedef struct tm_gauge_cpu tm_gauge_cpu;

/* The CPUs that this process may run on. `root` stands before /sys and /proc. */
tm_gauge_cpu *tm_gauge_cpu_open(const char *root);
void tm_gauge_cpu_close(tm_gauge_cpu *cpu);
/* Fills in what is there. On a machine of many CPUs only as many are asked as half a millisecond
 * allows, from the one that we run on upwards. */
void tm_gauge_cpu_read(tm_gauge_cpu *cpu, tm_gauge_reading *reading);

#endif
