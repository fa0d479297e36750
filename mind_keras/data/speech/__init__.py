"""Spoken digits: voices that say them, clips of one length, noise, spectrograms.

    phones > formant | espeak > voices > clips > mel

A clip is `(n,)`, float64, at `clips.RATE`. To add a voice: a file with `speakers`,
`say` and `identity`, and a line in `voices.VOICES`.
"""
