#!/bin/sh
# Stands in for manabi-record in unit tests: writes down what it is told, in DIR/commands-PART.
# A track with the file name "crash" kills it, "hang" makes it silent, "full" fills the disk.
while [ $# -gt 0 ]; do
    case $1 in
        --dir) dir=$2; shift 2 ;;
        --part) part=$2; shift 2 ;;
        *) shift ;;
    esac
done
[ ! -e "$dir/refuse" ] || { echo '{"event":"failed","code":"missing-plugin","reason":"no muxer"}'; exit 1; }
echo '{"event":"ready","part":'"$part"',"started_unix_us":1000,"started_mono_us":1}'
while read -r line; do
    echo "$line" >>"$dir/commands-$part"
    case $line in
        *'"file":"crash"'*) [ "$part" -gt 1 ] || kill -KILL $$ ;;
        *'"file":"hang"'*) [ "$part" -gt 1 ] || exec sleep 60 ;;
        *'"file":"full"'*)
            echo '{"event":"disk-full","free_bytes":1}'
            echo '{"event":"disk-free","free_bytes":100000000}' ;;
        *'"do":"stop"'*) echo '{"event":"stopped","duration_us":5,"tracks":[]}'; exit 0 ;;
    esac
    echo '{"event":"written","bytes":100,"lost_packets":2,"gap_packets":1,"tracks":1}'
    echo '{"event":"need-key-frame","track":7}'
done
