#!/usr/bin/env python3
"""Recordings that share nothing, for the rate of false accepts: disjoint stretches of one speech, two other voices, synthetic music,
noise; each in a room, a band, noise of its own, sometimes clipped. Writes WAV files and files.json with the group of each.
    sound_negatives.py BENCH OUT SEED COUNT       BENCH: the shared folder of time problems"""
import json, os, sys

import numpy as np

bench, out, seed, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
sys.path.insert(0, bench)
import baseline, generate

os.makedirs(out, exist_ok=True)
r, sr, files = np.random.default_rng(seed), 16000, []
speech, y, z = (baseline.load(os.path.join(bench, "data/bbc", f), sr) for f in ("timbl_1.mp3", "r4_excerpt.ogg", "r4_excerpt2.ogg"))


def music(n):
    s, step = np.zeros(n), 30 / r.uniform(80, 150)
    scale = 220 * 2 ** (r.choice([0, 2, 4, 5, 7, 9, 11, 12], 64) / 12)
    for i in range(int(n / sr / step)):
        k = int(i * step * sr)
        m = min(n - k, int(step * sr * 1.5))
        u = np.arange(m) / sr
        s[k:k + m] += sum(np.sin(2 * np.pi * scale[i % 16] * h * u) / h for h in range(1, 8)) * np.exp(-u * 5)
        if i % 2 == 0:
            s[k:k + m] += r.standard_normal(m) * np.exp(-u * 60)
    return s


def put(s, group):
    s = generate.channel(r, s, sr, float(r.choice([-5, 0, 5, 15])), int(r.choice([200, 300])), int(r.choice([3400, 5000])), 2 if r.random() < .4 else None)
    name = "%04d.wav" % len(files)
    generate.save(os.path.join(out, name), s, sr)
    files.append({"f": name, "g": group})


def stretch(t):
    put(speech[int(t * sr):int((t + r.uniform(2, 3.9)) * sr)], "speech%d" % t)


for t in range(0, 46, 4):
    stretch(t)
put(y, "y")
put(z, "z")
for i in range(10):
    put(music(int(r.uniform(5, 25) * sr)), "music%d" % i)
for i in range(6):
    put(r.standard_normal(int(r.uniform(5, 25) * sr)), "noise%d" % i)
for i in range(count):
    stretch(int(r.integers(0, 11)) * 4)
json.dump(files, open(os.path.join(out, "files.json"), "w"))
