#!/bin/sh
# artifact.sh INDEX COMMIT REPORT...: makes the folder of INDEX, build/artifact, for a build
# edge: what a CI system keeps of a run, and what --baseline=DIR reads.
#
# The cells and objects are those of build/matrix.ninja, so that nothing of an older plan is in it.
# Made aside and renamed: there is a whole folder or none. Of the machine it tells what
# build/host.txt and device.json do, and nothing of the environment; in options and the compilers'
# words absolute paths are shortened. docs/FORMATS.md has the layout.
set -eu
index=$1 commit=$2
shift 2
folder=${index%/*}
new=$folder.new

fail() {
    printf 'artifact: error: %s\n' "$*" >&2
    exit 1
}
trap 'rm -rf "$new" "$folder.old" "$folder.failed"' EXIT
trap 'exit 130' INT TERM
rm -rf "$new" "$folder.old" "$folder.failed"
mkdir -p "$new/configuration" || fail "cannot make $new"

# copy TO: the files whose names below build/ are on standard input, to TO.
copy() {
    mkdir -p "$1"
    if ! { tar -C build --no-recursion -cf - -T - || : >"$folder.failed"; } | tar -C "$1" -xf - ||
        [ -e "$folder.failed" ]; then
        fail "cannot copy files of build/ to $1: see above; mend that and repeat ninja artifact"
    fi
}
# built SUFFIX RULES: what the plan makes by these rules, below build/, without SUFFIX.
built() {
    sed -n "s,^build build/\\(.*\\)$1: $2\\( .*\\)*\$,\\1,p" build/matrix.ninja
}
# /home/me/kernels as .../kernels, also behind an option's = or -I.
shorten() {
    sed 's,\(^\|[=:"'"'"'(,[:blank:]]\|-[A-Z]\)/[^][:blank:]:,"'"'"']*/\([^][:blank:]:,"'"'"'/]*\),\1.../\2,g'
}

for file; do
    printf '%s\n' "${file#build/}"
done | copy "$new"
if [ -d build/report/traces ]; then (cd build && find report/traces -type f) | copy "$new"; fi
# A gate that was there before the report speaks of other cells.
for file in gate.json gate.md; do
    [ -z "$(find "build/report/$file" -newer build/report/summary.txt 2>/dev/null)" ] ||
        printf 'report/%s\n' $file
done | copy "$new"
built .json cell | while IFS= read -r stem; do
    for suffix in json samples log; do
        [ ! -f "build/$stem.$suffix" ] || printf '%s\n' "$stem.$suffix"
    done
done | copy "$new"
built .so '[a-z]*' | while IFS= read -r stem; do
    [ -s "build/$stem.log" ] || continue
    mkdir -p "$new/logs/${stem%/*}"
    shorten <"build/$stem.log" >"$new/logs/$stem.log"
done

for file in plan.json host.txt device.json ceilings.json; do
    [ ! -f "build/$file" ] || printf '%s\n' $file
done | copy "$new/configuration"
sed '/^tvm-ffi-was=/d' build/configure.args | shorten >"$new/configuration/options.txt"
printf '%s\n' "${commit:-unknown}" >"$new/configuration/commit.txt"
config=$(sed -n 's/^--config=//p' build/plan.args | tail -n 1)
[ -z "$config" ] || cp "$config" "$new/configuration/config.yaml"

cells=$(built .json cell | wc -l)
cat >"$new/index.txt" <<END
tracemill: $cells cells of commit ${commit:-unknown}
$(sed -n '1s/^tracemill: //p;2p' build/report/summary.txt)

report/report.html   for a browser, without network; report/summary.txt for a terminal
report/              the same for programs; report/traces/ as a FlashInfer-Trace dataset has them
traces/              each cell with its samples and log
logs/                what the compilers said
configuration/       options, plan, device and commit

./configure --baseline=THIS_FOLDER && ninja gate compares a later run with it.
END

# What ninja looks at beside the inputs that it knows.
{
    printf '%s:' "$index"
    for file in build/report/gate.json build/report/gate.md $config; do
        [ ! -f "$file" ] || printf ' %s' "$file"
    done
    echo
} >"$folder.d"
[ ! -e "$folder" ] || mv "$folder" "$folder.old"
mv "$new" "$folder" || fail "cannot rename $new to $folder"
printf 'artifact: %s, %s files, %s\n' "$folder" "$(find "$folder" -type f | wc -l)" "$(du -sh "$folder" | cut -f 1)"
