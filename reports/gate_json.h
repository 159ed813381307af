/* gate_json: the gate's verdict for programs (docs/FORMATS.md: Gate). */
#ifndef TM_REPORTS_GATE_JSON_H
#define TM_REPORTS_GATE_JSON_H

#include "reports/gate.h"

/* gate.json. Caller frees. */
char *tm_gate_json_format(const tm_gate *gate);

#endif
