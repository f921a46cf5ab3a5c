#!/bin/sh
# Copies the page to a web server's folder and tells it where the broker is.
#   install.sh FOLDER                              the web server passes /mqtt on to the broker (nginx.conf)
#   install.sh FOLDER wss://broker.clinic.example:8084    the page speaks to the broker itself
set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder=${1:?folder of the web server} broker=${2:-}
mkdir -p "$folder/vendor"
cp "$here"/*.js "$here"/*.css "$here"/*.svg "$folder/"
cp "$here"/vendor/* "$folder/vendor/"
case $broker in
  "") cp "$here/index.html" "$folder/index.html" ;;
  wss://*[!a-zA-Z0-9.:/_-]* | ws://*[!a-zA-Z0-9.:/_-]*) echo "$broker is no address" >&2; exit 1 ;;
  wss://* | ws://localhost:* | ws://127.0.0.1:*)
    origin=$(echo "$broker" | sed -E 's,^(wss?://[^/]*).*,\1,')
    sed -e "s|connect-src 'self'|connect-src $origin|" \
      -e "s|name=\"tranquillo-broker\" content=\"\"|name=\"tranquillo-broker\" content=\"$broker\"|" \
      "$here/index.html" > "$folder/index.html" ;;
  *) echo "$broker must begin with wss://: nothing of the clinic travels in the clear" >&2; exit 1 ;;
esac
chmod -R a+rX "$folder"
