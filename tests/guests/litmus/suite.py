"""The litmus tests: shapes x what stands between two accesses of a thread.

A shape lists the accesses of each thread, threads apart by |: R load, W store, U load-reserve with store-conditional,
Z dcbz; the location; `:4` the size (8 bytes if not said); `.1` which part of the location, counted in that size. The
accesses of a published shape form a cycle, from the last of each thread to the first of the next: a write and a read
are "reads from", a read and a write "reads what was before", two writes coherence. The cycle is the outcome that a test
is named after: what SC forbids.

A test is a shape's name and, for each thread of several accesses, what joins them: `MP+lwsync+addr`. A plural stands
for all threads (`SB+syncs`), nothing for program order alone; joints of a thread of three or more accesses are apart by
hyphens. Names and meanings are those of the published families (Sarkar et al., PLDI 2011; "Herding cats", TOPLAS 2014)
where they have the shape; those with sizes, store-conditionals or dcbz are ours.
"""

import re

from power import Access, Program

SHAPES = {
    # one location: coherence
    "CoWW": "Wx Wx", "CoWR": "Wx Rx", "CoRW1": "Rx Wx", "CoRW2": "Rx Wx | Wx", "CoRR": "Wx | Rx Rx",
    # two threads
    "SB": "Wx Ry | Wy Rx", "MP": "Wx Wy | Ry Rx", "LB": "Rx Wy | Ry Wx",
    "R": "Wx Wy | Wy Rx", "S": "Wx Wy | Ry Wx", "2+2W": "Wx Wy | Wy Wx",
    "PPO": "Wx Wy | Ry Wz Rz Rx", "RDW": "Wx Wy | Ry Rz Rz Rx | Wz", "Detour": "Wx Wy | Ry Wz Rz Rx | Wz",
    "MP.fri": "Wx Wy | Ry Wy Ry Rx", "LB.fri": "Rx Wy | Ry Wy Ry Wx", "LB.WW": "Rx Wy Wz | Rz Ww Wx",
    # three
    "WRC": "Wx | Rx Wy | Ry Rx", "RWC": "Wx | Rx Ry | Wy Rx", "WWC": "Wx | Rx Wy | Ry Wx",
    "WRR+2W": "Wx | Rx Ry | Wy Wx", "WRW+2W": "Wx | Rx Wy | Wy Wx", "ISA2": "Wx Wy | Ry Wz | Rz Rx",
    "W+RWC": "Wx Wy | Ry Rz | Wz Rx",
    "Z6.0": "Wx Wy | Ry Wz | Wz Rx", "Z6.1": "Wx Wy | Wy Wz | Rz Wx", "Z6.2": "Wx Wy | Ry Wz | Rz Wx",
    "Z6.3": "Wx Wy | Wy Wz | Rz Rx", "Z6.4": "Wx Wy | Wy Rz | Wz Rx", "Z6.5": "Wx Wy | Wy Wz | Wz Rx",
    "3.SB": "Wx Ry | Wy Rz | Wz Rx", "3.LB": "Rx Wy | Ry Wz | Rz Wx", "3.2W": "Wx Wy | Wy Wz | Wz Wx",
    # four
    "IRIW": "Wx | Rx Ry | Wy | Ry Rx", "IRRWIW": "Wx | Rx Ry | Wy | Ry Wx", "IRWIW": "Wx | Rx Wy | Wy | Ry Wx",
    # sizes: is an access one access, and is it seen in the same order as its parts?
    "Whole2": "Wx:2 | Rx:2 Rx:2 Rx:1", "Whole4": "Wx:4 | Rx:4 Rx:4 Rx:2", "Whole8": "Wx:8 | Rx:8 Rx:8 Rx:4",
    "Whole16": "Wx:16 | Rx:16 Rx:16 Rx:8",
    "Pair16": "Wx:16 | Wx:16 Rx:16", "Stream16": "Wx:16 Wx:16 Wx:16 | Rx:16 Rx:16 Rx:16",
    "Stream8": "Wx Wx Wx Wx | Rx Rx Rx", "Stream4": "Wx:4 Wx:4 Wx:4 Wx:4 | Rx:4 Rx:4 Rx:4",
    "Stream2": "Wx:2 Wx:2 Wx:2 Wx:2 | Rx:2 Rx:2 Rx:2",
    "Built16": "Wx.0:8 Wx.1:8 | Rx:16", "Built8": "Wx.0:4 Wx.1:4 | Rx:8", "Built2": "Wx.0:1 Wx.1:1 | Rx:2",
    "MP.sizes": "Wx:8 Wy:16 | Ry.1:8 Rx.1:4", "SB.sizes": "Wx.0:4 Rx:8 | Wx.1:4 Rx:8",
    "SB16": "Wx:16 Ry:16 | Wy:16 Rx:16",
    # load-reserve and store-conditional
    "Exchange": "Ux | Ux", "Exchange1": "Ux:1 | Ux:1", "Exchange2": "Ux:2 | Ux:2", "Exchange4": "Ux:4 | Ux:4",
    "Exchange16": "Ux:16 | Ux:16", "Between": "Ux | Wx", "Between4": "Ux:4 | Wx:4", "Between16": "Ux:16 | Wx:16",
    "BetweenPart": "Ux | Wx.1:4", "BetweenPart16": "Ux:16 | Wx.1:8",
    "Twice": "Ux Ux | Ux", "3.Exchange": "Ux | Ux | Ux",
    "MP.U": "Wx Uy | Uy Rx", "SB.U": "Ux Ry | Uy Rx", "LB.U": "Ux Wy | Uy Wx",
    # dcbz; the initial value of what it clears is 3. By bytes, because it need not be one access.
    "CoWZ": "Wx:1 Zx", "CoZW": "Zx Wx:1", "MP.Z": "Zx Wy | Ry Rx:1", "SB.Z": "Zx Ry | Wy Rx:1",
    "S.Z": "Wx:1 Wy | Ry Zx", "R.Z": "Wx Wy:1 | Zy Rx", "2+2W.Z": "Zx Wy | Wy Wx:1",
}

TESTS = """
CoWW CoWR CoRW1 CoRW2 CoRR
SB SB+syncs SB+lwsyncs SB+sync+po SB+eieios
MP MP+syncs MP+lwsyncs MP+eieios MP+lwsync+po MP+po+addr MP+lwsync+addr MP+lwsync+ctrl MP+lwsync+ctrlisync MP+sync+addr
MP+eieio+addr MP+lwsync+sync
LB LB+addrs LB+datas LB+ctrls LB+syncs LB+lwsyncs LB+data+po LB+addr+ctrl
R R+syncs R+lwsyncs R+lwsync+sync R+sync+lwsync
S S+syncs S+lwsyncs S+lwsync+po S+lwsync+data S+lwsync+addr S+lwsync+ctrl S+eieio+data
2+2W 2+2W+syncs 2+2W+lwsyncs 2+2W+eieios 2+2W+lwsync+po
PPO+lwsync+ctrl-po-addr PPO+lwsync+addr-po-addr PPO+sync+data-po-addr RDW+sync+addr-po-addr Detour+sync+ctrl-po-addr
MP.fri+lwsync+po-po-addr MP.fri+lwsync+po-po-ctrlisync LB.fri+data+po-po-data
LB.WW+addr-po+addr-po LB.WW+data-po+data-po
WRC WRC+syncs WRC+lwsyncs WRC+lwsync+addr WRC+data+addr
RWC RWC+syncs RWC+addr+sync RWC+lwsync+sync
WWC+syncs WWC+lwsync+data WWC+datas
WRR+2W+syncs WRR+2W+lwsyncs WRW+2W+lwsyncs WRW+2W+data+lwsync
ISA2+syncs ISA2+lwsyncs ISA2+sync+data+addr ISA2+lwsync+addrs
W+RWC+syncs W+RWC+lwsync+addr+sync
Z6.0+syncs Z6.1+lwsyncs Z6.2+lwsync+datas Z6.3+syncs Z6.3+lwsync+lwsync+addr Z6.4+syncs Z6.5+syncs
3.SB+syncs 3.SB+lwsyncs 3.LB+datas 3.2W+lwsyncs
IRIW IRIW+syncs IRIW+lwsyncs IRIW+addrs IRRWIW+syncs IRWIW+syncs
Whole2 Whole4 Whole8 Whole16 Pair16 Stream16 Stream8 Stream4 Stream2
Built16+lwsync Built8+lwsync Built2+lwsync
MP.sizes+lwsync+addr SB.sizes SB.sizes+syncs SB16+syncs
Exchange Exchange1 Exchange2 Exchange4 Exchange16 Between Between4 Between16 BetweenPart BetweenPart16 Twice 3.Exchange
MP.U+lwsync+addr SB.U SB.U+syncs LB.U+datas
CoWZ CoZW MP.Z+lwsync+addr SB.Z+syncs S.Z+lwsync+addr R.Z+syncs 2+2W.Z+lwsyncs
""".split()

# A host with store buffers shows their relaxed outcomes: where it does not, the tests do not overlap, and prove little.
OBSERVED = ("SB", "R")

JOINTS = {"po", "sync", "lwsync", "eieio", "addr", "data", "ctrl", "ctrlisync"}


def parse_shape(text):
    """Threads of accesses. The writes to a location store 1, 2 ... in the order of the text."""
    stores, threads = {}, []
    for thread in text.split("|"):
        threads.append([])
        for word in thread.split():
            kind, location, part, size = re.fullmatch(r"([RWUZ])([xyzw])(?:\.(\d))?(?::(\d+))?", word).groups()
            size = int(size or 8)
            if part and kind in "UZ":
                raise ValueError(f"{word}: a {kind} of a part")
            value = None
            if kind in "WU":
                value = stores[location] = stores.get(location, 0) + 1
            threads[-1].append(Access(kind, location, size, int(part or 0) * size, value))
    return threads


def parse(name):
    """The program of a test."""
    shape = max((s for s in SHAPES if name == s or name.startswith(s + "+")), key=len)
    threads = parse_shape(SHAPES[shape])
    joined = [t for t in threads if len(t) > 1]
    words = name[len(shape) + 1:].split("+") if name != shape else []
    joints = []
    for word in words:
        plural = word[:-1] if word[:-1] in JOINTS else None
        joints += [[plural]] * (len(joined) - len(joints)) if plural else [word.split("-")]
    joints = joints or [["po"] * (len(t) - 1) for t in joined]
    if [len(j) for j in joints] != [len(t) - 1 for t in joined] or not all(set(j) <= JOINTS for j in joints):
        raise ValueError(f"{name}: the joints do not fit the shape {SHAPES[shape]}")
    rest = iter(joints)
    cleared = {a.location for t in threads for a in t if a.kind == "Z"}
    return Program(threads, [next(rest) if len(t) > 1 else [] for t in threads], {location: 3 for location in cleared})
