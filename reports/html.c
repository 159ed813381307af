#include "reports/html.h"

#include "reports/html_files.h"
#include "reports/html_page.h"

void tm_html_add(tm_arena *arena, tm_text *page, const tm_model *model,
                 const tm_html_origin *origin) {
    tm_text data = {0};
    tm_html_data_add(arena, &data, model, origin);
    tm_html_page_add(page, tm_html_files_index, &data, tm_html_files_scripts);
    tm_text_free(&data);
}
