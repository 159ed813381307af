#!/bin/sh
# toolchain.sh OUTPUT COMMAND...: what compiles, for a build edge: a checksum of each program behind
# the commands, such as gcc, "ccache gcc" or nvcc, and of the programs that they start.
#
# OUTPUT.d lists those programs, by the name that was found and by the file behind it, and their
# folders: a package manager installs files that are older than what was built yesterday.
set -eu
output=$1
shift

find_program() { # name
    command -v "$1" 2>/dev/null | grep / || :
}
programs() { # command
    # shellcheck disable=SC2086 # words on purpose
    for word in $1; do
        case $word in
        -*) continue ;;
        esac
        find_program "$word"
    done
    # shellcheck disable=SC2086
    for name in cc1 cc1plus collect2 as ld; do
        find_program "$($1 -print-prog-name=$name 2>/dev/null || :)"
    done
    last=${1##* }
    case ${last##*/} in
    *nvcc*)
        # shellcheck disable=SC2086
        folder=$($1 --dryrun -x cu /dev/null 2>&1 | sed -n 's/^#\$ _HERE_=//p')
        for name in cudafe++ ptxas fatbinary nvlink ../nvvm/bin/cicc; do
            find_program "$folder/$name"
        done
        ;;
    esac
}
# clang is a small program before a large library.
with_libraries() {
    while IFS= read -r program; do
        printf '%s\n' "$program"
        ldd "$program" 2>/dev/null | sed -n 's,.* => \(/.*/lib\(LLVM\|clang\)[^ ]*\) .*,\1,p'
    done
}
list=$(for command; do programs "$command"; done | with_libraries | LC_ALL=C sort -u)
printf '%s\n' "$list" | while IFS= read -r program; do
    printf '%s %s\n' "$program" "$(cksum <"$program")"
done >"$output.tmp"
{
    printf '%s:' "$output"
    printf '%s\n' "$list" | while IFS= read -r program; do
        file=$(readlink -f "$program")
        printf '%s\n' "$program" "$file" "${program%/*}/" "${file%/*}/"
    done | LC_ALL=C sort -u | sed 's/[ #]/\\&/g; s/\$/$$/g; s/^/ /' | tr '\n' ' '
    echo
} >"$output.d"
mv "$output.tmp" "$output"
