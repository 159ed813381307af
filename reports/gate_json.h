/* gate_json: the gate's verdict for programs (docs/FORMATS.md: Gate). */
#ifndef TM_REPORTS_GATE_JSON_H
#define TM_REPORTS_GATE_JSON_H

#include "lib/json.h"
#include "reports/gate.h"

/* A cell, with a verdict that may be another than its own; the baseline. Caller frees, or gives
 * them to a parent. */
tm_json *tm_gate_json_cell(const tm_gate_cell *cell, tm_gate_verdict verdict);
tm_json *tm_gate_json_baseline(const tm_baseline *baseline);
/* gate.json. Caller frees. */
char *tm_gate_json_format(const tm_gate *gate);

#endif
