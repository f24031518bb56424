#!/bin/sh
# SPDX-License-Identifier: MIT
# Debian's strace and gdb at work, in the guest; debuggers.py compares what is printed. A line
# "## NAME" begins each step.
P=/debuggers/debuggee
cd /tmp || exit 1

step() { echo "## $1"; }

# gdb_do MODE COMMAND...: a batch session on the program in that mode
gdb_do() {
	mode=$1
	shift
	for c in 'set pagination off' 'set confirm off' 'set auto-load off' 'set print thread-events off' "$@"; do
		echo "$c"
	done > commands
	gdb -nx -batch -x commands --args $P "$mode" 2>&1
	echo "gdb ends with $?"
}

step "strace, calls"
strace -f -ff -o out -e trace=openat,close,pipe2,kill,read,write,dup2,dup3,unlink,unlinkat,exit_group \
	-e 'signal=!chld' $P calls
echo "status $?"
for f in out.*; do
	echo "a process"
	cat "$f"
done
rm -f out.*

step "strace, a program that a signal ends"
strace -e trace=exit_group -o out $P crash
echo "status $?"
cat out
rm -f out

step "strace, counting"
strace -f -c -e trace=pipe2,kill -o out $P calls
grep -c pipe2 out
rm -f out

step "gdb, breakpoints and steps"
gdb_do plain 'break leaf' run bt 'info args' finish step next 'print counter' 'print table' \
	'info breakpoints' delete continue

step "gdb, conditions, commands and changes"
gdb_do plain 'break leaf if a == 4' run 'print real' 'set var counter = 100' 'print leaf(1)' \
	'print $_siginfo.si_signo' delete 'set var counter = 2' 'print counter' kill

step "gdb, watchpoints"
gdb_do plain 'break plain' run 'watch table[2]' continue bt delete 'rwatch real' continue \
	'info watchpoints' delete continue

step "gdb, hardware breakpoints"
gdb_do plain 'break main' run 'hbreak leaf' 'hbreak middle' continue continue continue delete continue

step "gdb, instructions"
gdb_do plain 'break middle' run stepi stepi nexti 'print $pc != 0' 'until 26' delete continue

step "gdb, threads"
gdb_do thread 'break leaf' run 'thread' 'bt 2' continue 'print a' 'print $_thread' \
	delete continue

step "gdb, fork: the child"
gdb_do fork 'set follow-fork-mode child' 'break leaf' run 'bt 2' continue

step "gdb, fork: the parent"
gdb_do fork 'set detach-on-fork on' 'catch fork' run delete continue

step "gdb, system calls"
gdb_do calls 'catch syscall kill' 'handle SIGUSR1 stop print pass' run continue delete continue 'print counter' continue

step "gdb, a signal that ends the program"
gdb_do crash run 'print $_siginfo.si_signo' 'print $_siginfo._sifields._sigfault.si_addr' 'frame 0' 'frame 1'

step "gdb, a core file"
ulimit -c unlimited
echo core > /proc/sys/kernel/core_pattern
$P crash
echo "status $?"
gdb -nx -batch -ex 'frame 0' -ex 'frame 1' -ex 'print table' -ex 'print counter' \
	-ex 'print $_siginfo.si_signo' $P core 2>&1
gdb -nx -batch -ex 'info threads' $P core 2>&1 | grep -c LWP
rm -f core

step "gdb, attaching"
$P sleep &
gdb -nx -batch -ex 'print counter' -ex 'set var counter = 9' -ex detach -p $! $P 2>&1 | grep -E '^\$|etach'
wait $!
echo "status $?"

step "gcore from outside"
$P sleep &
gdb -nx -batch -ex 'generate-core-file core' -ex 'set var counter = 4' -ex detach -p $! $P 2>&1 | grep -c 'Saved corefile'
wait $!
echo "status $?"
gdb -nx -batch -ex 'print counter' -ex 'print table' $P core 2>&1 | grep -E '^\$'
rm -f core

step end
