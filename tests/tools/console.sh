#!/usr/bin/env bash
# Options' values, and the console: what a guest is given, a pipe that it does not read, a terminal after a crash, signals.
set -euo pipefail
export LC_ALL=C
mpower=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
fail() { echo "FAIL: $*"; exit 1; }

# image CODE: a little-endian ELF with the instructions CODE (32-bit numbers; the guest starts big-endian).
image() {
    perl -e 'my $code = pack("N*", map { hex } @ARGV); my $n = length $code;
        print pack("a4C5x7v2Vq<q<q<Vv6", "\x7fELF", 2, 1, 1, 0, 0, 2, 21, 1, 0, 64, 0, 0, 64, 56, 1, 0, 0, 0),
              pack("V2q<6", 1, 7, 120, 0, 0, $n, $n, 65536), $code' "$@"
}
image 48000000 >spin.elf
# Writes the device tree's bytes from r3 + 0 to the console, 16 at a time: 4096 calls of H_PUT_TERM_CHAR; then spins.
image 7c7e1b78 38001000 7c0903a6 38600058 38800000 38a00010 e8de0000 e8fe0008 44000022 3bde0010 4200ffe4 48000000 >tree.elf

# tree_of ARGS...: the guest's device tree, in the file `tree`, when mpower gets ARGS.
tree_of() { timeout 2 "$mpower" -kernel tree.elf "$@" </dev/null >tree || true; }
tree_of -append -xyz
grep -qaP -- '-xyz\0' tree && ! grep -qaP -- '--xyz\0' tree || fail "-append -xyz: the guest has something else"
tree_of -append 'xyzzy=1 -m' -m 128
grep -qaP 'xyzzy=1 -m\0' tree || fail "-append 'xyzzy=1 -m': the guest has something else"
tree_of -append first -append second
grep -qaP 'second\0' tree || fail "of a repeated -append, the last one does not count"

# A pipe that the guest does not read is read for a few KiB only.
mkfifo pipe
"$mpower" -kernel spin.elf <pipe >/dev/null &
pid=$!
written=$(perl -e '$SIG{PIPE} = "IGNORE"; use Fcntl; open(my $p, ">", "pipe") or die; fcntl($p, F_SETFL, O_NONBLOCK);
    my $sum = 0; my $block = "x" x 4096;
    for (1 .. 20) { while ((my $n = syswrite($p, $block)) // 0) { $sum += $n } select undef, undef, undef, 0.05 }
    print $sum')
[ "$written" -ge 4096 ] && [ "$written" -lt 200000 ] || fail "$written bytes were taken from a pipe that nobody reads"

# A stray SIGUSR1 does not make SIGTERM unheard.
kill -USR1 $pid
sleep 0.3
kill -0 $pid || fail "SIGUSR1 ended the program"
kill -TERM $pid
status=0
timeout 10 tail --pid=$pid -f /dev/null || { kill -KILL $pid; fail "SIGTERM after SIGUSR1 was not heard"; }
wait $pid || status=$?
[ "$status" = 143 ] || fail "status $status after SIGTERM, not 143"

# The terminal is as it was found after a crash, an abort, and SIGTERM.
for signal in SEGV ABRT QUIT TERM; do
    cat >session <<SESSION
stty -a >before
"$mpower" -kernel spin.elf </dev/tty &
pid=\$!
for n in \$(seq 100); do stty -a >during; cmp -s before during || break; sleep 0.05; done
kill -$signal \$pid
wait \$pid
stty -a >after
SESSION
    ulimit -c 0
    timeout 30 script -qec 'bash session' /dev/null >/dev/null 2>&1 </dev/null || true
    cmp -s before during && fail "the terminal did not become raw"
    cmp before after || fail "the terminal differs after SIG$signal"
done
echo PASS
