# proofs.sh: what every script under tests/proofs begins with: `. "$(dirname "$0")/proofs.sh"`.
#
# A proof shows one promise about the numbers, on the machine where it runs: it configures a folder
# of its own, benches, prints a table and closes with PASS, FAIL or SKIP lines. None is a part of
# `ninja test`: they take minutes, and most want a GPU. Common options:
#   --arch=ARCH     as of configure (default: native)
#   --dataset=DIR   where a proof says so
# CC, NVCC, CPPFLAGS, LDFLAGS, LD_LIBRARY_PATH come from the environment, the folder from TMPDIR.
# shellcheck shell=sh
# shellcheck disable=SC2034 # what it sets is read by the scripts
# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"
proofs=$srcdir/tests/proofs
LC_ALL=C
export LC_ALL

arch=native dataset=''
for option in "$@"; do
    case $option in
    --arch=*) arch=${option#*=} ;;
    --dataset=*) dataset=$(cd "${option#*=}" && pwd) || exit 2 ;;
    *)
        # Others are variables that the script has set before.
        name=${option%%=*}
        name=${name#--}
        case $option in
        --*[!a-z]*=* | [!-]* | -[!-]*) name='' ;;
        --*=*) ;;
        *) name='' ;;
        esac
        if [ -z "$name" ] || ! eval "[ -n \"\${$name+set}\" ]"; then
            echo "$0: unknown option \"$option\"; see its first lines" >&2
            exit 2
        fi
        eval "$name=\${option#*=}"
        ;;
    esac
done

# The folder where this proof configures and benches. The toolkit, which takes longest to compile,
# is made once for all proofs of an architecture, and copied; in a build folder it is the tests'.
start() { # configure option...
    prepare "$@"
    compile
}

prepare() { # configure option...
    if [ "$arch" = cpu ] && [ -f build.ninja ]; then
        start_build "$scratch/bench"
    else
        toolkit=${TMPDIR:-/tmp}/tracemill-proofs-$(id -u)/$arch$(printf '%s' "$srcdir" | tr / _)
        mkdir -p "$toolkit" "$scratch/bench" || exit 2
        (
            cd "$toolkit" || exit 1
            mkdir -p nothing/definitions &&
                "$srcdir/configure" --arch="$arch" --dataset=nothing &&
                ninja tools build/lib/libharness.a &&
                if is_measurable; then ninja build/device.json build/ceilings.json; fi
        ) >"$scratch/toolkit.log" 2>&1 || {
            tail -n 30 "$scratch/toolkit.log" >&2
            failed toolkit 'it could not be built'
            finish
        }
        cp -a "$toolkit/." "$scratch/bench"
    fi
    cd "$scratch/bench" || exit 2
    "$srcdir/configure" --arch="$arch" "$@" >configure.log 2>&1 || {
        cat configure.log >&2
        failed configure 'see above'
        finish
    }
}

compile() {
    ninja >ninja.log 2>&1 || {
        tail -n 30 ninja.log >&2
        failed ninja 'see above'
        finish
    }
    if ! is_measurable; then
        skipped "$(basename "$0" .sh)" 'compiled; no GPU here'
        finish
    fi
}

# In a configured folder: whether its cells can run here.
is_measurable() {
    grep -q '^--backend=cpu' build/plan.args || nvidia-smi -L >/dev/null 2>&1
}

bench() { # log
    ninja bench >"$1" 2>&1 && return
    tail -n 30 "$1" >&2
    failed 'ninja bench' "see above"
    finish
}

# Processes of this folder's programs: id, path below build/. Those whose path contains a word.
processes() { # word
    find /proc/[0-9]*/exe -maxdepth 0 -lname "$PWD/build/*$1*" -printf '%h %l\n' 2>/dev/null |
        while read -r process program; do
            echo "${process#/proc/} ${program#"$PWD"/build/}"
        done
}

# Ends the keeper, and with it what it keeps: it looks for its socket now and then.
end_keeper() {
    rm -f build/run/*.sock
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        [ -n "$(processes '')" ] || return 0
        sleep 1
    done
    return 1
}

# The whole matrix once more, in fresh processes; its traces are listed in traces.txt.
bench_anew() { # log
    rm -rf build/traces
    end_keeper || failed "$(basename "$0" .sh)" 'the keeper does not end'
    bench "$1"
    find build/traces -name '*.json' | sort >traces.txt
}

# The first number of a key in a trace; "-" where there is none. Of trials[] a key is there once
# for each.
numbers() { # trace, key
    sed -n "s/^ *\"$2\": \\([-+0-9.eE]*\\),*\$/\\1/p" "$1"
}
median() { # of the numbers on standard input; "-" of none
    sort -g | awk '{ v[NR] = $1 }
        END { if (NR) print (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2; else print "-" }'
}
