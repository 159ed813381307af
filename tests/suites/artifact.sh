#!/bin/sh
# artifact.sh: `ninja artifact` has what a CI system keeps, of failing cells too, and nothing of an
# older plan or of who built it; it is all that the gate needs. Then the shell lines of the
# workflows in docs/ci, as they stand there, with folders for runners.
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

top=$PWD build=$scratch/bench
data=$scratch/data
start_build "$build"
cp -R "$tests/data/tiny" "$data"
cd "$build" || exit 1
options='--arch=cpu --authors=tiny --workloads=all --iterations=5 --num-trials=1 --warmup-runs=0'
configure() { # further options
    # shellcheck disable=SC2086 # words on purpose
    "$srcdir/configure" $options --dataset="$data" "$@" >configure.log 2>&1 || {
        cat configure.log
        exit 3
    }
}
artifact() {
    TOKEN=se-cr-et ninja artifact >artifact.log 2>&1
    status=$?
    [ $status -eq 0 ] || cat artifact.log
}
folder=build/artifact
traces() {
    (cd "$1" && find . -type f | sort)
}

sed -i 's/tiny_use(300);/tiny_use(300); return 1;/' "$data/kernels/tiny/narrow/narrow.c"
echo '#error broken on purpose' >>"$data/kernels/tiny/wide/wide.c"
cp "$srcdir/docs/config.example.yaml" my.yaml
configure --config="$build/my.yaml"
artifact
expect 'artifact/with failing cells' '0 4' "$status $(grep -c '"status":"PASSED"' $folder/report/traces/tiny/*/*.jsonl |
    awk -F: '{ sum += $2 } END { print sum }')"
expect 'artifact/says its size' 1 \
    "$(grep -c '^artifact: build/artifact, [0-9]* files, [0-9.]*[KM]$' artifact.log)"
expect 'artifact/each file of build/traces' "$(traces build/traces)" "$(traces $folder/traces)"
expect 'artifact/samples' 4 "$(find $folder/traces -name '*.samples' | wc -l)"
expect 'artifact/report' "$(traces build/report)" "$(traces $folder/report)"
expect 'artifact/logs of compilers' logs/solutions/wide.log "$(cd $folder && find logs -name wide.log)"
expect 'artifact/configuration' 'ceilings.json commit.txt config.yaml device.json host.txt options.txt plan.json' \
    "$(cd $folder/configuration && echo *)"
expect 'artifact/options' --config=.../my.yaml "$(grep config $folder/configuration/options.txt)"
expect 'artifact/no environment' '' "$(grep -rl se-cr-et $folder)"
# A compiler's words name files; beside the traces, and what reports tell of them, nothing does.
expect 'artifact/no paths of the builder' '' \
    "$(cd $folder && grep -rlF -e "$scratch" -e "$HOME/" configuration logs index.txt)"
ninja -d explain artifact >again.log 2>&1
expect 'artifact/again' 'ninja: no work to do.' "$(tail -n 1 again.log)"

# Formats, by other programs.
if command -v xmllint >/dev/null && command -v jq >/dev/null; then
    xmllint --noout $folder/report/junit.xml
    expect 'formats/JUnit is XML' 0 $?
    expect 'formats/JUnit has all cells' '8 8' \
        "$(xmllint --xpath 'concat(count(//testcase[@name!=""][not(starts-with(@name, "solution "))]), " ", 8)' $folder/report/junit.xml)"
    expect 'formats/github-action-benchmark' 4 "$(jq '[.[] | select((.name | type == "string") and .unit == "ns"
        and (.value | type == "number" and . > 0) and (.range | test("^± [0-9]+[.][0-9]+$")) and (.extra | type == "string"))] | length' \
        $folder/report/github-action-benchmark.json)"
    # The schema that Bencher publishes, and the value between its bounds.
    expect 'formats/Bencher' 4 "$(jq '[.[] | select(all(.[]; .value | type == "number")) | .latency |
        select(.lower_value <= .value and .value <= .upper_value)] | length' $folder/report/bencher.json)"
else
    skipped formats 'xmllint and jq are not there (./configure --install-deps=dev)'
fi
if command -v python3 >/dev/null; then
    expect 'formats/CSV' '8 19 4 True' "$(python3 -c 'import csv, sys
rows = list(csv.reader(open(sys.argv[1], newline="", encoding="utf-8"), strict=True))
cells = [dict(zip(rows[0], row)) for row in rows[1:]]
print(len(cells), *set(map(len, rows)), sum(bool(c["latency_ms"]) for c in cells),
    all((c["status"] == "PASSED") == bool(c["latency_ms"]) for c in cells))' $folder/report/report.csv)"
else
    skipped formats/CSV 'python3 is not there'
fi

# The gate needs nothing else, wherever it was unpacked; its verdict is in the next artifact, and
# not in one that is made after another run.
mkdir ../kept && tar -C $folder -cf - . | tar -C ../kept -xf - && rm -r "$folder"
configure --config="$build/my.yaml" --baseline=../kept
ninja gate >gate.log 2>&1
expect 'gate/of an artifact' "0 gate passed: 4 FAILING, 4 SAME" "$? $(grep '^gate ' gate.log)"
expect 'gate/with its samples' '../kept/traces 0' \
    "$(sed -n 's/^    "path": "\(.*\)",$/\1/p' build/report/gate.json) $(sed -n 's/^  "without_samples": \([0-9]*\),*$/\1/p' build/report/gate.json)"
artifact
expect 'artifact/verdict of the gate' 'gate.json gate.md' "$(cd $folder/report && echo gate.*)"
sed -i 's/ return 1;//' "$data/kernels/tiny/narrow/narrow.c"
configure --solutions=narrow,plain
artifact
expect 'artifact/no older verdict' '0 gate.*' "$status $(cd $folder/report && echo gate.*)"
expect 'artifact/no older cells' 'narrow plain' \
    "$(find $folder/traces -mindepth 4 -maxdepth 4 -type d -printf '%f\n' | sort -u | xargs)"
expect 'artifact/no paths without a failure' '' \
    "$(grep -rlF -e "$scratch" -e "$HOME/" -e "$srcdir/" $folder)"

# What is there is replaced as a whole or not at all.
before=$(traces $folder)
"$srcdir/reports/artifact.sh" $folder/index.txt name build/report/missing >artifact.log 2>&1
expect 'artifact/a missing file' "1 artifact: error: cannot copy files of build/ to build/artifact.new: see above; mend that and repeat ninja artifact" \
    "$? $(tail -n 1 artifact.log)"
# A file may be as large as a full disk lets it.
(ulimit -f 16 && exec "$srcdir/reports/artifact.sh" $folder/index.txt name build/report/report.html) >artifact.log 2>&1
expect 'artifact/a full disk' "1 artifact: error: cannot copy files of build/ to build/artifact.new: see above; mend that and repeat ninja artifact" \
    "$? $(tail -n 1 artifact.log)"
expect 'artifact/the last one stays' "$before" "$(traces $folder)"
expect 'artifact/nothing beside it' build/artifact "$(echo build/artifact*)"
rm -r "$folder"
configure --launcher=false
expect 'artifact/no device' 'failed missing 1' \
    "$(ninja artifact >artifact.log 2>&1 || echo failed) $([ -e $folder ] || echo missing) $(grep -c '^FAILED: .*build/found/device.json' artifact.log)"

# ---- the workflows ----

# What a runner has that this machine may not have: each stands for the service's own.
mkdir "$scratch/stubs" "$scratch/store" "$scratch/tmp"
cat >"$scratch/stubs/gh" <<END
#!/bin/sh
case "\$*" in
"run list "*) [ ! -e $scratch/store/index.txt ] || echo 42 ;;
"run download 42 --name=bench --dir=baseline") cp -R $scratch/store baseline ;;
*) exit 9 ;;
esac
END
cat >"$scratch/stubs/curl" <<END
#!/bin/sh
[ -e $scratch/store/index.txt ] && case "\$*" in *"--output $scratch/tmp/baseline.zip "*job=bench) ;; *) exit 9 ;; esac
END
cat >"$scratch/stubs/unzip" <<END
#!/bin/sh
[ "\$*" = "-q $scratch/tmp/baseline.zip -d baseline" ] && mkdir -p baseline/build && cp -R $scratch/store baseline/build/artifact
END
echo 'exit 0' >"$scratch/stubs/apt-get"
chmod +x "$scratch"/stubs/*
PATH=$scratch/stubs:$PATH
export PATH
# The image's packages are here already, /tmp is not ours alone, and nothing is compressed for seconds.
localized() {
    sed "s, --install-deps,,; s,/tmp/,$scratch/tmp/,g; s, -czf , -cf ,; s, -xzf , -xf ,"
}
# github NAME: the lines of the step, as the runner calls them, in this folder.
github() {
    awk -v name="      - name: $1" '
        $0 == name { inside = 1; next }
        inside && /^      - / { exit }
        inside && /^        run: [^|]/ { sub(/^        run: /, ""); print; exit }
        inside && /^        run: \|/ { block = 1; next }
        block { if (/^          /) print substr($0, 11); else exit }
    ' "$srcdir/docs/ci/github-actions.yml" | localized >"$scratch/step"
    [ -s "$scratch/step" ] || {
        failed "workflow/$1" 'no such step in docs/ci/github-actions.yml'
        finish
    }
    sh -e "$scratch/step" >"$scratch/step.log" 2>&1
}
# gitlab JOB: its script.
gitlab() {
    awk -v job="$1:" '
        $0 == job { inside = 1; next }
        inside && /^[a-z]/ { exit }
        inside && /^  script:/ { script = 1; next }
        script && /^  [a-z]/ { exit }
        script && /^    - \|/ { next }
        script && /^    - '"'"'/ { sub(/^    - ./, ""); sub(/.$/, ""); print; next }
        script { sub(/^    - |^      /, ""); print }
    ' "$srcdir/docs/ci/gitlab-ci.yml" | localized >"$scratch/step"
    sh -e "$scratch/step" >"$scratch/step.log" 2>&1
}
# A runner's folder with a checkout: ./configure, and kernels of its own.
checkout() { # folder
    cd "$top" || exit 1
    rm -rf "$1"
    start_build "$1"
    rm -f "$1/build.ninja" "$1/build/configure.args"
    cp -R "$tests/data/tiny" "$1/data"
    printf '#!/bin/sh\nexec %s/configure "$@"\n' "$srcdir" >"$1/configure"
    chmod +x "$1/configure"
    cd "$1" || exit 1
}
edges() { # of ninja's log, each output once
    grep -v '^#' build/.ninja_log | cut -f1,3,4 | sort
}
OPTIONS="$options --dataset=data --definitions=tiny_h64 --solutions=narrow,wide" GITHUB_STEP_SUMMARY=$scratch/summary
export OPTIONS GITHUB_STEP_SUMMARY GITHUB_REF_NAME
# run_github REF: the jobs, with their statuses in $statuses.
run_github() {
    GITHUB_REF_NAME=$1
    if ! github Compile || ! github Pack; then cat "$scratch/step.log"; fi
    edges >"$scratch/compiled"
    mkdir -p "$scratch/third" && cd "$scratch/third" && rm -rf baseline && github 'Last run of main'
    statuses=$?
    mkdir -p "$scratch/second" && cd "$scratch/second" && echo old >old
    github Unpack || cat "$scratch/step.log"
    [ ! -d "$scratch/third/baseline" ] || cp -R "$scratch/third/baseline" baseline
    github Bench
    statuses="$statuses $?"
    edges | comm -13 "$scratch/compiled" - | cut -f3 | grep -v '/traces/' | sort -u | xargs >"$scratch/ran"
    github Gate
    statuses="$statuses $?"
    mv "$scratch/step.log" "$scratch/gate.log"
    : >"$GITHUB_STEP_SUMMARY"
    github Keep
    statuses="$statuses $?"
}

checkout "$scratch/first"
run_github main
expect 'github/first run of main' '0 0 0 0' "$statuses"
expect 'github/compiles nothing where it runs' \
    'build/ceilings.json build/report/bencher.json build/report/github-action-benchmark.json build/report/junit.xml build/report/report.csv build/report/report.html build/report/report.json build/report/report.md build/report/summary.txt' \
    "$(cat "$scratch/ran")"
expect 'github/a runner is cleared' missing "$([ -e old ] || echo missing)"
expect 'github/no baseline yet' 'no run of main to compare with' "$(cat "$scratch/gate.log")"
expect 'github/summary' '4 passed' "$(sed -n 's/^    \(4 passed\)$/\1/p' "$GITHUB_STEP_SUMMARY")"
cp -R build/artifact/. "$scratch/store"

checkout "$scratch/first"
run_github 7/merge
expect 'github/an equal pull request' '0 0 0 0 gate passed: 4 SAME' "$statuses $(grep '^gate ' "$scratch/gate.log")"
expect 'github/verdict in the summary' '1' "$(grep -c '4 SAME' "$GITHUB_STEP_SUMMARY")"

checkout "$scratch/first"
sed -i 's/tiny_use(300);/tiny_use(300); return 1;/' data/kernels/tiny/narrow/narrow.c
run_github 8/merge
expect 'github/a broken pull request' '0 0 1 0' "$statuses"
expect 'github/its artifact' 'gate.json gate.md' "$(cd build/artifact/report && echo gate.*)"
GITHUB_REF_NAME=main github Gate
expect 'github/the same on main' 0 $?

CI_PROJECT_DIR=$scratch/second CI_DEFAULT_BRANCH=main CI_COMMIT_REF_NAME=main CI_JOB_TOKEN=t
CI_API_V4_URL=https://gitlab.example/api/v4 CI_PROJECT_ID=1
export CI_PROJECT_DIR CI_DEFAULT_BRANCH CI_COMMIT_REF_NAME CI_JOB_TOKEN CI_API_V4_URL CI_PROJECT_ID
run_gitlab() {
    gitlab compile || cat "$scratch/step.log"
    edges >"$scratch/compiled"
    mkdir -p "$scratch/second" && mv tree.tar.gz "$scratch/second" && cd "$scratch/second" || exit 1
    gitlab bench
    status=$?
}
mv "$scratch/store" "$scratch/stored"
checkout "$scratch/first"
run_gitlab
expect 'gitlab/first run of main' "0 build/artifact 1" \
    "$status $(echo build/art*) $(grep -c '^no run of the main branch to compare with' "$scratch/step.log")"
mv "$scratch/stored" "$scratch/store"
checkout "$scratch/first"
sed -i 's/tiny_use(300);/tiny_use(300); return 1;/' data/kernels/tiny/narrow/narrow.c
CI_COMMIT_REF_NAME=mine
run_gitlab
expect 'gitlab/a broken merge request' '1 gate.json gate.md' "$status $(cd build/artifact/report && echo gate.*)"
expect 'gitlab/its verdict' '2' "$(jq .counts.REGRESSED build/artifact/report/gate.json)"
finish
