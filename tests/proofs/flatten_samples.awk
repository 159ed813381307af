# flatten_samples.awk: a cell's trace and samples as one line, as tests/data/noise has them:
#     RUN CELL WAIT TRIAL...
# WAIT is the percentage of the time in which programs waited for the CPU (0: not known), a TRIAL its
# samples in ns with commas between. Samples are those that the trace's figures come from.
#   awk -v run=1 -v cell=NAME -f flatten_samples.awk TRACE SAMPLES
/"cpu_wait_percent":/ {
    wait = $2 + 0
}
/^ *"HOST_WORK"/ { clock = "wall" }
/^\{"(device|wall|events)":/ {
    key = clock == "" ? "device" : clock
    if (match($0, "\"" key "\":\\[[^]]*\\]") == 0)
        next
    start = RSTART + length(key) + 4
    trials = trials " " substr($0, start, RSTART + RLENGTH - 1 - start)
}
END {
    if (trials != "")
        printf "%s %s %.0f%s\n", run, cell, wait, trials
}
