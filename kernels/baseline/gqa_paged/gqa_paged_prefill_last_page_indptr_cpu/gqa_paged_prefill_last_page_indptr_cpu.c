/* As gqa_paged_prefill_last_page_cpu, where kv_last_page_len is as long as the offsets. */
#include "../gqa_paged_prefill_last_page_cpu/gqa_paged_prefill_last_page_cpu.c"
