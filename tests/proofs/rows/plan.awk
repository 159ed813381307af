# plan.awk: of what estimate.awk prints, a line for each definition.
BEGIN {
    FS = "\t"
    format = "%-62s %5s %10s %11s %9s %8s\n"
    printf format, "plan, by definition", "rows", "inputs GB", "outputs GB", "TFLOP", "s (est.)"
}
{
    if (!rows[$1]++)
        order[++count] = $1
    inputs[$1] += $3 / 1e9
    outputs[$1] += $4 / 1e9
    operations[$1] += $5 / 1e12
    seconds[$1] += $6
    total_rows++; total_inputs += $3 / 1e9; total_outputs += $4 / 1e9; total_operations += $5 / 1e12; total += $6
    known = known || $6 != "-"
}
function line(name, a, b, c, d, e) {
    printf format, name, a, sprintf("%.2f", b), sprintf("%.2f", c), sprintf("%.3f", d), known ? sprintf("%.1f", e) : "-"
}
END {
    for (i = 1; i <= count; i++)
        line(order[i], rows[order[i]], inputs[order[i]], outputs[order[i]], operations[order[i]], seconds[order[i]])
    line("all, without compiling", total_rows, total_inputs, total_outputs, total_operations, total)
}
