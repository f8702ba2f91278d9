#!/bin/sh
# Copies what a program needs of its base image into an empty folder, which becomes an image of its own: the shared
# libraries of the files named, their licences and package records (security scanners read those), one user, nothing else.
# No shell, no package manager and no build tool can be left behind where nothing was there before.
# Usage: system-root.sh DEST FILE...
set -eu
dest=$1
shift

mkdir -p "$dest/usr/lib" "$dest/usr/lib64" "$dest/etc" "$dest/var/lib/dpkg/status.d"
ln -s usr/lib "$dest/lib"
ln -s usr/lib64 "$dest/lib64"

# Debian keeps /lib in /usr/lib; the names that programs were linked with go through the two links above.
in_usr() { case $1 in /lib/* | /lib64/*) echo "/usr$1" ;; *) echo "$1" ;; esac; }

copy() {
  at=$(in_usr "$1")
  mkdir -p "$dest$(dirname "$at")"
  cp -L "$1" "$dest$at"
  # An older dpkg knows a file by the name it has without /usr.
  package=$(dpkg -S "$at" 2>/dev/null || dpkg -S "${at#/usr}" 2>/dev/null || dpkg -S "$(readlink -f "$1")" 2>/dev/null || true)
  package=${package%%:*}
  if [ -n "$package" ] && [ ! -e "$dest/var/lib/dpkg/status.d/$package" ]; then
    dpkg-query -s "$package" >"$dest/var/lib/dpkg/status.d/$package"
    mkdir -p "$dest/usr/share/doc/$package"
    cp -L "/usr/share/doc/$package/copyright" "$dest/usr/share/doc/$package/" 2>/dev/null || true
  fi
}

# ldd prints "name => /path (address)", and the loader as "/path (address)"; "not found" is a broken base.
needed=$(ldd "$@" 2>/dev/null)
if echo "$needed" | grep "not found" >&2; then exit 1; fi
echo "$needed" | sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p; s/^\t\(\/[^ ]*\) (.*/\1/p' | sort -u | while read -r library; do
  # A wheel's own libraries travel with the wheel.
  case $library in /app/* | /opt/*) continue ;; esac
  copy "$library"
done

# Finds what lies in /usr/local/lib, which is no place that the loader looks into by itself.
cp /etc/ld.so.cache "$dest/etc/" 2>/dev/null || true
echo 'cxod:x:10001:10001::/task:/none' >"$dest/etc/passwd"
echo 'cxod:x:10001:' >"$dest/etc/group"
# Without it glibc asks for names in another order than its documentation says.
echo 'hosts: files dns' >"$dest/etc/nsswitch.conf"
# The volume's folder: a fresh volume takes over its owner. Nobody else's, for what is in it are somebody's labels.
mkdir -p "$dest/task" "$dest/tmp"
chown 10001:10001 "$dest/task"
chmod 0700 "$dest/task"
chmod 1777 "$dest/tmp"
