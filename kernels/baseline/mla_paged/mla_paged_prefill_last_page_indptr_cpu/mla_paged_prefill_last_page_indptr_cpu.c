/* As mla_paged_prefill_last_page_cpu, where kv_last_page_len is as long as the offsets. */
#include "../mla_paged_prefill_last_page_cpu/mla_paged_prefill_last_page_cpu.c"
