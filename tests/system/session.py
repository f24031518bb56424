#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Holds a scripted shell session on a console and prints KTAP.

usage: tests/system/session.py [--timeout S] [--log FILE] -- COMMAND ARGS...

COMMAND starts a machine with the default initramfs and gives its serial console on the
standard streams, Ctrl-C and Ctrl-Z passed through: scripts/vm, or QEMU itself with
`-chardev stdio,id=c,signal=off -serial chardev:c`. The machine may run any kernel.
Exit status: 0 all passed, 1 a failure, 2 usage.
"""

import argparse
import sys

import pexpect

PROMPT = r'aegis:[^\r\n]*# '

# What is typed, what must come back. Control characters are sent as they are.
STEPS = [
    ('arithmetic', 'echo $((6*7))\n', r'\n42\r'),
    ('first process', 'readlink /proc/1/exe\n', r'/sbin/init'),
    ('mounts', 'grep -c -E " /(proc|sys|dev|dev/pts|dev/shm|tmp|run) " /proc/mounts\n', r'\n7\r'),
    ('controlling terminal', 'tty; echo hi >/dev/tty\n', r'/dev/tty\w+\r[^#]*\nhi\r'),
    ('own session', 'set -- $(cat /proc/$$/stat); [ $6 = $$ ] && echo leader\n', r'\nleader\r'),
    ('pipes', 'seq 1 1000 | sort -n | tail -n 1; yes | head -n 2 | wc -l\n', r'\n1000\r[^#]*\n2\r'),
    ('exit status', 'sh -c "exit 7"; echo rc=$?\n', r'\nrc=7\r'),
    ('fork and wait', 'for i in 1 2 3 4 5 6 7 8; do (exit $i) & done; wait; echo all\n', r'\nall\r'),
    ('orphans are reaped', '(sleep 0.2 &); sleep 1; ps -A -o STAT= | grep -c Z\n', r'\n0\r'),
    ('Ctrl-C', 'sleep 100\n\x03', None),
    ('Ctrl-C status', 'echo rc=$?\n', r'\nrc=130\r'),
    ('Ctrl-Z', 'sleep 100\n\x1a', r'Stopped'),
    ('jobs and fg', 'fg\n\x03', r'sleep 100'),
    ('files', 'echo text >/tmp/a && ln -s a /tmp/b && cat /tmp/b && stat -c %s /tmp/a\n',
     r'\ntext\r[^#]*\n5\r'),
    ('job control ends', 'kill -9 $$\n', r'killed by signal 9'),
    ('shell comes back', 'exit 3\n', r'-sh exited with status 3'),
]


class Silence(Exception):
    """The console gave nothing in time, or closed."""


def expect(console, pattern):
    if console.expect([pattern, pexpect.TIMEOUT, pexpect.EOF]) != 0:
        raise Silence(f'waiting for {pattern!r}, found {console.before[-200:]!r}')


def type_text(console, text):
    """Sends a line, and what follows it only once the line has been taken up."""
    line, _, rest = text.partition('\n')
    console.sendline(line)
    if rest:
        console.expect([pexpect.TIMEOUT], timeout=1)
        console.send(rest)


def step(console, text, pattern):
    type_text(console, text)
    if pattern:
        expect(console, pattern)
    expect(console, PROMPT)


def power_off(console):
    console.sendline('poweroff')
    expect(console, 'init: powering off')
    if console.expect([pexpect.EOF, pexpect.TIMEOUT]) != 0:
        raise Silence('the machine did not end')


def session(console):
    """Yields a (name, error or None) for each step; the first error ends it."""
    actions = [('boot to a prompt', lambda: expect(console, PROMPT))]
    actions += [(name, lambda t=text, p=pattern: step(console, t, p))
                for name, text, pattern in STEPS]
    actions.append(('power off', lambda: power_off(console)))
    for name, action in actions:
        try:
            action()
        except Silence as silence:
            yield name, str(silence)
            return
        yield name, None


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split('\n', 1)[0])
    parser.add_argument('--timeout', type=float, default=60, help='seconds for each step')
    parser.add_argument('--log', help='file that gets everything the console said')
    parser.add_argument('command', nargs='+')
    return parser.parse_args()


def report(console):
    failed = 0
    print(f'KTAP version 1\n1..{len(STEPS) + 2}')
    count = 0
    for name, error in session(console):
        count += 1
        print(f'{"not " if error else ""}ok {count} {name}', flush=True)
        if error:
            print(f'# {error}')
            failed += 1
    return count - failed, failed, len(STEPS) + 2 - count


def main():
    args = arguments()
    log = open(args.log, 'w', encoding='utf-8') if args.log else None
    console = pexpect.spawn(args.command[0], args.command[1:], timeout=args.timeout,
                            encoding='utf-8', codec_errors='replace', logfile=log)
    try:
        passed, failed, skipped = report(console)
    finally:
        console.close(force=True)
    print(f'{passed} passed, {failed} failed, {skipped} skipped')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
