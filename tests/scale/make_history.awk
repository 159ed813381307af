# make_history.awk: RUNS runs of DEFINITIONS x SOLUTIONS x WORKLOADS cells, a folder each, as JSON Lines,
# with noise of 0.4 %. Of definition_1/solution_1 all rows are 5 % slower from run 12 on, of
# definition_2/solution_1 one is 20 % faster from run 20 on, definition_3/solution_2 stops passing in
# run 15; one row of definition_4 has an outlier, one of definition_5 in the last run, and a run has no
# rows of definition_6/solution_1.
function noise() { # 12 uniform ones, from a generator of this file's own
    sum = 0
    for (u = 0; u < 12; u++) {
        state = (state * 16807) % 2147483647
        sum += state / 2147483647
    }
    return sum - 6
}
BEGIN {
    state = 42
    for (run = 1; run <= RUNS; run++) {
        folder = sprintf("run%02d", run)
        system("mkdir -p " folder)
        file = folder "/traces.jsonl"
        for (d = 1; d <= DEFINITIONS; d++)
            for (s = 1; s <= SOLUTIONS; s++)
                for (w = 1; w <= WORKLOADS; w++) {
                    latency = 0.01 * w * (1 + d / 10) * (1 + s / 5) * exp(0.004 * noise())
                    if (d == 1 && s == 1 && run >= 12)
                        latency *= 1.05
                    if (d == 2 && s == 1 && w == 2 && run >= 20)
                        latency *= 0.8
                    if (d == 4 && s == 1 && w == 1 && run == 9)
                        latency *= 3
                    if (d == 5 && s == 1 && w == 1 && run == RUNS)
                        latency *= 1.5
                    if (d == 6 && s == 1 && run == 10)
                        continue
                    passed = !(d == 3 && s == 2 && run >= 15)
                    printf "{\"definition\":\"definition_%d\",\"solution\":\"solution_%d_definition_%d\",", d, s, d >file
                    printf "\"workload\":{\"uuid\":\"row-%d\",\"axes\":{\"batch_size\":%d,\"k\":64},\"inputs\":{}},", w, w >file
                    printf "\"evaluation\":{\"status\":\"%s\",\"environment\":{\"hardware\":\"NVIDIA H200\",\"libs\":{}},", passed ? "PASSED" : "RUNTIME_ERROR" >file
                    printf "\"timestamp\":\"2026-%02d-%02dT12:00:00Z\",\"log\":\"\",", 9 + int((run - 1) / 28), 1 + (run - 1) % 28 >file
                    if (passed)
                        printf "\"correctness\":{\"max_relative_error\":0,\"max_absolute_error\":0},\"performance\":{\"latency_ms\":%.9f,\"reference_latency_ms\":1,\"speedup_factor\":%.9f}},", latency, 1 / latency >file
                    else
                        printf "\"correctness\":null,\"performance\":null}," >file
                    printf "\"tracemill\":{\"author\":\"author_%d\",\"op_type\":\"gemm\",\"clock\":\"cupti\",\"reason\":\"%s\"}}\n", s, passed ? "" : "it returned 1" >file
                }
        close(file)
    }
}
