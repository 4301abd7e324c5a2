#!/usr/bin/env python3
"""bench-media.py - the forwarding of media, measured beside Janus; script/bench media runs it.

    tests/bench/bench-media.py [--runs N] [--duration S] [--only SERVER] [SCENARIO...]

Prints a line of JSON for each scenario, the medians of N runs; the servers take turns, each run with
a fresh server. SERVER: manabi or janus. Scenarios (all of them when none is named):

    burst-300       one publisher, VP8 at 1.5 Mbit/s and Opus, to 300; the packets of a picture back to
                    back as Chromium sends them; burst-1000
    flat-100        ten pictures a second without sound, so that a core can serve flat-3000: does a packet
                    cost the same to few and to many?
    spaced-300      the same with the packets of a picture evenly over its time: nothing to batch
    meeting-10x10   ten people, everyone sees the nine others
    rooms-20x5      twenty rooms of five
    hall-10x1000    ten voices, three of them speaking; 1000 hear the loudest three. Janus sends all
                    ten, and 100 hear it: a thousand would need ten of it
    storm-500       500 join in one second while 100 watch
    spread-1000     burst-1000 at one worker and over two, in turns: `spread_ratio` is the core that one takes by the
                    one that the busier of two takes, which is how many more receivers two serve before one is full.
                    The second worker has the clients' processor, for want of a third one
    whole-300       burst-300 over WHIP and WHEP, with nginx, rooms and database; whole-storm-500

The fields: CPU time of the media processes for each packet that arrived whole and authentic, of ours
and of Janus; the floor of this machine for packets of that size in such groups (bench-limit.c);
forwarding delay; what did not arrive; memory. `janus_ratio`: how many times more Janus takes.
`worst_run`: of our run with the most loss, else the longest delay: packets the server did not send
(`not_sent`: held back for a line, `paused_by_line` times, or late for the window), packets it gave a
number and that did not come (`on_the_way`; `load_sockets_full`: our own clients did not read, `kernel_refused`),
and who was kept from running: the server while it ran (`server_stalled_ms`), before it ran (`server_waited_ms`),
the clients (`load_waited_ms`, `load_longest_round_ms`)."""

import argparse
import contextlib
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
LOAD = f'{ROOT}/build/tests/bench/load/manabi-load'
LIMIT = f'{ROOT}/build/tests/bench/bench-limit'
WORKER = f'{ROOT}/build/server/media/manabi-media'
CORES = os.cpu_count() or 1
FAST_JOINS = ['--joins-per-s', '400', '--joins-at-once', '40']
FLAT = ['--bitrate', '500000', '--fps', '10', '--audio', '0']
VIDEO = ['--bitrate', '1500000', '--gro']


def broadcast(n, *more, **keys):
    return {'subscribers': n, 'args': [*VIDEO, '--subscribers', str(n), *more], 'limit': (6, 1180, n), **keys}


SCENARIOS = {
    'burst-300': broadcast(300, janus=[]),
    'burst-1000': broadcast(1000),
    'flat-100': broadcast(100, *FLAT),
    'flat-3000': broadcast(3000, *FLAT),
    'spaced-300': broadcast(300, '--spread', janus=[], limit=(1, 1180, 300)),
    'meeting-10x10': {
        'subscribers': 10,
        'args': [*VIDEO, '--publishers', '10', '--subscribers', '10', '--meeting'],
        'limit': (6, 1180, 10),
        'janus': [],
    },
    'rooms-20x5': {
        'subscribers': 100,
        'args': [*VIDEO, '--publishers', '100', '--subscribers', '100', '--rooms', '20', '--meeting'],
        'limit': (6, 1180, 100),
        'janus': [],
    },
    'hall-10x1000': {
        'subscribers': 1000,
        'args': ['--bitrate', '0', '--gro', '--publishers', '10', '--voices', '3', '--subscribers', '1000'],
        'limit': (3, 120, 1000),
        'janus': ['--subscribers', '100'],
    },
    'storm-500': {'subscribers': 600, 'args': [*VIDEO, '--subscribers', '600', '--late', '500'], 'limit': (6, 1180, 600)},
    'spread-1000': broadcast(1000, spread=2),
    'whole-300': broadcast(300, whole=True),
    'whole-storm-500': {
        'subscribers': 600,
        'args': [*VIDEO, '--subscribers', '600', '--late', '500'],
        'limit': (6, 1180, 600),
        'whole': True,
    },
}


def free_port():
    with socket.socket() as s:
        s.bind(('127.0.0.1', 0))
        return s.getsockname()[1]


def alone(cpu):
    """For a child: a session of its own, which is a scheduler group of its own, and one processor."""

    def prepare():
        os.setsid()
        with contextlib.suppress(OSError), open('/proc/self/autogroup', 'w') as file:
            file.write('-15')
        if CORES >= 2 and cpu is not None:
            os.sched_setaffinity(0, {cpu})

    return prepare


def descendants(pid):
    out = [pid]
    for task in os.listdir(f'/proc/{pid}/task'):
        with contextlib.suppress(OSError), open(f'/proc/{pid}/task/{task}/children') as file:
            for child in file.read().split():
                out += descendants(int(child))
    return out


def named(pid, name):
    found = []
    for each in descendants(pid):
        with contextlib.suppress(OSError), open(f'/proc/{each}/comm') as file:
            if file.read().strip() == name:
                found.append(each)
    return found


@contextlib.contextmanager
def server(command, log, cpu=0):
    """A server with all that it starts, until the block ends."""
    with open(log, 'wb') as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, preexec_fn=alone(cpu))
    try:
        yield process
    finally:
        pids = descendants(process.pid) if process.poll() is None else []
        process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(10)
        for pid in pids[1:]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, 9)
        if process.poll() is None:
            process.kill()
            process.wait()


def wait_until(is_there, process, what):
    for _ in range(2000):
        if is_there():
            return
        if process.poll() is not None:
            break
        time.sleep(0.01)
    raise RuntimeError(f'{what} did not start')


def jiffies():
    with open('/proc/stat') as file:
        n = [int(x) for x in file.readline().split()[1:9]]
    idle = n[3] + n[4]
    return sum(n) - idle, sum(n)


def load(scenario, args, options):
    """Runs manabi-load and returns its line."""
    command = [LOAD, '--scenario', scenario, '--warm-up', '1', '--duration', str(options.duration), '--limit', '90', *args]
    busy0, all0 = jiffies()
    done = subprocess.run(command, stdout=subprocess.PIPE, preexec_fn=alone(1))
    busy1, all1 = jiffies()
    if not done.stdout:
        raise RuntimeError(f'{scenario}: no result')
    line = json.loads(done.stdout)
    used = 100 * CORES * (busy1 - busy0) / max(1, all1 - all0)
    line['others_pct'] = max(0, used - line.get('server_core_pct', 0) - line['load_core_pct'])
    return line


def run_manabi(name, spec, options, folder, workers=1):
    if spec.get('whole'):
        return run_whole(name, spec, options, folder)
    cpu = '0' if CORES >= 2 else '-1'
    args = ['--worker', WORKER, '--worker-cpu', cpu, '--workers', str(workers)]
    return load(name, [*FAST_JOINS, *spec['args'], *args], options)


def run_whole(name, spec, options, folder):
    state, out, port = f'{folder}/state', f'{folder}/out', free_port()
    os.makedirs(state)
    command = [f'{ROOT}/script/server', '--state', state, '--port', str(port), '--no-build']
    with server(command, out) as process:
        wait_until(lambda: b'\nready ' in b'\n' + open(out, 'rb').read(), process, 'manabi')
        link = next(line for line in open(out) if line.split()[:1] == ['facilitator'] and 'http' in line)
        url = f'http://localhost:{port}'
        start = ['node', f'{ROOT}/tests/bench/start-session.mjs', url, link.split('#')[-1].strip()]
        session = subprocess.check_output(start, text=True).strip()

        def token(may):
            ask = [f'{ROOT}/build/server/manabi', 'token', '--session', session, '--may', may, '--state', state]
            return subprocess.check_output(ask, text=True).strip()

        args = ['--whip', f'{url}/whip/{session}', '--whep', f'{url}/whep/{session}']
        args += ['--joins-per-s', '150', '--publish-token', token('publish'), '--receive-token', token('receive')]
        for pid in named(process.pid, 'manabi-media'):
            args += ['--pid', str(pid)]
        line = load(name, [*spec['args'], *args], options)
    shutil.rmtree(state)
    return line


def run_janus(name, spec, options, folder):
    port = free_port()
    out = f'{folder}/janus.out'
    with server([f'{ROOT}/tests/bench/janus/serve', f'{folder}/janus', str(port), '1'], out) as process:

        def answers():
            with socket.socket() as s:
                return s.connect_ex(('127.0.0.1', port)) == 0

        wait_until(answers, process, 'janus')
        args = [*spec['args'], *spec['janus'], '--janus', f'http://127.0.0.1:{port}/janus', '--expect', '0']
        args += ['--joins-per-s', '100', '--joins-at-once', '16']
        for pid in named(process.pid, 'janus'):
            args += ['--pid', str(pid)]
        line = load(name, args, options)
    shutil.rmtree(f'{folder}/janus', ignore_errors=True)
    return line


def run_limit(spec):
    segments, size, receivers = spec['limit']
    command = [LIMIT, '--segments', str(segments), '--size', str(size), '--receivers', str(receivers), '--seconds', '0.3']
    line = json.loads(subprocess.check_output(command, preexec_fn=alone(None)))
    return line.get('ipsec_mb_us_per_packet', line['evp_us_per_packet'])


def median(lines, key):
    values = [key(line) for line in lines if line is not None]
    values = [v for v in values if v is not None]
    return round(statistics.median(values), 3) if values else None


def loss(line):
    return max(line['loss_pct'], 100 - min(100, line['delivered_pct']))


def worst(lines):
    """Of the run that went worst: what was lost and why, and who had to wait. All zero but the waiting: nothing."""
    line = max(lines, key=lambda line: (loss(line), line['latency_ms']['p99']))
    return {'loss_pct': loss(line), 'delay_p99_ms': line['latency_ms']['p99'], **line['lost']}


def summary(name, spec, ours, janus, limits):
    def cost(line):
        return line.get('server_us_per_packet')

    out = {
        'scenario': name,
        'subscribers': spec['subscribers'],
        'cpu_us_per_packet': median(ours, cost),
        'janus_cpu_us_per_packet': median(janus, cost),
        'limit_us_per_packet': median(limits, lambda value: value),
        'delay_p50_ms': median(ours, lambda line: line['latency_ms']['p50']),
        'delay_p99_ms': median(ours, lambda line: line['latency_ms']['p99']),
        'loss_pct': median(ours, loss),
        'kb_per_subscriber': median(ours, lambda line: line.get('memory_kib_per_subscriber')),
    }
    if out['cpu_us_per_packet'] and out['janus_cpu_us_per_packet']:
        out['janus_ratio'] = round(out['janus_cpu_us_per_packet'] / out['cpu_us_per_packet'], 1)
        out['janus_loss_pct'] = median(janus, lambda line: 100 - min(100, line['delivered_pct']))
        out['janus_delay_p99_ms'] = median(janus, lambda line: line['latency_ms']['p99'])
    if 'storm' in name:
        out['first_media_p95_ms'] = median(ours, lambda line: line['join_to_media_ms'].get('p95'))
        out['first_key_frame_p95_ms'] = median(ours, lambda line: line['join_to_key_frame_ms'].get('p95'))
        out['key_frame_requests'] = median(ours, lambda line: line['key_frames_asked_in_window'])
        out['failed'] = median(ours, lambda line: line['failed'])
    if ours:
        costs = [cost(line) for line in ours]
        out['cpu_us_min_max'] = [min(costs), max(costs)]
        out['worst_run'] = worst(ours)
        out['core_pct'] = median(ours, lambda line: line['server_core_pct'])
    out['others_pct'] = median(ours + janus, lambda line: line['others_pct'])
    out['runs'] = max(len(ours), len(janus))
    return out


def spread_summary(one, more):
    def busiest(line):
        return max(line['server_core_pct_each'])

    return {
        'spread_ratio': round(median(one, busiest) / median(more, busiest), 2),
        'spread_core_pct_each': max(more, key=busiest)['server_core_pct_each'],
        'spread_cpu_us_per_packet': median(more, lambda line: line['server_us_per_packet']),
        'spread_delay_p50_ms': median(more, lambda line: line['latency_ms']['p50']),
        'spread_delay_p99_ms': median(more, lambda line: line['latency_ms']['p99']),
        'spread_worst_run': worst(more),
    }


def measure(name, options, folder):
    spec = SCENARIOS[name]
    ours, spread, janus, limits = [], [], [], []
    for _ in range(options.runs):
        if options.only != 'janus':
            limits.append(run_limit(spec))
            ours.append(run_manabi(name, spec, options, folder))
            if 'spread' in spec:
                spread.append(run_manabi(name, spec, options, folder, spec['spread']))
        if options.only != 'manabi' and 'janus' in spec and shutil.which('janus'):
            janus.append(run_janus(name, spec, options, folder))
    out = summary(name, spec, ours, janus, limits)
    if spread:
        out.update(spread_summary(ours, spread))
    print(json.dumps(out, separators=(',', ':')), flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--runs', type=int, default=1)
    parser.add_argument('--duration', type=float, default=2.5)
    parser.add_argument('--only', choices=['manabi', 'janus'])
    parser.add_argument('scenarios', nargs='*', metavar='SCENARIO')
    options = parser.parse_args()
    unknown = [name for name in options.scenarios if name not in SCENARIOS]
    if unknown or options.runs < 1:
        parser.error(f'unknown scenario {unknown[0]}' if unknown else '--runs must be 1 or more')
    if not shutil.which('janus'):
        print('bench-media: janus is not installed (script/install bench), left out', file=sys.stderr)
    status = 0
    with tempfile.TemporaryDirectory() as folder:
        for name in options.scenarios or SCENARIOS:
            try:
                measure(name, options, folder)
            except (RuntimeError, subprocess.CalledProcessError, StopIteration) as error:
                print(f'bench-media: {name}: {error}', file=sys.stderr)
                status = 1
    return status


sys.exit(main())
