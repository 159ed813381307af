/* ranking_json: scores for programs, in every JSON that has them alike (docs/FORMATS.md: Report).
 */
#ifndef TM_REPORTS_RANKING_JSON_H
#define TM_REPORTS_RANKING_JSON_H

#include "lib/json.h"
#include "reports/ranking.h"

/* Caller frees, or gives it to a parent. */
tm_json *tm_ranking_json_score(const tm_ranking_score *score);
tm_json *tm_ranking_json_authors(const tm_ranking *ranking);

#endif
