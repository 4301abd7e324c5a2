#!/usr/bin/env python3
"""rfc8216.py MASTER.m3u8 - a strict checker of HLS playlists on disk (RFC 8216 and its bis draft's version rules).

Checks the master playlist and everything that it names: tags and attributes that are known, quoted as they must be,
versions that fit, target durations, byte ranges inside their files and one behind the other, groups that exist and
whose members differ in name, bandwidths that no segment exceeds, and renditions that end together.
Prints what is wrong, one finding a line, and exits 1; says nothing when all is well.
"""
import os
import re
import sys

findings = []
MEDIA_TAGS = {"EXTM3U", "EXT-X-VERSION", "EXTINF", "EXT-X-BYTERANGE", "EXT-X-DISCONTINUITY", "EXT-X-MAP",
              "EXT-X-TARGETDURATION", "EXT-X-MEDIA-SEQUENCE", "EXT-X-ENDLIST", "EXT-X-PLAYLIST-TYPE",
              "EXT-X-INDEPENDENT-SEGMENTS", "EXT-X-PROGRAM-DATE-TIME"}
MASTER_TAGS = {"EXTM3U", "EXT-X-VERSION", "EXT-X-MEDIA", "EXT-X-STREAM-INF", "EXT-X-INDEPENDENT-SEGMENTS",
               "EXT-X-SESSION-DATA"}
ATTRIBUTE = re.compile(r'([A-Z0-9-]+)=("[^"\r\n]*"|0x[0-9A-F]+|[0-9]+x[0-9]+|-?[0-9]+\.[0-9]+|[0-9]+|[^",\s]+)(?:,|$)')
QUOTED = {"URI", "CODECS", "AUDIO", "SUBTITLES", "GROUP-ID", "LANGUAGE", "NAME", "CHANNELS", "BYTERANGE", "DATA-ID", "VALUE"}


def bad(path, line, what):
    findings.append(f"{path}:{line}: {what}")


def attributes(path, number, text):
    found, at = {}, 0
    while at < len(text):
        match = ATTRIBUTE.match(text, at)
        if match is None:
            bad(path, number, f"attribute list cannot be read from {text[at:at + 30]!r}")
            return found
        name, value = match.group(1), match.group(2)
        if name in found:
            bad(path, number, f"{name} is there twice")
        if (name in QUOTED) != value.startswith('"'):
            bad(path, number, f"{name} must {'' if name in QUOTED else 'not '}be quoted")
        found[name] = value.strip('"')
        at = match.end()
    return found


def lines_of(path):
    with open(path, "rb") as file:
        raw = file.read()
    if raw.startswith(b"\xef\xbb\xbf"):
        bad(path, 1, "byte order mark")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        bad(path, 1, f"not UTF-8: {error}")
        return []
    if re.search(r"[\x00-\x09\x0b\x0c\x0e-\x1f\x7f]", text):
        bad(path, 1, "control characters")
    lines = text.split("\n")
    if lines[0].rstrip("\r") != "#EXTM3U":
        bad(path, 1, "does not begin with #EXTM3U")
    return [(i + 1, line.rstrip("\r")) for i, line in enumerate(lines) if line.strip()]


def tags(path, allowed):
    for number, line in lines_of(path):
        if line != line.strip():
            bad(path, number, "white space around a line")
        if line.startswith("#EXT"):
            name, _, value = line[1:].partition(":")
            if name not in allowed:
                bad(path, number, f"{name} does not belong here")
            yield number, name, value
        elif not line.startswith("#"):
            yield number, None, line


def check_range(path, number, text, target, last):
    match = re.fullmatch(r"([0-9]+)(?:@([0-9]+))?", text)
    if match is None:
        bad(path, number, "byte range cannot be read")
        return 0, last
    length = int(match.group(1))
    begin = int(match.group(2)) if match.group(2) is not None else last.get(target, 0)
    if target in last and begin < last[target]:
        bad(path, number, "byte range overlaps the one before")
    size = os.path.getsize(target) if os.path.isfile(target) else -1
    if length == 0 or begin + length > size:
        bad(path, number, f"byte range ends at {begin + length} of {size}")
    last[target] = begin + length
    return length, last


def media(path, subtitles=False):
    """Returns (duration, peak bits a second)."""
    folder, seen, version, target = os.path.dirname(path), {}, 1, None
    duration, longest, peak, pending, span, last, n = 0.0, 0.0, 0, None, None, {}, 0
    needs = 1
    for number, name, value in tags(path, MEDIA_TAGS):
        if name is not None:
            if name in ("EXT-X-VERSION", "EXT-X-TARGETDURATION", "EXT-X-MEDIA-SEQUENCE", "EXT-X-PLAYLIST-TYPE",
                        "EXT-X-ENDLIST") and name in seen:
                bad(path, number, f"{name} is there twice")
            seen[name] = number
        if name == "EXT-X-VERSION":
            version = int(value)
        elif name == "EXT-X-TARGETDURATION":
            target = int(value) if value.isdigit() else bad(path, number, "not a decimal integer")
        elif name == "EXT-X-PLAYLIST-TYPE" and value not in ("VOD", "EVENT"):
            bad(path, number, "unknown playlist type")
        elif name == "EXT-X-MAP":
            needs = max(needs, 6)
            found = attributes(path, number, value)
            if not os.path.isfile(os.path.join(folder, found.get("URI", ""))):
                bad(path, number, "EXT-X-MAP names no file")
        elif name == "EXTINF":
            match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?),.*", value)
            if match is None:
                bad(path, number, "EXTINF cannot be read")
                continue
            if "." in match.group(1):
                needs = max(needs, 3)
            pending = float(match.group(1))
        elif name == "EXT-X-BYTERANGE":
            needs, span = max(needs, 4), value
        elif name is None:
            if pending is None:
                bad(path, number, "a segment without EXTINF")
                continue
            file = os.path.normpath(os.path.join(folder, value))
            if span is not None:
                size, last = check_range(path, number, span, file, last)
            else:
                size = os.path.getsize(file) if os.path.isfile(file) else bad(path, number, "the segment is not there") or 0
            duration, longest, n = duration + pending, max(longest, pending), n + 1
            if pending >= 1:
                peak = max(peak, size * 8 / pending)
            pending = span = None
    if target is None:
        bad(path, 1, "EXT-X-TARGETDURATION is missing")
    elif round(longest) > target:
        bad(path, seen["EXT-X-TARGETDURATION"], f"a segment of {longest} s is longer than the target {target}")
    if n == 0:
        bad(path, 1, "no segments")
    if "EXT-X-ENDLIST" not in seen:
        bad(path, 1, "EXT-X-ENDLIST is missing")
    if version < needs:
        bad(path, 1, f"version {version}, needs {needs}")
    if "EXT-X-MAP" not in seen and not subtitles:
        bad(path, 1, "fragmented MP4 without EXT-X-MAP")
    return duration, peak


def check_group(path, groups, kind, name, number):
    if name is not None and (kind, name) not in groups:
        bad(path, number, f"there is no {kind} group {name}")


def master(path):
    folder, groups, variants, pending, durations = os.path.dirname(path), {}, [], None, {}
    seen_version = 1
    for number, name, value in tags(path, MASTER_TAGS):
        if name == "EXT-X-VERSION":
            seen_version = int(value)
        elif name == "EXT-X-MEDIA":
            found = attributes(path, number, value)
            for needed in ("TYPE", "GROUP-ID", "NAME"):
                if needed not in found:
                    bad(path, number, f"{needed} is missing")
            if found.get("TYPE") == "SUBTITLES" and "URI" not in found:
                bad(path, number, "subtitles without URI")
            if found.get("DEFAULT") == "YES" and found.get("AUTOSELECT", "YES") != "YES":
                bad(path, number, "DEFAULT=YES needs AUTOSELECT=YES")
            if not re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", found.get("LANGUAGE", "en")):
                bad(path, number, "LANGUAGE is no language tag")
            groups.setdefault((found.get("TYPE"), found.get("GROUP-ID")), []).append((number, found))
        elif name == "EXT-X-STREAM-INF":
            pending = (number, attributes(path, number, value))
        elif name is None:
            if pending is None:
                bad(path, number, "an address without EXT-X-STREAM-INF")
                continue
            variants.append((pending[0], pending[1], value))
            pending = None
    if pending is not None:
        bad(path, pending[0], "EXT-X-STREAM-INF without an address")
    if not variants:
        bad(path, 1, "no variants")
    if seen_version < 6:
        bad(path, 1, "EXT-X-MAP in its lists needs version 6")
    peaks = {}
    for (kind, name), members in groups.items():
        if len({found.get("NAME") for _, found in members}) != len(members):
            bad(path, members[0][0], f"two of group {name} have one name")
        if sum(found.get("DEFAULT") == "YES" for _, found in members) > 1:
            bad(path, members[0][0], f"group {name} has two defaults")
        languages = [found.get("LANGUAGE") for _, found in members]
        if len(set(languages)) != len(languages):
            bad(path, members[0][0], f"two of group {name} have one language")
        for number, found in members:
            if "URI" in found:
                list_path = os.path.join(folder, found["URI"])
                if not os.path.isfile(list_path):
                    bad(path, number, f"{found['URI']} is not there")
                    continue
                durations[found["URI"]], peak = media(list_path, kind == "SUBTITLES")
                if kind == "AUDIO":
                    peaks[name] = max(peaks.get(name, 0), peak)
    sets = {}
    for (kind, name), members in groups.items():
        sets.setdefault(kind, []).append(frozenset((f.get("NAME"), f.get("LANGUAGE"), f.get("DEFAULT")) for _, f in members))
    for kind, all_sets in sets.items():
        if len(set(all_sets)) > 1:
            bad(path, 1, f"the {kind} groups do not offer the same")
    for number, found, uri in variants:
        for needed in ("BANDWIDTH", "CODECS"):
            if needed not in found:
                bad(path, number, f"{needed} is missing")
        check_group(path, groups, "AUDIO", found.get("AUDIO"), number)
        check_group(path, groups, "SUBTITLES", found.get("SUBTITLES"), number)
        if not os.path.isfile(os.path.join(folder, uri)):
            bad(path, number, f"{uri} is not there")
            continue
        durations[uri], peak = media(os.path.join(folder, uri))
        if uri.split("/")[0].startswith("audio"):
            need = peak
        else:
            need = peak + peaks.get(found.get("AUDIO"), 0)
        if int(found.get("BANDWIDTH", 0)) + 1 < int(need):
            bad(path, number, f"BANDWIDTH {found.get('BANDWIDTH')} is below the peak {int(need)}")
        if int(found.get("AVERAGE-BANDWIDTH", 0)) > int(found.get("BANDWIDTH", 0)):
            bad(path, number, "AVERAGE-BANDWIDTH is above BANDWIDTH")
    if durations and max(durations.values()) - min(durations.values()) > 2.1:
        bad(path, 1, f"renditions do not end together: {durations}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: rfc8216.py MASTER.m3u8")
    master(sys.argv[1])
    print("\n".join(findings), end="\n" if findings else "")
    sys.exit(1 if findings else 0)
