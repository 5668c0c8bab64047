#!/usr/bin/env bash
# Bad input ends with exit status 1 and one line on standard error that says what is wrong.
set -euo pipefail
source_dir=$1 mpower=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
fails=0

# expect PATTERN ARGS...: mpower ARGS fails with one line that matches PATTERN.
expect() {
    local pattern=$1 status=0
    shift
    timeout 20 "$mpower" "$@" >out 2>err </dev/null || status=$?
    if [ "$status" != 1 ] || [ "$(wc -l <err)" != 1 ] || [ -s out ] || ! grep -qE -e "$pattern" err; then
        echo "FAIL: mpower $*: status $status, expected 1 and one line like '$pattern'; got:"
        cat out err
        fails=1
    fi
}

# A small valid image: ELF64, little-endian PowerPC, one segment of 16 bytes.
perl -e 'print pack("a4C5x7v2Vq<q<q<Vv6", "\x7fELF", 2, 1, 1, 0, 0, 2, 21, 1, 0, 64, 0, 0, 64, 56, 1, 0, 0, 0),
               pack("V2q<6", 1, 7, 120, 0, 0, 16, 16, 65536), "\0" x 16' >good.elf
perl -pe 's/^(.{18})../$1\x3e\0/s' good.elf >x86.elf
perl -pe 's/^(.{4})./$1\x01/s' good.elf >elf32.elf
head -c 10 good.elf >ten.elf
head -c 50 good.elf >header.elf
head -c 100 good.elf >phdr.elf
head -c 125 good.elf >segment.elf
echo text >text.elf
: >empty.elf
perl -e 'my $e = do { local (@ARGV, $/) = "good.elf"; <> }; substr($e, 64 + 40, 8) = pack("q<", 1 << 40); print $e' >huge.elf
perl -e 'my $e = do { local (@ARGV, $/) = "good.elf"; <> }; substr($e, 64 + 16, 8) = pack("Q<", 0xc000000000000000 + (255 << 20)); print $e' >high.elf
perl -e 'my $e = do { local (@ARGV, $/) = "good.elf"; <> }; substr($e, 32, 8) = pack("q<", -56); print $e' >wrap.elf
perl -e 'my $e = do { local (@ARGV, $/) = "good.elf"; <> }; substr($e, 24, 8) = pack("q<", 4096); print $e' >entry.elf
head -c 100M /dev/zero >initrd

expect 'no -kernel'
expect 'no-such-file: No such file' -kernel no-such-file
expect 'not a file' -kernel .
expect 'not a file' -kernel empty.elf
expect 'not an ELF' -kernel text.elf
expect 'x86-64' -kernel x86.elf
expect '32-bit' -kernel elf32.elf
expect 'ELF' -kernel ten.elf
expect 'truncated' -kernel header.elf
expect 'truncated' -kernel phdr.elf
expect 'truncated' -kernel segment.elf
expect 'truncated' -kernel wrap.elf
expect 'larger|RAM' -kernel huge.elf
expect 'RAM' -kernel high.elf -m 128
expect 'entry point' -kernel entry.elf
expect '100 MiB' -kernel good.elf -initrd initrd -m 64
expect '100 MiB' -kernel good.elf -initrd initrd -m 104
expect '-initrd nothing: No such file' -kernel good.elf -initrd nothing
for smp in 0 -1 100000; do expect "-smp $smp" -kernel good.elf -smp "$smp"; done
expect 'smp' -kernel good.elf -smp many
for size in 12Q -5 -64M 99999999T 18446744073709551680M 64.5M x ''; do
    expect "-m $size: not a size" -kernel good.elf -m "$size"
done
for size in 0 1 63 63M 100K 1025K 65535K; do expect "-m $size: too little" -kernel good.elf -m "$size"; done
expect 'multiple' -kernel good.elf -m 65537K
more=$(awk '/MemTotal|SwapTotal/ { sum += $2 } END { print int(sum / 1048576) + 64 "G" }' /proc/meminfo)
for size in "$more" 4T; do expect "-m $size: more than the host" -kernel good.elf -m "$size"; done
expect '-cpu power7' -kernel good.elf -cpu power7
expect '-accel kvm' -kernel good.elf -accel kvm
expect '-reservations lax' -kernel good.elf -reservations lax
expect '-accel verify: one vCPU' -kernel good.elf -accel verify -smp 2
expect '-jitdump no/such/dir/jit-[0-9]+.dump: No such file' -kernel good.elf -jitdump no/such/dir
expect '-jitdump: give a folder' -kernel good.elf -jitdump ''
expect 'interp makes no code' -kernel good.elf -accel interp -perfmap
expect '-serial nowhere' -kernel good.elf -serial nowhere
expect 'No such file' -kernel good.elf -serial file:no/such/dir
expect '-d: unknown log set .bogus' -kernel good.elf -d int,bogus
expect '-rtc' -kernel good.elf -rtc base=tomorrow
expect 'slow-time' -kernel good.elf -slow-time 0
expect 'not implemented' -kernel good.elf -incoming tcp:1
expect 'frobnicate' -kernel good.elf -frobnicate
expect 'kernel' -kernel

# The map's name has the process id, which exec keeps.
status=0
(
    mkdir "/tmp/perf-$BASHPID.map"
    echo "$BASHPID" >pid
    exec "$mpower" -kernel good.elf -perfmap >out 2>err </dev/null
) || status=$?
rmdir "/tmp/perf-$(<pid).map"
[ "$status" = 1 ] && [ "$(wc -l <err)" = 1 ] && grep -q -e '-perfmap /tmp/perf-[0-9]*.map: Is a directory' err ||
    { echo "FAIL: -perfmap that cannot be created: status $status"; cat err; fails=1; }

status=0
"$mpower" -help >out 2>err || status=$?
[ "$status" = 0 ] && grep -q -- --kernel out || { echo "FAIL: -help"; fails=1; }

# tools/run, too, says in one line what is wrong, before it does anything.
for arguments in "--frobnicate" "--smp" "--add no-such-path" "--kernel no-such-file" "--initrd no-such-file"; do
    status=0
    # shellcheck disable=SC2086
    "$source_dir/tools/run" $arguments >out 2>err </dev/null || status=$?
    if [ "$status" != 1 ] || [ "$(wc -l <err)" != 1 ]; then
        echo "FAIL: tools/run $arguments: status $status"
        cat err
        fails=1
    fi
done
[ "$fails" = 0 ] && echo PASS
exit $fails
