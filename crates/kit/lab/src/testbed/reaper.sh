# reaper watch FOLDER SECONDS: ends the world in FOLDER after SECONDS without a user.
# reaper end FOLDER: ends it now.
#
# It is a program of its own, since a killed test cleans nothing up. Each user of the world holds a shared
# lock on `users`, which the kernel releases when the user ends.
task=$1 world=$2 grace=${3:-0}

is_ours() { # the id may belong to another process by now
  [ "$(cut -d ' ' -f 22 "/proc/$1/stat" 2>/dev/null)" = "$2" ] &&
    [ "$(cut -d ' ' -f 3 "/proc/$1/stat" 2>/dev/null)" != Z ]
}

each() { # runs a command for each recorded process that is still alive
  while read -r _ id start; do
    is_ours "$id" "$start" && "$@" "$id"
  done <"$world.ended/processes"
}

end() {
  rm -rf "$world.ended"
  mv "$world" "$world.ended" || return
  touch "$world.ended/processes"
  each kill -s KILL
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    rm -rf "$world.ended" 2>/dev/null && return
    sleep 0.2
  done
}

if [ "$task" = end ]; then
  end
  exit
fi
# Held open, so that a later world in the same place is not taken for this one.
exec 9<"$world/users"
idle=0
while sleep 1 && [ "/proc/$$/fd/9" -ef "$world/users" ]; do
  if flock --nonblock --exclusive 9; then
    idle=$((idle + 1))
    [ "$idle" -ge "$grace" ] && end && exit
    flock --unlock 9
  else
    idle=0
  fi
done
