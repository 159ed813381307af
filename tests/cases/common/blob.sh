# blob.sh: safetensors files, good and hostile, from their parts. Sourced by a case's cmd.
# shellcheck shell=sh

# Eight bytes, the least significant first.
little_endian() { # number
    value=$1
    for _ in 1 2 3 4 5 6 7 8; do
        # shellcheck disable=SC2059 # an escape on purpose
        printf "\\$(printf '%03o' $((value & 255)))"
        value=$((value >> 8 & 0x00ffffffffffffff))
    done
}

# blob FILE HEADER DATA_BYTES [HEADER_BYTES]: zeros behind a header that claims to be HEADER_BYTES
# long, by default as long as it is.
blob() {
    mkdir -p "$(dirname "$1")"
    {
        little_endian "${4:-${#2}}"
        printf '%s' "$2"
        head -c "$3" /dev/zero
    } >"$1"
}
