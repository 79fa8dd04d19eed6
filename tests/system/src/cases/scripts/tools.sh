# find, xargs and sed over a small tree. What it prints is compared with tools.out, which the GNU ones have printed.
mkdir -p /tmp/tools/src/deep /tmp/tools/doc
cd /tmp/tools || exit 9
for n in 1 2 3 4 5 6; do echo "line $n of umber"; done >src/lines.txt
echo 'fn main() {}' >src/main.rs
echo 'fn deep() {}' >src/deep/mod.rs
seq 1 1000 >doc/numbers.txt
: >doc/empty.md
ln -s ../src doc/link
echo == find
find . -name '*.rs' | sort
find . -type d -name 'd*' | sort
find . -type l
find . -size +2k -type f
find doc -empty -name '*.md'
find . -regex './src/[a-z]*\.txt'
find . -regextype posix-extended -regex '.*/(main|mod)\.r.' | sort
find src \( -name deep -prune \) -o -type f -print | sort
find . -name main.rs -exec cat {} \;
find . -maxdepth 1 -mindepth 1 -printf '%f %y\n' | sort
find . -user 0 -name lines.txt
echo == xargs
find src -type f | sort | xargs -n 2 echo files:
printf 'a\0b c\0' | xargs -0 -n 1 echo item:
seq 1 3 | xargs -I{} echo '<{}>'
echo == sed
sed 's/line \([0-9]\) of \(.*\)/\2 \1/; 2d; 4q' src/lines.txt
sed -n '/3/,/5/p' src/lines.txt
sed -E 's/(l)(i)/\2\1/g; y/aeiou/AEIOU/; $!d' src/lines.txt
printf 'a\nb\nc\n' | sed -n 'H; ${x; s/\n/,/g; p}'
printf 'one\ntwo\n' | sed '1i before
1a after'
sed -i 's/main/start/' src/main.rs; cat src/main.rs
echo == end
cd /; rm -r /tmp/tools
exit 42
