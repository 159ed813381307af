# table.awk -v srcdir=DIR ESTIMATE PLAN CELLS ROWS: the verdicts definition by definition, what is
# not PASSED row by row, and one line that accounts for all rows.
function larger(a, b) { return a == "" || b ~ /NaN/ || (a !~ /NaN/ && (b ~ /Inf/ || (a !~ /Inf/ && b + 0 > a + 0))) ? b : a }
function figure(value) { return value == "" ? "-" : value ~ /[A-Za-z]{3}/ ? value : sprintf("%.2g", value) }
function complain(definition, uuid, solution, status, reason,    at) {
    at = index(reason, srcdir "/")
    if (srcdir != "" && at)
        reason = substr(reason, 1, at - 1) substr(reason, at + length(srcdir) + 1)
    complaints[++complaint_count] = sprintf("%-13s %s %s%s: %s", status, definition, uuid,
        solution == "" ? "" : " by " solution, substr(reason, 1, 100))
}
# Whether a row of a definition has a verdict of an author, and counts it.
function settle(definition, uuid, kind,    i, solution, status, good) {
    good = 1
    for (i = 1; i <= solution_count[definition, kind]; i++) {
        solution = solution_list[definition, kind, i]
        status = statuses[uuid, solution]
        if (status == "" || status == "NOT_RUN" || status == "BROKEN_TRACE") {
            complain(definition, uuid, solution, status == "" ? "NO CELL" : status, reasons[uuid, solution])
            missing_cells[definition]++
            good = 0
        } else if (status != "PASSED")
            complain(definition, uuid, solution, status, reasons[uuid, solution])
        if (status == "PASSED")
            passed[definition, kind]++
    }
    return good
}
BEGIN { FS = "\t" }
FILENAME == ARGV[1] { estimated[$1] += $6; known = known || $6 != "-"; next }
FILENAME == ARGV[2] && $1 == "solution" {
    kind = $4 == "self" ? "self" : "others"
    solution_list[$2, kind, ++solution_count[$2, kind]] = $3
}
FILENAME == ARGV[2] && $1 == "row" { planned[$2, $3] = 1 }
FILENAME == ARGV[2] && $1 == "left" { why[$2 == "definition" ? $3 : $4 SUBSEP $3] = $5 }
FILENAME == ARGV[2] { next }
FILENAME == ARGV[3] && $1 == "cell" {
    kind = $4 == "self" ? "self" : "others"
    statuses[$3, $5] = $6
    reasons[$3, $5] = $10
    took[$2] += $9
    if ($6 == "PASSED" || $6 == "INCORRECT_NUMERICAL") {
        absolute[$2, kind] = larger(absolute[$2, kind], $7)
        relative[$2, kind] = larger(relative[$2, kind], $8)
    }
}
FILENAME == ARGV[3] { next }
{
    split($0, word, " ")
    definition = word[1]
    uuid = word[2]
    if (!rows[definition]++)
        order[++count] = definition
    total++
    if (!planned[definition, uuid]) {
        reason = (definition, uuid) in why ? why[definition, uuid] : definition in why ? why[definition] : "not in the plan"
        complain(definition, uuid, "", "NO TRACE", reason)
        next
    }
    if (!solution_count[definition, "self"]) {
        complain(definition, uuid, "", "NO CELL", definition in why ? why[definition] : "its reference is not among the solutions")
        next
    }
    before = complaint_count
    good = settle(definition, uuid, "self")
    good = settle(definition, uuid, "others") && good
    accounted += good
    clean += complaint_count == before
    if (!solution_count[definition, "others"]) {
        without[definition] = 1
        alone++
    }
}
END {
    format = "%-62s %5s %7s %9s %9s %9s %9s %9s %8s %8s\n"
    printf format, "verdicts, by definition", "rows", "self", "abs err", "rel err", "others", "abs err", "rel err", "s", "s (est.)"
    for (i = 1; i <= count; i++) {
        d = order[i]
        others = solution_count[d, "others"]
        printf format, d, rows[d], passed[d, "self"] + 0 "", figure(absolute[d, "self"]), figure(relative[d, "self"]),
            others ? passed[d, "others"] + 0 "/" others * rows[d] : "none", figure(absolute[d, "others"]),
            figure(relative[d, "others"]), sprintf("%.1f", took[d]), known ? sprintf("%.1f", estimated[d]) : "-"
    }
    print "self, others: cells PASSED; errors: the largest; s: of judging, all cells of a definition"
    for (i = 1; i <= complaint_count; i++)
        print complaints[i]
    if (clean == total && total > 0)
        printf "%d rows: all accounted for, all PASSED; %d of them have a reference and no other solution\n", total, alone
    else
        printf "%d rows: %d accounted for, %d missing, %d with every cell PASSED\n", total, accounted, total - accounted, clean
}
