/* html_files: what is in reports/html/, and the chart library, inside of tm-report: a program that
 * is carried to another machine still writes its page. */
#ifndef TM_REPORTS_HTML_FILES_H
#define TM_REPORTS_HTML_FILES_H

/* Whole files, ended by NUL. */
extern const char tm_html_files_index[], tm_html_files_history[], tm_html_files_style[];
/* "" when configure found none. */
extern const char tm_html_files_charts[];
/* In the order in which they need each other, ended by NULL. */
extern const char *const tm_html_files_scripts[], *const tm_html_files_history_scripts[];

#endif
