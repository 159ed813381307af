#!/bin/sh
# describe.sh OUTPUT COMMAND...: what `COMMAND... --describe` prints, for a build edge.
#
# OUTPUT.d lists what the description hangs on beside the worker: the libraries that it loaded (with
# a GPU: the driver's and CUPTI), by the name that the loader found and by the file behind it; their
# folders, since packages bring old time stamps; and the device nodes, which a restart or another
# driver makes anew. A launcher may have run the worker on another machine: what is not there on
# this one is left out.
set -eu
output=$1
shift
"$@" --describe --libraries="$output.libs" >"$output.tmp"

inputs() {
    while IFS= read -r library; do
        [ -e "$library" ] || continue
        file=$(readlink -f "$library")
        printf '%s\n' "$library" "$file" "${library%/*}/" "${file%/*}/"
    done <"$output.libs"
    for node in /dev/nvidia[0-9]* /dev/nvidiactl; do
        [ ! -e "$node" ] || printf '%s\n' "$node"
    done
}
{
    printf '%s:' "$output"
    inputs | LC_ALL=C sort -u | sed 's/[ #]/\\&/g; s/\$/$$/g; s/^/ /' | tr '\n' ' '
    echo
} >"$output.d"
rm "$output.libs"
mv "$output.tmp" "$output"
