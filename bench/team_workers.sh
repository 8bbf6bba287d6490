#!/bin/sh
# One worker against two on the same jobs, measured in pairs: the exercise is
# taken into a case, the case is copied for each run, and the runs alternate.
# Beside the ratio stands the least that two processors allow: what one worker
# and its external programs used of processor time, over two processors, over
# the time it took.
#
#   bench/team_workers.sh [ROUNDS [small|full]]      needs a built program
#   SIGHTLINE=PATH names the program, SIGHTLINE_DIR a folder for the cases
set -eu
cd "$(dirname "$0")/.."
exec python3 - "${SIGHTLINE:-bin/sightline}" "${1:-3}" "${2:-full}" <<'PY'
import os, resource, shutil, statistics, subprocess, sys, tempfile, time
program, rounds, size = os.path.abspath(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
root = tempfile.mkdtemp(prefix='sightline-workers-', dir=os.environ.get('SIGHTLINE_DIR'))
os.environ.setdefault('SIGHTLINE_HOME', root + '/home')
quiet = dict(stdout=subprocess.DEVNULL)
run = lambda *a: subprocess.run([program, *a], check=True, **quiet)
try:
    run('exercise', '-o', root + '/x', '--size', size)
    run('new', root + '/case', '--title', 'EXERCISE', '--prefix', 'EX')
    run('add', '--case', root + '/case', '--reason', 'measured', root + '/x/case/media')
    def work(n):
        dir = f'{root}/run'
        shutil.copytree(root + '/case', dir)
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        ws = [subprocess.Popen([program, 'work', '--case', dir, '--workers', '1', '--until-idle', '--unsafe-no-sandbox'], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for _ in range(n)]
        for w in ws: w.wait()
        wall, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
        shutil.rmtree(dir)
        return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    ratios, floors = [], []
    for i in range(rounds):
        one, two = (work(1), work(2)) if i % 2 == 0 else tuple(reversed((work(2), work(1))))
        ratios.append(two[0] / one[0]); floors.append(one[1] / 2 / one[0])
        print(f'one worker {one[0]:.1f} s ({one[1]:.1f} s of processor), two {two[0]:.1f} s ({two[1]:.1f} s): {ratios[-1]:.2f}; two processors allow {floors[-1]:.2f}', flush=True)
    print(f'median {statistics.median(ratios):.2f}; two processors allow {statistics.median(floors):.2f}; load {os.getloadavg()[0]:.1f}')
finally:
    shutil.rmtree(root, ignore_errors=True)
PY
