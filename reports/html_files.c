#include "reports/html_files.h"

#include <stddef.h>

/* The assembler copies the file; build.ninja.in lists them as what this object depends on. */
#define FILE_OF(name, path)   \
    extern const char name[]; \
    __asm__(".pushsection .rodata\n" #name ":\n.incbin \"" path "\"\n.byte 0\n.popsection\n")
#define GLOBAL(name) __asm__(".globl " #name "\n")
#define SCRIPT(noun) FILE_OF(tm_html_script_##noun, TM_HTML_FOLDER "/" #noun ".js")

GLOBAL(tm_html_files_index);
FILE_OF(tm_html_files_index, TM_HTML_FOLDER "/index.html");
GLOBAL(tm_html_files_history);
FILE_OF(tm_html_files_history, TM_HTML_FOLDER "/history.html");
GLOBAL(tm_html_files_style);
FILE_OF(tm_html_files_style, TM_HTML_FOLDER "/report.css");

#ifdef TM_HTML_CHARTS
GLOBAL(tm_html_files_charts);
FILE_OF(tm_html_files_charts, TM_HTML_CHARTS);
#else
const char tm_html_files_charts[] = "";
#endif

SCRIPT(element);
SCRIPT(figure);
SCRIPT(data);
SCRIPT(theme);
SCRIPT(plot);
SCRIPT(overview);
SCRIPT(definition);
SCRIPT(filter);
SCRIPT(table);
SCRIPT(ranking);
SCRIPT(cell);
SCRIPT(page);
SCRIPT(history_data);
SCRIPT(history_chart);
SCRIPT(history_page);

const char *const tm_html_files_scripts[] = {tm_html_script_element,
                                             tm_html_script_figure,
                                             tm_html_script_data,
                                             tm_html_script_theme,
                                             tm_html_script_plot,
                                             tm_html_script_overview,
                                             tm_html_script_definition,
                                             tm_html_script_filter,
                                             tm_html_script_table,
                                             tm_html_script_ranking,
                                             tm_html_script_cell,
                                             tm_html_script_page,
                                             NULL};

const char *const tm_html_files_history_scripts[] = {
    tm_html_script_element,      tm_html_script_figure,
    tm_html_script_theme,        tm_html_script_plot,
    tm_html_script_history_data, tm_html_script_history_chart,
    tm_html_script_history_page, NULL};
