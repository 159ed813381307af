# Lines of references.py and attention.py to a table in Markdown: a line for each definition and set,
# with the largest of what was seen there. Of "PyTorch" and "CPU": largest absolute and relative
# error, smallest matched ratio.

function larger(a, b) { return a == "" || b + 0 > a + 0 ? b : a }

function smaller(a, b) { return a == "" || b + 0 < a + 0 ? b : a }

function column(key,    text) {
    if (!((key, "ratio") in seen)) return "- | -"
    text = (key, "absolute") in seen ? seen[key, "absolute"] ", " seen[key, "relative"] : "own rule"
    return text " | " seen[key, "ratio"]
}

# " PyTorch 1.0e-03 2.0e-02 1.000000" or " CPU - - 1.000000" or " PyTorch by a rule of its own"
function take(key, text,    words) {
    split(text, words, " ")
    if (words[2] == "by") { rule[key] = 1; return }
    seen[key, "ratio"] = smaller(seen[key, "ratio"], words[4])
    if (words[2] == "-") return
    seen[key, "absolute"] = larger(seen[key, "absolute"], words[2])
    seen[key, "relative"] = larger(seen[key, "relative"], words[3])
}

$1 ~ /^(PASS|FAIL|SKIP)$/ && $2 ~ /^(small|rows|attention)\// {
    split($2, part, "/")
    name = part[2]
    sub(/:$/, "", name)
    if (!(name in known)) { known[name] = 1; names[++count] = name }
    if ($1 == "SKIP") { why = $0; sub(/^[^:]*: /, "", why); skipped[name] = why; next }
    if ($1 == "FAIL") failed[name]++
    sizes[name, part[1]]++
    if (part[1] == "attention") next
    body = $0
    sub(/^[^:]*: /, "", body)
    sub(/ \([0-9.]* s\)$/, "", body)
    fields = split(body, field, ";")
    elements[name] = larger(elements[name], field[1])
    for (i = 2; i <= fields; i++) take(name SUBSEP (field[i] ~ /PyTorch/ ? "pytorch" : "cpu"), field[i])
}

END {
    printf "| definition | odd sizes | hostile | rows | largest, elements | PyTorch: abs, rel | ratio |"
    print " CPU: abs, rel | ratio | note |"
    print "|---|---|---|---|---|---|---|---|---|---|"
    for (i = 1; i <= count; i++) {
        name = names[i]
        key = name SUBSEP "pytorch"
        pytorch = key in rule ? "own rule | -" : column(key)
        note = name in failed ? failed[name] " FAILED" : sizes[name, "rows"] ? "" : skipped[name]
        printf "| %s | %d | %s | %d | %d | %s | %s | %s |\n", name, sizes[name, "small"],
            (sizes[name, "attention"] ? "yes" : "-"), sizes[name, "rows"], elements[name], pytorch,
            column(name SUBSEP "cpu"), note
    }
}
