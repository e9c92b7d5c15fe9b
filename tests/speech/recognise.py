#!/usr/bin/env python3
"""Listens to calls and writes down which PIN each of them tells.

Usage: recognise.py DIGITS FILE.wav …
Prints a line of JSON for each file: {"file": …, "heard": "4711", "readings": 3}. The expected PIN is nowhere known here:
`heard` is what a listener would have written down, "" if no reading was found.

Each file goes through a telephone: 300 to 3400 Hz and A-law (ITU-T G.711), by sox. A reading of the PIN is a run of exactly
DIGITS pieces of speech, each up to 1.2 s, with 0.9 s of silence before and after it. Each piece is decoded on its own by a
grammar of ten words, with three dictionaries of how the words sound over a narrow band, from two ways of bringing the sound
to the 16 kHz that the acoustic model wants. Every decoding is a vote; the digit with most votes over all readings is heard.
"""
import json
import multiprocessing
import os
import subprocess
import sys
import tempfile

import numpy
from pocketsphinx import Config, Decoder, get_model_path

RATE = 16_000
FRAME = RATE // 100
DIGITS = "zero one two three four five six seven eight nine".split()
# How loud speech is at least, in dB against the loudest frame: which of them divides a call best depends on the voice.
THRESHOLDS = (-38, -34, -30, -26)

# Full-band sounds of the words, as the acoustic model knows them.
SOUNDS = {
    "zero": ["Z IH R OW", "Z IY R OW"], "one": ["W AH N", "HH W AH N"], "two": ["T UW"], "three": ["TH R IY"],
    "four": ["F AO R"], "five": ["F AY V"], "six": ["S IH K S"], "seven": ["S EH V AH N"], "eight": ["EY T"],
    "nine": ["N AY N"],
}
# A narrow band takes the hiss of fricatives and the burst of stops away: what else they may be taken for, "" for nothing.
BLURRED = {
    "S": ["S", "TH", "F", "HH", "T", ""], "Z": ["Z", "L", "DH", ""], "V": ["V", "W", "M"], "K": ["K", "G"], "N": ["N", "M"],
}
# How many sounds of a word are taken for others at most. Only of the words that begin with a hiss is enough lost to matter:
# "five" and "nine" would be taken for each other.
CHANGES = {"six": 2, "seven": 2, "zero": 1}


def main():
    digits, files = int(sys.argv[1]), sys.argv[2:]
    with multiprocessing.Pool(os.cpu_count(), start) as pool:
        for answer in pool.imap(listen, [(file, digits) for file in files]):
            print(json.dumps(answer), flush=True)


def start():
    """A process has its decoders once: a model takes longer to load than a call to hear."""
    global decoders
    blurred = {word: [way for plain in SOUNDS[word] for way in blur(plain, most)] for word, most in CHANGES.items()}
    dictionaries = [
        {word: blurred[word] if word in words else SOUNDS[word] for word in DIGITS}
        for words in ({"six"}, {"six", "seven"}, {"six", "seven", "zero"})
    ]
    decoders = [decoder(dictionary) for dictionary in dictionaries]


def blur(sounds, most):
    """Every way to hear a word with at most so many of its sounds taken for others."""
    heard = [([], 0)]
    for sound in sounds.split():
        heard = [
            (before + ([other] if other else []), changes + (other != sound))
            for before, changes in heard
            for other in BLURRED.get(sound, [sound])
            if changes + (other != sound) <= most
        ]
    return sorted({" ".join(word) for word, _ in heard})


def decoder(dictionary):
    with tempfile.NamedTemporaryFile("w", suffix=".dict") as file:
        for word, sounds in dictionary.items():
            for number, sound in enumerate(sounds, 1):
                print(word if number == 1 else f"{word}({number})", sound, file=file)
        file.flush()
        model = os.path.join(get_model_path(), "en-us", "en-us")
        made = Decoder(Config(hmm=model, dict=file.name, lm=None, samprate=RATE, loglevel="FATAL"))
    made.add_jsgf_string("digit", f"#JSGF V1.0; grammar digit; public <digit> = {' | '.join(DIGITS)};")
    made.activate_search("digit")
    return made


def listen(call):
    file, digits = call
    sounds = telephoned(file)
    found = max((readings(sounds[0], digits, threshold) for threshold in THRESHOLDS), key=len)
    votes = [vote(sounds, [reading[place] for reading in found]) for place in range(digits)]
    heard = "".join(str(place.argmax()) for place in votes) if found else ""
    return {"file": file, "heard": heard, "readings": len(found)}


def vote(sounds, pieces):
    """How often each digit is heard in the pieces of one place, until those left could change nothing."""
    votes = numpy.zeros(len(DIGITS), int)
    left = len(pieces) * len(sounds) * len(decoders)
    for start, end in pieces:
        for sound in sounds:
            for decoder in decoders:
                word = decoded(decoder, sound[max(0, start - FRAME * 6) : end + FRAME * 6])
                if word in DIGITS:
                    votes[DIGITS.index(word)] += 1
                left -= 1
                second, first = numpy.sort(votes)[-2:]
                if first > second + left:
                    return votes
    return votes


def telephoned(file):
    """What arrives at the ear, twice: with sox's dither, shaped, and with a little white noise."""
    line = sox([file, "-r", "8000", "-c", "1", "-t", "al", "-", "gain", "-3", "rate", "-h", "sinc", "300-3400"])
    wide = sox("-t al -r 8000 -c 1 - -r 16000 -e signed -b 16 -t raw - gain -3 rate -h".split(), line)
    plain = numpy.frombuffer(wide, "<i2")
    noise = numpy.random.default_rng(0).normal(0, 2, len(plain))
    dithered = sox("-t al -r 8000 -c 1 - -r 16000 -e signed -b 16 -t raw - gain -3 rate -h dither -s".split(), line)
    return [numpy.frombuffer(dithered, "<i2"), numpy.clip(plain + noise, -32768, 32767).astype("<i2")]


def sox(arguments, sound=None):
    return subprocess.run(["sox", *arguments], input=sound, capture_output=True, check=True).stdout


def readings(sound, digits, threshold):
    frames = sound[: len(sound) // FRAME * FRAME].reshape(-1, FRAME).astype(float)
    loudness = numpy.sqrt((frames**2).mean(axis=1))
    loud = numpy.flatnonzero(loudness > loudness.max() * 10 ** (threshold / 20))
    # Silences of 0.28 s divide pieces, those of 0.9 s runs of pieces.
    pieces = [piece for piece in numpy.split(loud, numpy.flatnonzero(numpy.diff(loud) > 28) + 1) if len(piece) >= 7]
    spans = [(int(piece[0]), int(piece[-1]) + 1) for piece in pieces]
    runs = []
    for span in spans:
        if runs and span[0] - runs[-1][-1][1] < 90:
            runs[-1].append(span)
        else:
            runs.append([span])
    fits = lambda run: len(run) == digits and all(end - start <= 120 for start, end in run)
    return [[(start * FRAME, end * FRAME) for start, end in run] for run in runs if fits(run)]


def decoded(decoder, piece):
    silence = numpy.zeros(RATE // 5, "<i2")
    decoder.start_utt()
    decoder.process_raw(numpy.concatenate([silence, piece, silence]).tobytes(), full_utt=True)
    decoder.end_utt()
    said = decoder.hyp()
    return said.hypstr if said else ""


if __name__ == "__main__":
    main()
