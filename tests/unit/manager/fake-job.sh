#!/bin/sh
# Stands in for the job programs in unit tests. What it does stands in the title of the recording
# ("crash once", "fail", "not a film", "wait") or, for manabi-record --repair, in nothing.
if [ "$1" = --repair ]; then
    echo "repair" >>"$3/steps"
    echo '{"event":"repaired","file":"tracks/p1-a.mkv","duration_us":1,"bytes":1,"dropped_bytes":0}'
    echo '{"event":"done"}'
    exit 0
fi
read -r job
value() { printf '%s' "$job" | sed -n 's/.*"'"$1"'":"\([^"]*\)".*/\1/p'; }
title=$(value title)$(value title_en)
out=$(value out)
out_dir=$(value out_dir)
dir=$(dirname "$out$out_dir")
printf '%s\n' "$job" >>"$dir/told"
case $title in
    *"crash once"*) [ -e "$dir/crashed" ] || { : >"$dir/crashed"; kill -SEGV $$; } ;;
    *"not a film"*) echo '{"event":"failed","code":"not-a-film","reason":"the bytes are no film"}'; exit 1 ;;
    *fail*) echo '{"event":"failed","code":"io","reason":"reading failed"}'; exit 1 ;;
    *wait*) echo '{"event":"progress","permille":300,"eta_s":60}'; cat >/dev/null
            echo '{"event":"failed","code":"stopped","reason":"asked to"}'; exit 1 ;;
esac
echo '{"event":"progress","permille":500,"eta_s":1}'
if [ -n "$out" ]; then
    echo "compose" >>"$dir/steps"
    echo film >"$out"
    echo '{"event":"done","out":"film.mkv","duration_us":61000000,"width":1280,"height":720,"bytes":5,"peers":2,"has_audio":true}'
    exit 0
fi
echo "transcode" >>"$dir/steps"
mkdir -p "$out_dir/720p" "$out_dir/audio"
for name in master.m3u8 720p/index.m3u8 audio/index.m3u8 video.mp4 poster.jpg; do
    echo "$name" >"$out_dir/$name"
done
case $title in *liar*) rm "$out_dir/video.mp4" ;; esac
echo '{"event":"done","duration_us":61000000,"width":1280,"height":720,"has_video":true,"has_audio":true,"master":"master.m3u8","poster":"poster.jpg","download":"video.mp4","audio_download":"","bytes":50,"renditions":[{"name":"720p","kind":"video","playlist":"720p/index.m3u8","codecs":"x","width":1280,"height":720,"bitrate_bps":2500000,"bytes":40},{"name":"audio","kind":"audio","playlist":"audio/index.m3u8","codecs":"x","bitrate_bps":128000}]}'
