# flatten.awk: a line of tab-separated words for each thing in plan.json or report.json that rows.sh
# looks at. Both are printed by lib/json.c, a member to a line.
#
#     row      definition uuid                     planned
#     solution definition solution author          planned
#     left     kind name definition reason         not planned
#     cell     definition uuid author solution status absolute relative seconds reason
function value(line) {
    sub(/^[^:]*: /, "", line)
    sub(/,$/, "", line)
    gsub(/^"|"$/, "", line)
    return line
}
BEGIN { OFS = "\t" }
/^  "/ { part = $1; in_rows = 0 }
part == "\"definitions\":" && /^      "name":/ { definition = value($0) }
part == "\"definitions\":" && /^      "workloads":/ { in_rows = 1 }
in_rows {
    line = $0
    sub(/^ *"workloads": */, "", line)
    count = split(line, piece, "\"")
    for (i = 2; i <= count; i += 2)
        print "row", definition, piece[i]
    if (line ~ /\]/)
        in_rows = 0
}
part == "\"definitions\":" && /^          "name":/ { solution = value($0) }
part == "\"definitions\":" && /^          "author":/ { print "solution", definition, solution, value($0) }
part == "\"not_planned\":" && /^      "kind":/ { kind = value($0) }
part == "\"not_planned\":" && /^      "name":/ { name = value($0) }
part == "\"not_planned\":" && /^      "definition":/ { definition = value($0) }
part == "\"not_planned\":" && /^      "reason":/ { print "left", kind, name, definition, value($0) }
part == "\"cells\":" && /^      "[a-z_]*":/ {
    key = $1
    gsub(/[":]/, "", key)
    cell[key] = value($0)
}
part == "\"cells\":" && /^    \}/ {
    print "cell", cell["definition"], cell["uuid"], cell["author"], cell["solution"], cell["status"],
        cell["max_absolute_error"], cell["max_relative_error"], cell["judging_ms"] / 1e3, cell["reason"]
    split("", cell)
}
