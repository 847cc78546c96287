"""Writes the conformance files tests/ptx/<family>/<name>.ptx.

The expected bits are derived here from the text of the PTX ISA (8.7; each file names its section), with integers and
exact fractions only: no floating-point arithmetic of this machine and nothing of the emulator takes part.

    python3 emulator/tests/derive
"""

import shutil

import compare
import control
import convert
import floats
import halves
import hopper
import integer
import logic
import memory
import moves
import tensor
import tensor_rare
import video
import warp
from files import ROOT

shutil.rmtree(ROOT, ignore_errors=True)
integer.integer()
integer.extended()
video.video()
floats.float_family()
halves.halves()
compare.compare()
logic.logic()
convert.convert()
moves.move()
warp.warp()
memory.memory()
control.control()
tensor.tensor()
tensor_rare.rare()
hopper.hopper()
print(sum(1 for _ in ROOT.glob("*/*.ptx")), "files")
