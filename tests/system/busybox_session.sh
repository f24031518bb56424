# SPDX-License-Identifier: MIT
# A session with the applets of busybox: run by `busybox sh`, in an empty directory, on any
# kernel. Each step prints "## name", then what it saw; nothing printed may differ from run to
# run on one kernel. tests/system/busybox.py compares kernels by it. $B is the busybox binary.

export LC_ALL=C TZ=UTC0 PATH=/nonexistent
umask 022
# The shell's own copies of the applets run; `b` runs one as a program of its own.
b() { "$B" "$@"; }
step() { echo "## $*"; }
end() { echo "rc=$?"; }
# Fields of a long listing that do not depend on the machine: mode, links, size (a directory's is the file
# system's own affair), name.
list() { b ls -ln "$@" | b awk 'NF >= 9 { print $1, $2, $3, $4, (/^d/ ? "-" : $5), $9, $10, $11 }'; }
# Whether the shell tells of a child's death by signal depends on when it learns of it: `2>/dev/null`.

step sh; echo $((7 * 6)) "${x:-unset}" "${0##*/}"; (exit 9); end
step subshells; for i in 1 2 3; do (echo "sub $i"); done; echo "$(echo nested "$(echo deep)")"
step here-document; b cat <<END
one
$((1 + 1))
END
step trap; b sh -c 'trap "echo caught" USR1; kill -USR1 $$; echo after'
step wait; "$B" sh -c 'exit 5' & wait $!; end
step read; printf 'a b c\n' | while read -r x y; do echo "[$x][$y]"; done
step echo; b echo -n one; b echo -e '\ttwo\x21'
step printf; b printf '%05d|%-6s|%x|%s\n' 42 left 255 end
step true; b true; end; b false; end
step seq; b seq 1 3 10 | b tr '\n' ' '; echo
step expr; b expr 6 \* 7; b expr abcdef : 'abc\(.*\)'; b expr 1 = 2; end
step test; b test -d . && b test ! -e none && b [ 3 -lt 4 ] && echo yes
step mkdir; b mkdir -p d/e/f; b mkdir d; end; list -d d d/e
step touch; b touch -d '2001-02-03 04:05:06' t; b stat -c '%Y %s %a %h %F' t
step cat; printf 'pear\napple\nfig\napple\n' >fruit; b cat fruit - </dev/null; b cat none; end
step cp; b cp fruit copy; b cp -a d d2; b cmp fruit copy; end; b find d2 | b sort
step mv; b mv copy moved; b mv moved d/; b ls d
step ln; b ln fruit hard; b ln -s fruit soft; list hard soft; b cat soft
step readlink; b readlink soft; b readlink -f d/../soft | b sed 's,.*/,,'
step rm; b rm hard; b rm none; end; b rm -f none; end; b rm -r d2; b ls -d d2; end
step rmdir; b mkdir r; b rmdir r; b rmdir d; end
step ls; b ls -1; b ls -a d; b ls -F
step find; b find . -type f -name '*r*' | b sort; b find d -depth -type d
step find-exec; b find . -maxdepth 1 -type f -exec "$B" basename {} \; | b sort
step xargs; b seq 1 5 | b xargs -n 2 "$B" echo args
step chmod; b chmod 640 fruit; b stat -c %a fruit; b chmod u+x,g-r fruit; b stat -c %A fruit; b chmod 644 fruit
step chown; b chown 7:8 t; b stat -c '%u %g' t
step stat; b stat -c '%n %s %F' fruit soft /dev/null; b stat -c '%n %F' d
step sort; b sort fruit; b sort -u -r fruit; printf '10\n9\n100\n' | b sort -n
step uniq; b sort fruit | b uniq -c | b awk '{ print $1, $2 }'
step grep; b grep -n app fruit; b grep -v app fruit; b grep -c fig fruit; b grep -q kiwi fruit; end
step egrep; printf 'aab\nb\ncc\n' | b grep -E '^a+b|c{2}'
step sed; b sed -n '2p;$p' fruit; b sed 's/\(ap*\)/<\1>/; 1d' fruit; b sed -i 's/fig/kiwi/' fruit; b cat fruit
step awk; b awk '{ n[$1]++ } END { for (k in n) print k, n[k] }' fruit | b sort
step awk-math; b awk 'BEGIN { printf "%.3f %d %s\n", 22 / 7, 65536 * 16384, substr("capability", 4, 4) }'
step wc; b wc fruit; b wc -c <fruit
step head; b head -n 2 fruit; b head -c 3 fruit; echo
step tail; b tail -n 1 fruit; b tail -n +3 fruit; b tail -c 4 fruit
step tr; echo Hello | b tr a-z A-Z; echo aabbcc | b tr -s b; echo abc | b tr -d b
step cut; echo a:b:c | b cut -d : -f 1,3; echo abcdef | b cut -c 2-4
step paste; b seq 1 4 | b paste - -
step tee; echo both | b tee out1 >out2; b cmp out1 out2; end; echo more | b tee -a out1 | b cat - out1
step rev; echo stressed | b rev; b seq 1 3 | b tac
step fold; echo abcdefgh | b fold -w 3; printf 'a\tb\n' | b expand -t 4
step nl; b nl fruit
step date; b date -u -d @0; b date -u -d @86400 +%Y-%m-%dT%H:%M:%S
step cal; b cal 2 2000 | b head -n 3 | b sed 's/ *$//'
b seq 1 6 >six
printf 'a\nb\n' >c1; printf 'b\nc\n' >c2
step dd; b dd if=/dev/zero of=zero bs=1k count=9 2>/dev/null; b wc -c zero; b dd if=six bs=1 skip=2 count=4 2>/dev/null
step truncate; b truncate -s 5000000000 sparse; b stat -c %s sparse; b du -k sparse | b cut -f 1; b rm sparse
step md5sum; b md5sum fruit; b md5sum zero >sums; b md5sum -c sums
step sha1sum; b sha1sum zero
step sha256sum; b sha256sum zero
step sha512sum; b sha512sum fruit
step crc32; b crc32 zero
step base64; printf 'capability' | b base64; echo YWVnaXM= | b base64 -d; echo
step od; printf 'AB\000\377' | b od -A d -t x1; printf 'AB' | b od -c
step hexdump; printf 'sixteen bytes...' | b hexdump -C
step xxd; printf 'xxd' | b xxd -p
step cmp; b cmp fruit six; end
step diff; b diff -u c1 c2 | b sed 1,2d; b diff c1 c1; end
step patch; b diff -u c1 c2 >p; b cp c1 c3; b patch c3 p; b cmp c3 c2; end
step basename; b basename /a/b/c.d .d; b dirname /a/b/c.d
step env; b env -i A=1 B=2 "$B" env | b sort; b env -i A=1 "$B" sh -c 'echo $A'
step id; b id -u; b id -g; b whoami; b logname 2>/dev/null >/dev/null; b groups
step uname; b uname -m | b sed 's/x86_64\|aarch64/MACHINE/'; b uname -o; b uname -s
step hostname; b hostname | b wc -l
step pwd; b mkdir w; cd w; b pwd | b sed 's,.*/,,'; cd ..
step sleep; b sleep 0.05; end
step usleep; b usleep 1000; end
step time; b time "$B" true 2>&1 | b awk '{ print $1 }'
step timeout; b timeout 1 "$B" sleep 30; end; b timeout 5 "$B" true; end
step kill; "$B" sleep 100 & { b kill $!; wait $!; } 2>/dev/null; end; b kill -l 9; b kill -0 $$; end
step kill-stop; "$B" sleep 100 & p=$!; b kill -STOP $p; b usleep 50000; b awk '{ print $3 }' /proc/$p/stat
b kill -CONT $p; b usleep 50000; b awk '{ print $3 }' /proc/$p/stat; { b kill -9 $p; wait $p; } 2>/dev/null; end
step ps; "$B" sleep 77 & p=$!; b ps -o pid,args | b grep '[s]leep 77' | b awk -v p=$p '{ print ($1 + 0 == p + 0), $3, $4 }'; { b kill $p; wait $p; } 2>/dev/null
step pidof; b ln -sf "$B" sleep; ./sleep 50 & p=$!; b usleep 100000; b pidof sleep | b grep -c "$p"; { b kill $p; wait $p; } 2>/dev/null; b pidof no-such-thing; end
step yes; b yes | b head -n 2; b yes no | b head -c 6
step pipe-status; b yes | b head -n 1 >/dev/null; end
step large-pipe; b seq 1 100000 | b sort -rn | b tail -n 1; b seq 1 200000 | b md5sum
step tar; b tar cf a.tar d six; b tar tf a.tar | b sort; b mkdir x; b tar xf a.tar -C x; b cmp six x/six; end
step gzip; b gzip -c six | b gunzip; b gzip -c zero | b zcat | b md5sum; b cp six z; b gzip z; b ls z.gz; b gunzip z.gz; b cmp z six; end
step bzip2; b bzip2 -c six | b bunzip2 | b md5sum
step tar-gz; b ln -s "$B" w/gzip; PATH=$PWD/w; b tar czf a.tgz d six; b tar xzOf a.tgz six | b md5sum; PATH=/nonexistent; b rm w/gzip
step cpio; b find d | b sort | b cpio -o -H newc 2>/dev/null | b cpio -t 2>/dev/null
step unxz; echo not | b unxz 2>/dev/null; end
step strings; printf 'ab\0visible\0' | b strings
step dos2unix; printf 'a\r\n' | b dos2unix | b od -c
step uuencode; printf abc | b uuencode name | b uudecode -o -; echo
step mktemp; f=$(b mktemp -p . tXXXXXX); b test -f "$f"; end; b stat -c '%a %s' "$f"; b rm "$f"
step mkfifo; b mkfifo fifo; echo through >fifo & b cat fifo; wait; b stat -c %F fifo
step mknod; b mknod null c 1 3; echo x >null; end; b stat -c '%F %t %T' null; b cat null
step realpath; b realpath w/../six | b sed 's,.*/,,'
step mount; b mount -t tmpfs none w; end; echo in >w/f; b cat w/f; b grep -c " $(b realpath w) tmpfs " /proc/mounts; b umount w; end; b ls w
step df; b df -k . | b awk 'NR == 2 { print (NF >= 6), ($2 >= 0) }'
step du; b du -s d | b awk '{ print NF, $2 }'
step nproc; b nproc | b grep -c '^[1-9]'
step free; b free | b awk '/^Mem/ { print ($2 > 8192), ($3 + $4 <= $2) }'
step uptime; b uptime | b grep -c 'load average'
step proc; b cat /proc/self/comm; b readlink /proc/self/fd/0 >/dev/null; end; b tr '\0' ' ' </proc/$$/cmdline | b awk '{ print $2 }'
step null; echo gone >/dev/null; b head -c 4 /dev/zero | b od -An -t x1; b head -c 8 /dev/urandom | b wc -c
step full; b echo x 2>&1 >/dev/full; end
step tty; b tty </dev/null; end
step setsid; b setsid "$B" sh -c 'set -- $(cat /proc/$$/stat); [ $6 = $$ ] && echo leader'
step nohup; b nohup "$B" echo ignored 2>/dev/null | b cat
step which; PATH=$PWD/w; b cp "$B" w/tool; b which tool | b sed 's,.*/,,'; PATH=/nonexistent
step sync; b sync; end; b dd if=six of=synced conv=fsync 2>/dev/null; end
step chroot; b mkdir -p root/bin; b cp "$B" root/bin/busybox; b chroot root /bin/busybox ls /; end
step permissions; echo s >secret; b chmod 0 secret; b su -s "$B" nobody -c true 2>/dev/null >/dev/null; b stat -c %a secret
step shell-script; printf '#!%s sh\necho script "$1"\n' "$B" >script; b chmod 755 script; ./script arg; end
step no-exec; echo text >plain; ./plain 2>/dev/null; end; b chmod 755 plain; ./none 2>/dev/null; end
step signals; b sh -c 'kill -SEGV $$'; end; b sh -c 'kill -TERM $$'; end
step background; for i in 1 2 3 4 5 6 7 8; do "$B" true & done; wait; end
step ulimit; ulimit -n 64; ulimit -n; b sh -c 'ulimit -n'
step bc; echo '2^64; scale=4; 1/3' | b bc; echo '6 7 * p' | b dc
step ar; b ar 2>/dev/null; end
step end
