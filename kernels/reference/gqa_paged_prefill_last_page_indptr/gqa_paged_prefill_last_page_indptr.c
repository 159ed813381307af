/* As gqa_paged_prefill_last_page, where kv_last_page_len is as long as the offsets. */
#define LAST_PAGES len_indptr
#include "../gqa_paged_prefill_last_page/gqa_paged_prefill_last_page.c"
