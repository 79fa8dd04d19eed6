# A hundred lines of shell: what a POSIX shell must do, with the tools beside it. What it prints is compared with hundred.out.
set -u
work=/tmp/work
mkdir -p $work/deep/er
cd $work || exit 9

title() { printf '== %s\n' "$*"; }

title pipes
seq 1 20 | tr '\n' ' ' | wc -w | tr -d ' '
printf '%s\n' pear apple fig apple | sort | uniq -c | sort -rn | head -n 1 | tr -s ' '
{ echo out; echo err >&2; } 2>&1 | sort | tr '\n' ' '; echo
false | true; echo "status of a pipe: $?"
! false; echo "not false: $?"; { echo a; exit 3; } | cat; echo 'still here'
yes ochre | head -n 3 | tr 'a-z' 'A-Z'

title here-documents
name=umber
cat <<END | tr a-z A-Z
a $name and $((6 * 7)), $(echo inner)
END
cat <<'END'
a $name as it is
END
cat <<-END
	without tabs
	END
while read -r first rest; do echo "$first|$rest"; done <<END
one two three
four
END

title globs
: >b.txt; : >a.txt; : >c.md; : >.hidden; : >deep/x1; : >deep/x2; : >'with space.txt'
echo *
echo *.txt deep/x[12] [!ab]*
for file in *.txt; do printf '<%s>' "$file"; done; echo
echo no-such-* '*.txt' "*.md"
set -f; echo *; set +f
case abc.tar.gz in *.tar.*) echo archive ;; *) echo other ;; esac

title expansions
long=/usr/share/doc/readme.txt
echo "${long##*/} ${long%/*} ${long%%.*} ${#long} ${none-default} ${long:+set}"
set -- 'a b' c 'd  e'
echo "$# [$1] [$*]"
for word in "$@"; do printf '(%s)' "$word"; done; echo
IFS=:; set -- $(echo x:y:z); echo "$# $3"; IFS=' 	
'
echo $(( (7 + 3) * 2 % 6 )) $((0x1f)) $((010)) $((5 > 3 && 2 < 1)) $((1 << 10))
n=5; echo $((n += 2)) $((n * n)); : $((n = n > 3 ? -n : n)); echo "$n"
echo "`echo old` $(echo "new $(echo "nested")")"
HOME=/home/me; echo ~ ~/x "~"; echo 'single "quotes"' "double 'quotes'" back\\slash

title functions
factorial() { if [ "$1" -le 1 ]; then echo 1; else echo $(($1 * $(factorial $(($1 - 1))))); fi; }
factorial 10
leave() { for i in 1 2 3; do [ $i = 2 ] && return 7; echo "at $i"; done; }
leave; echo "returned $?"
counter=0; bump() { counter=$((counter + 1)); }
bump; bump; (bump; bump); echo "counter $counter"
for a in 1 2 3; do for b in 1 2 3; do [ $b = 2 ] && continue 2; [ $a = 3 ] && break 2; echo "$a$b"; done; done
i=0; until [ $i -ge 3 ]; do i=$((i + 1)); done; echo "until $i"

title redirections
echo first >file; echo second >>file; cat <file
exec 3>three; echo to-three >&3; exec 3>&-; cat three
exec 4<file; read -r line <&4; echo "read: $line"; exec 4<&-
ls no-such-file 2>/dev/null || echo "ls failed: $?"
(set -C; echo x >file) 2>/dev/null || echo 'not overwritten'
no-such-command 2>/dev/null; echo "status $?"

title traps
trap 'echo got USR1' USR1
kill -USR1 $$
echo after
trap - USR1
(trap 'echo leaving' EXIT; echo inside)
(trap 'echo term; exit 3' TERM; sh -c 'kill -TERM $PPID'; sleep 5; echo never); echo "ended with $?"
trap '' USR2; kill -USR2 $$; echo 'ignored USR2'
(sh -c 'kill -KILL $$'; exit $?) 2>/dev/null; echo "killed by $(kill -l $?)"

title jobs
sleep 0.2 & wait $!; echo "slept: $?"
(exit 5) & wait $!; echo "waited: $?"
set -m
sleep 100 & first=$!
sh -c 'kill -STOP $$; echo continued; exit 4' & second=$!
# Where it stops, and whether it has by now, a shell need not know before it is asked to go on with it.
sleep 0.5; jobs >list; lines=$(wc -l <list); echo "jobs: $((lines))"
kill -STOP $first; jobs >list; case $(cat list) in *'Stopped(SIGSTOP)     sleep 100'*) echo 'the first is stopped';; esac
kill -CONT $first
fg %2 >/dev/null; echo "in the foreground it ended with $?"
kill %1; wait $first 2>/dev/null; echo "the first was ended by $(kill -l $?)"
set +m

title the end
trap 'echo bye' EXIT
cd / && rm -r $work && ls -d $work 2>/dev/null || echo 'all gone'
exit 42
