/* gauge_nvml: a GPU's gauge, through libnvidia-ml.so.1.
 *
 * Only what NVML's documentation calls stable is used, by its exported name, so that neither header
 * nor library is needed to build. Deliberately changes nothing on the device. */
#ifndef TM_GAUGE_NVML_H
#define TM_GAUGE_NVML_H

#include "harness/gauge.h"

typedef struct tm_gauge_nvml tm_gauge_nvml;

/* NULL when the library or the device is not to be had. */
tm_gauge_nvml *tm_gauge_nvml_open(const char *device_uuid);
void tm_gauge_nvml_close(tm_gauge_nvml *nvml);
/* Fills in what the device tells. */
void tm_gauge_nvml_read(tm_gauge_nvml *nvml, tm_gauge_reading *reading);

#endif
