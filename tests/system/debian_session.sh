# SPDX-License-Identifier: MIT
# A session with Debian's own programs: run by bash, in an empty directory, on any kernel. Each step prints
# "## name", then what it saw; nothing printed may differ from run to run on one kernel.
# tests/system/debian.py compares kernels by it.

export LC_ALL=C TZ=UTC0 PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
umask 022
shopt -s extglob globstar
step() { echo "## $*"; }
end() { echo "rc=$?"; }

step bash-arithmetic; echo $((2**40 + 7)) $((0x1f)) $((-7 / 2)) "${BASH_VERSINFO[0]}"
step bash-arrays; a=(one two three); declare -A m=([x]=1 [y]=2); echo "${a[@]:1}" "${#a[@]}" "${m[x]}${m[y]}"
step bash-strings; s=hello-world; echo "${s^^}" "${s/l/L}" "${s##*-}" "${s:2:3}" "${#s}"
step bash-process-substitution; diff <(printf 'a\nb\n') <(printf 'a\nc\n'); end
step bash-here-string; read -r x y <<<'one two'; echo "$y $x"
step bash-coproc; coproc cat; echo through >&"${COPROC[1]}"; read -r line <&"${COPROC[0]}"; echo "$line"; exec {COPROC[1]}>&-; wait
step bash-pipefail; set -o pipefail; false | true; end; set +o pipefail; false | true; end
step bash-traps; (trap 'echo exit' EXIT; trap 'echo term' TERM; kill -TERM $BASHPID; echo after)
step bash-wait-n; (exit 3) & wait -n; end; (exit 4) & wait $!; end
step bash-redirections; { echo out; echo err >&2; } 2>&1 | sort; exec 7>file; echo seven >&7; exec 7>&-; cat file
step bash-read-timeout; read -r -t 0.05 x </dev/zero; [ $? -gt 128 ]; end
step bash-limits; (ulimit -n 10; ulimit -n; exec 9</dev/null; exec 10</dev/null) 2>&1 | sed 's/.*line [0-9]*: //'
step bash-dev-fd; echo via | cat /dev/fd/0; echo via | cat /dev/stdin; cat /proc/self/fd/0 <<<here
step bash-globs; mkdir g; touch g/{a..e}.{c,h}; echo g/*.c g/!(*.c) ; rm -r g
step dash; dash -c 'set -- a b c; shift; echo $# $1; for i; do echo $i; done'

step coreutils-stat; touch -d '2001-02-03 04:05:06.789' t; stat -c '%y %a %h %s %F' t; stat -f -c '%T %l' . | sed 's/^ext.*/fs/'
step coreutils-ls; mkdir d; touch d/x; ln -s x d/l; chmod 4755 d/x; ls -l --time-style=+ d | cut -d' ' -f1,2,5-; ls -d --color=always d | od -c | head -2
step coreutils-cp; cp -a d d2; cp --sparse=always /dev/null e; dd if=/dev/zero of=big bs=1M count=3 status=none; cp --reflink=auto big big2; cmp big big2; end; stat -c '%s' big2
step coreutils-mv; mv d2 d3; mv -n t d3; mv -T d3 d4; ls d4
step coreutils-rm; rm -r d4; rm none; end; rm -f none; end
step coreutils-ln; ln t hard; stat -c %h t; ln -sf t soft; readlink soft; readlink -f soft | sed 's,.*/,,'; realpath --relative-to=. soft
step coreutils-install; install -D -m 640 t i/j/k; stat -c '%a %F' i i/j i/j/k
step coreutils-truncate; truncate -s 5000000000 huge; stat -c '%s %b' huge; truncate -s +1 huge; stat -c %s huge; rm huge
step coreutils-fallocate; fallocate -l 100000 fa; stat -c %s fa; fallocate -p -o 4096 -l 8192 fa; end
step coreutils-split; seq 100 >n; split -l 30 n part; wc -l part*; cat part* | cmp - n; end
step coreutils-sort; seq 20000 | shuf --random-source=/dev/zero | sort -n --parallel=4 -S 1M | md5sum
step coreutils-hash; md5sum n; sha1sum n; sha256sum n; sha512sum n | cut -c1-20; b2sum n | cut -c1-20; cksum n; base64 -w0 n | md5sum
step coreutils-text; nl n | tail -1; fold -w 3 <<<abcdefg; tac n | head -1; paste -sd+ n | md5sum; join <(printf 'a 1\nb 2\n') <(printf 'a x\nb y\n'); comm -12 n n | tail -1; tr a-z A-Z <<<abc; expand <<<$'a\tb'; od -An -tx1 <<<ab; rev <<<abc
step coreutils-tail; tail -n 2 n; tail -c 5 n; tail -n 1 -f n >followed & t=$!; until [ -s followed ]; do sleep 0.01; done; echo more >>n; until [ "$(wc -l <followed)" = 2 ]; do sleep 0.01; done; kill $t; wait $t; end; cat followed
step coreutils-timeout; timeout 0.05 sleep 5; end; { timeout -s KILL 0.05 sleep 5; } 2>/dev/null; end; timeout 5 true; end
step coreutils-env; env -i A=1 env; env -C / pwd; nice -n 5 nice; nohup true 2>/dev/null; end; stdbuf -oL echo buffered; printenv HOME
step coreutils-id; id -u; id -g; groups 2>/dev/null; whoami 2>/dev/null; end
step coreutils-date; date -u -d @1000000000; date -u -d '2024-02-29 +1 year' +%F; date -u -r t +%s
step coreutils-mk; mkfifo p; (echo fifo >p) & cat p; mknod nul c 1 3; stat -c '%F %t %T' nul p; mktemp -u XXXX | tr -c '\n' x; chmod u+s,g-w,o=t n; stat -c %a n
step coreutils-chown; chown 12:34 n; stat -c '%u %g' n; chgrp 56 n; stat -c %g n; chown --from=12 78 n; stat -c %u n
step coreutils-df; df --output=target / | tail -1; df -i . >/dev/null; end; du -s --apparent-size -b n; sync n; end; sync; end
step coreutils-misc; factor 1234567890123; nproc >/dev/null; end; seq -w 8 11 | xargs; expr 7 % 4; test -p p; end; test n -nt t; end; uname -s; arch | sed 's/aarch64\|x86_64/ARCH/'; pathchk -p a/b; end; yes | head -2; link t t2; unlink t2; numfmt --to=iec 123456789; shred -n1 -u t; end; tty; hostid >/dev/null; end

step findutils; find . -newer n -prune -o -name 'part*' -print | sort; find i -type f -exec stat -c %n {} +; find . -xtype l; find . -maxdepth 1 -size +2M | sort; printf 'a b\nc\n' | xargs -n1 -P2 echo | sort; find i -delete; ls i 2>&1
step grep; grep -c 1 part*; grep -rl 42 . | sort; grep -P '^\d{3}$' n; grep -o '[0-9]$' part* | sort | uniq -c; printf 'a\0b\0' | grep -z b | tr '\0' '\n'; grep none n; end
step sed; sed -n '5,7p;$=' n; sed -i.bak 's/^1/X/' n; diff n n.bak | head -4; sed 's/\(.\)\(.\)/\2\1/;ta;s/^/-/;:a' <<<$'ab\nc'; sed -E 's/(a|b)+/<&>/g' <<<xabby
step awk; mawk 'BEGIN { x["a"] = 1; for (i = 0; i < 5; i++) s = s i; print s, length(s), substr(s, 2, 2), sqrt(2), sin(1) } { n += $1 } END { print n, NR }' part*; mawk '{ print | "sort -rn" }' partaa | head -2; mawk 'BEGIN { "echo sub" | getline x; print x; system("exit 3") }'
step diffutils; diff -u n n.bak | tail -n +3 | head; cmp n n.bak; end; diff -rq . . ; end; sdiff -s <(echo a) <(echo b)
step tar; mkdir tt; cp n tt; ln -s n tt/s; ln tt/n tt/h; mkfifo tt/f; tar -cf a.tar --sort=name --mtime=@0 tt; tar -tvf a.tar | sed 's/ [0-9]*\/[0-9]* */ /;s/ root\/root//'; mkdir x; tar -xpf a.tar -C x; diff <(cd tt && ls -l --time-style=+%s | cut -c1-22) <(cd x/tt && ls -l --time-style=+%s | cut -c1-22); end; md5sum <a.tar
step tar-sparse; truncate -s 10M sp; echo end >>sp; tar -cSf sp.tar sp; stat -c %s sp.tar; tar -xSf sp.tar -C x; cmp sp x/sp; end
step gzip; gzip -kn n.bak; zcat n.bak.gz | cmp - n.bak; end; gzip -tv n.bak.gz 2>&1 | tr -s ' '; tar -czf - tt | tar -tzf - | sort; zgrep -c 9 n.bak.gz
step xattrs; setfattr -n user.a -v b n 2>&1 | sed 's/.*: //'; ls -lZ n >/dev/null; end
step perl; perl -e 'print join(",", map { $_ * $_ } 1 .. 5), "\n"; printf "%.10f %s\n", atan2(1, 1) * 4, sprintf("%b", 10);'
step perl-regex; perl -ne '$h{$1}++ while /(\d)/g; END { print "$_=$h{$_} " for sort keys %h; print "\n" }' n.bak
step perl-fork; perl -e 'pipe(R, W); if (!fork) { close R; print W "child\n"; exit 7 } close W; print <R>; wait; print $? >> 8, "\n"; $SIG{ALRM} = sub { print "alarm\n" }; alarm 1; sleep 30; print kill(0, $$), "\n"; print((getpwuid(0))[0] // "none", "\n")'
step perl-files; perl -e 'open F, "+>", "pf"; print F "x" x 100000; seek F, 0, 0; read F, $b, 10; print length($b), -s F, "\n"; flock F, 2 or print "no\n"; truncate F, 5; print -s "pf", "\n"; opendir D, "."; print scalar(grep { /^part/ } readdir D), "\n"; print join(" ", (stat "pf")[2, 3, 7]), "\n"; rename "pf", "pg"; print -e "pg" ? 1 : 0, unlink("pg"), "\n"; print sprintf("%o", umask), "\n"; utime 1, 2, "n"; print +(stat "n")[9], "\n"'
step perl-select; perl -e 'pipe R, W; $r = ""; vec($r, fileno R, 1) = 1; print scalar(select($a = $r, undef, undef, 0.01)), "\n"; syswrite W, "x"; print scalar(select($a = $r, undef, undef, 100)), "\n"; sysread R, $b, 1; print "$b\n"'
step perl-deep; perl -e 'sub f { my $n = shift; $n ? 1 + f($n - 1) : 0 } no warnings; print f(20000), "\n"; my @a = map { { k => $_ } } 1 .. 50000; print scalar(@a), "\n"'

step dpkg-deb; mkdir -p pkg/DEBIAN pkg/usr/share/demo; printf 'Package: demo\nVersion: 1.0\nArchitecture: all\nMaintainer: Nobody <nobody@example.org>\nDescription: a demonstration\n' >pkg/DEBIAN/control; echo data >pkg/usr/share/demo/file; printf '#!/bin/sh\necho configured $1\n' >pkg/DEBIAN/postinst; chmod 755 pkg/DEBIAN/postinst; dpkg-deb --root-owner-group -Zgzip -b pkg demo.deb; dpkg-deb -I demo.deb | grep -v size; dpkg-deb -c demo.deb | tr -s ' ' | cut -d' ' -f1,2,3,6; dpkg-deb -f demo.deb Version; dpkg-deb -x demo.deb un; cat un/usr/share/demo/file
step dpkg; mkdir -p /var/lib/dpkg/info /var/lib/dpkg/updates /var/lib/dpkg/triggers; touch /var/lib/dpkg/status; dpkg --force-not-root -i demo.deb 2>&1 | sed 's/([^)]*)//'; dpkg -s demo | grep -E '^(Status|Version)'; dpkg -L demo; cat /usr/share/demo/file; dpkg -S /usr/share/demo/file; dpkg --verify demo; end; dpkg -P demo 2>&1 | sed 's/([^)]*)//'; ls /usr/share/demo 2>&1; dpkg --audit; end; dpkg --compare-versions 1.0~rc1 lt 1.0; end; dpkg --print-architecture | sed 's/amd64\|arm64/ARCH/'
step dpkg-divert; touch /usr/bin/dv; dpkg-divert --local --rename --add /usr/bin/dv; ls /usr/bin/dv*; dpkg-divert --local --rename --remove /usr/bin/dv; update-alternatives --install /usr/bin/alt alt /bin/true 10; readlink /usr/bin/alt /etc/alternatives/alt; update-alternatives --remove-all alt
step apt-local; mkdir repo; dpkg-deb --root-owner-group -Zgzip -b pkg repo/demo_1.0_all.deb >/dev/null; (cd repo; printf '%s\nFilename: ./demo_1.0_all.deb\nSize: %s\nSHA256: %s\n\n' "$(dpkg-deb -f demo_1.0_all.deb)" "$(stat -c %s demo_1.0_all.deb)" "$(sha256sum <demo_1.0_all.deb | cut -d' ' -f1)" >Packages); echo "deb [trusted=yes] file:$PWD/repo ./" >/etc/apt/sources.list; rm -f /var/cache/apt/archives/*.deb; apt-get -o APT::Sandbox::User=root -q update 2>&1 | sed 's/ [^ ]*\/repo/ REPO/;s/\[[0-9,]* k\?B\]/[N B]/' | grep -v '^Fetched\|^Reading' | sort; apt-cache show demo | grep -E '^(Package|Version|Size)' | grep -v Size; apt-cache policy demo | sed 's/file:[^ ]*/REPO/'
step apt-install; apt-get -o APT::Sandbox::User=root -qq -y --no-install-recommends install demo 2>&1 | grep -v '^(Reading\|debconf\|^Reading' | sed 's/([^)]*)//'; cat /usr/share/demo/file; apt-get -qq -y remove demo >/dev/null 2>&1; end; apt-mark showmanual; apt-config dump APT::Architecture | sed 's/amd64\|arm64/ARCH/'
step gpgv; echo x | gpgv - 2>&1 | head -1 | sed 's/\/.*//'

step util-linux; flock lock echo locked; (flock 9; flock -n lock echo not; end) 9>lock; getopt -o ab: -- -a -b x y; mountpoint / ; setsid -w echo session; mcookie | wc -c; chrt -p 0 >/dev/null 2>&1; taskset -p $$ | sed 's/pid.*mask: .*/mask/'; ionice -c 3 true; end; renice -n 3 $$ >/dev/null; end; lscpu >/dev/null; end; nsenter --help >/dev/null; end
step util-linux-mount; mkdir mnt; mount -t tmpfs -o size=1M,mode=700 none mnt; end; findmnt -n -o FSTYPE mnt; dd if=/dev/zero of=mnt/f bs=64k count=100 2>&1 | grep -o 'No space.*'; stat -c %s mnt/f; umount mnt; end; mount --bind tt mnt; ls mnt; umount mnt; mount | grep -c ' on / '; umount mnt 2>&1 | sed 's/.*: //'; end
step util-linux-misc; prlimit --nofile --noheadings -o RESOURCE,UNITS; cal 2 2024 2>/dev/null | head -1; dmesg >/dev/null 2>&1; end; lsblk >/dev/null 2>&1; end; lsipc >/dev/null 2>&1; swapon --show; end; fincore n --noheadings -o FILE; unshare --help >/dev/null; end; whereis -b bash | cut -d: -f1; script -qc 'echo typed; tty | cut -c1-9' /dev/null | tr -d '\r'
step login; getent passwd root; end; getent hosts localhost; end; locale 2>&1 | head -1; getconf PAGESIZE; getconf _NPROCESSORS_ONLN >/dev/null; end; ldd /bin/true | grep -c .; ldconfig -p | tail -1 | cut -c1-5; iconv -f utf-8 -t latin1 <<<abc; zdump UTC | cut -d' ' -f1
step proc; cat /proc/self/comm; tr '\0' ' ' </proc/self/cmdline; echo; readlink /proc/self/exe /proc/self/cwd | sed 's,.*/,,'; grep -c . /proc/self/maps | grep -c .; cut -d' ' -f2,3 /proc/self/stat; wc -w </proc/self/stat; wc -w </proc/self/statm; head -1 /proc/self/limits; grep -c '' /proc/self/limits; ls /proc/self/fd | wc -l; cat /proc/self/oom_score_adj; head -c 5 /proc/version; mawk '{ print NF }' /proc/loadavg /proc/uptime; grep -c processor /proc/cpuinfo >/dev/null; end; mawk '/^(MemTotal|MemFree|Cached|SwapTotal)/ { print $1, $3 }' /proc/meminfo; mawk '/^(cpu|ctxt|btime|processes|intr|softirq|procs_running|procs_blocked)/ { sub(/[0-9]+$/, "", $1); print $1, ($1 == "cpu" ? NF : "") }' /proc/stat | sort -u
step status; mawk -F: '{ print $1 }' /proc/self/status; cat /proc/self/loginuid; echo; cat /proc/self/uid_map /proc/self/setgroups
step smaps; mawk '/^[A-Z]/ { print $1 }' /proc/self/smaps | sort -u | grep -v ProtectionKey; mawk '{ print $1 }' /proc/self/smaps_rollup | tail -n +2; ls /proc/self/task | wc -l
step shm; echo shared >/dev/shm/x; cat /dev/shm/x; stat -f -c %T /dev/shm; rm /dev/shm/x; stat -c '%a %F' /dev/shm /dev/pts /dev/null /dev/full; echo x >/dev/full; end; ls -l /dev/fd /dev/stdin | mawk '{ print $9, $10, $11 }'
step sys; cat /sys/devices/system/cpu/online >/dev/null; end; ls -d /sys/class/* /sys/block >/dev/null; end; cat /proc/sys/kernel/hostname >/dev/null; end; cat /proc/sys/kernel/ostype /proc/sys/vm/overcommit_memory /proc/sys/fs/pipe-max-size
step end
