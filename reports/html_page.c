#include "reports/html_page.h"

#include <string.h>

#include "reports/html_files.h"

static void add_script(tm_text *page, const char *script) {
    tm_text_add(page, "<script>\n");
    tm_text_add(page, script);
    tm_text_add(page, "</script>\n");
}

static void add_data(tm_text *page, const tm_text *data) {
    tm_text_add(page, "<script type=\"application/json\" id=\"data\">");
    tm_text_add_bytes(page, tm_text_get(data), data->length);
    tm_text_add(page, "</script>\n");
}

void tm_html_page_add(tm_text *page, const char *index, const tm_text *data,
                      const char *const *scripts) {
    static const char *const marks[] = {"@STYLE@", "@CHARTS@", "@DATA@", "@SCRIPTS@"};
    const char *rest = index;
    for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++) { /* they stand in this order */
        const char *mark = strstr(rest, marks[i]);
        tm_text_add_bytes(page, rest, (size_t)(mark - rest));
        rest = mark + strlen(marks[i]);
        if (i == 0)
            tm_text_add(page, tm_html_files_style);
        else if (i == 1 && tm_html_files_charts[0] != '\0')
            add_script(page, tm_html_files_charts);
        else if (i == 2)
            add_data(page, data);
        for (size_t j = 0; i == 3 && scripts[j] != NULL; j++)
            add_script(page, scripts[j]);
    }
    tm_text_add(page, rest);
}
