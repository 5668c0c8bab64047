#!/usr/bin/env python3
"""Checks the model of power.py against published verdicts, and what the guest's tests are made of."""

import unittest

import emit
import power
import suite

# Verdicts of the model as published for these tests (Sarkar et al., PLDI 2011; Alglave et al., TOPLAS 2014): is the
# outcome that SC forbids allowed? Our names for those of longer threads: PPO+sync+ctrl-po-addr is PPOCA, with
# addr-po-addr PPOAA; Detour+sync+ctrl-po-addr is MP+sync+ctrl-detw-addr; MP.fri+lwsync+po-po-addr is
# MP+lwsync+fri-rfi-addr, and so on; LB.WW+addr-po+addr-po is LB+addrs+WW.
FORBIDDEN = """
CoWW CoWR CoRW1 CoRW2 CoRR
SB+syncs MP+syncs MP+lwsyncs MP+lwsync+addr MP+lwsync+ctrlisync MP+eieio+addr MP+sync+addr MP+sync+ctrlisync
LB+addrs LB+datas LB+ctrls LB+syncs LB+lwsyncs LB+lwsync+addr R+syncs
S+syncs S+lwsyncs S+lwsync+data S+lwsync+addr S+lwsync+ctrl
2+2W+syncs 2+2W+lwsyncs 2+2W+eieios 2+2W+eieio+lwsync
PPO+sync+addr-po-addr PPO+lwsync+data-po-addr RDW+sync+addr-po-addr Detour+sync+ctrl-po-addr
MP.fri+lwsync+po-po-ctrlisync LB.fri+data+po-po-data LB.fri+data+po-po-ctrl LB.fri+data+po-po-addr LB.WW+addr-po+addr-po
WRC+lwsync+addr WRC+syncs RWC+syncs WWC+lwsync+data WWC+lwsync+addr WRR+2W+syncs WRW+2W+lwsyncs
ISA2+lwsync+addrs ISA2+sync+data+addr ISA2+lwsync+addr+ctrlisync
Z6.0+syncs Z6.1+lwsyncs Z6.2+lwsync+addrs Z6.3+syncs Z6.4+syncs Z6.5+syncs W+RWC+syncs
W+RWC+sync+addr+sync Z6.3+sync+sync+lwsync Z6.0+sync+addr+sync
3.SB+syncs 3.LB+addrs 3.2W+lwsyncs IRIW+syncs IRRWIW+syncs IRWIW+syncs
""".split()
ALLOWED = """
SB SB+lwsyncs SB+eieios SB+sync+lwsync MP MP+lwsync+po MP+lwsync+ctrl MP+po+addr MP+eieios LB LB+data+po
R R+lwsyncs R+lwsync+sync
R+sync+lwsync S S+lwsync+po 2+2W 2+2W+lwsync+po 2+2W+eieio+po PPO+sync+ctrl-po-addr
MP.fri+lwsync+po-po-addr LB.WW+data-po+data-po
WRC WRC+addrs WRC+data+addr RWC RWC+lwsyncs RWC+addr+sync WWC+addrs WWC+datas WRR+2W+lwsyncs W+RWC+eieio+addr+sync
Z6.3+lwsync+lwsync+addr Z6.3+sync+lwsync+lwsync IRRWIW+lwsync+sync WRR+2W+lwsync+sync
3.SB+lwsyncs 3.SB+sync+sync+lwsync IRIW IRIW+lwsyncs IRIW+addrs IRIW+sync+lwsync
""".split()
# What the middle of a thread has to read for the outcome that counts.
MIDDLE = {"RDW": {(1, 1): 0, (1, 2): 1}, "Detour": {(1, 2): 2}, "MP.fri": {(1, 2): 2}, "LB.fri": {(1, 2): 2}}
HELPERS = {"RDW": 2, "Detour": 2}  # a thread that is no part of the cycle

# All outcomes of tests of our own, as reasoned by hand; values in the order of power.observables.
OUTCOMES = {
    # what is loaded by 16 bytes, again, by the lower 8 of them; the location
    "Whole16": [(0, 0, 0, 0, 0, 1, 1), (0, 0, 0, 0, 1, 1, 1), (0, 0, 1, 1, 1, 1, 1), (1, 1, 1, 1, 1, 1, 1)],
    "Pair16": [(1, 1, 1, 1), (2, 2, 1, 1), (2, 2, 2, 2)],
    "Built16+lwsync": [(0, 0, 1, 2), (1, 0, 1, 2), (1, 2, 1, 2)],
    # each thread stores its half, and loads both
    "SB.sizes": [(1, 0, 0, 2, 1, 2), (1, 0, 1, 2, 1, 2), (1, 2, 0, 2, 1, 2), (1, 2, 1, 2, 1, 2)],
    "SB.sizes+syncs": [(1, 0, 1, 2, 1, 2), (1, 2, 0, 2, 1, 2), (1, 2, 1, 2, 1, 2)],
    "MP.sizes+lwsync+addr": [(0, 0, 1, 1, 1, 1), (0, 1, 1, 1, 1, 1), (1, 1, 1, 1, 1, 1)],
    # what each thread's load-reserve saw, whether its store-conditional stored; the location
    "Exchange": [(0, 0, 0, 0, 0), (0, 0, 0, 1, 2), (0, 1, 0, 0, 1), (0, 1, 1, 0, 1), (0, 1, 1, 1, 2),
                 (2, 0, 0, 1, 2), (2, 1, 0, 1, 1)],
    "Between": [(0, 0, 2), (0, 1, 2), (2, 0, 2), (2, 1, 1)],
    "BetweenPart": [(0, 0, 0, 0, 2), (0, 0, 1, 1, 2), (0, 2, 0, 0, 2), (0, 2, 1, 1, 1)],
    # dcbz stores 0, the initial value is 3
    "CoWZ": [(0,)],
    "CoZW": [(1,)],
    "MP.Z+lwsync+addr": [(0, 0, 0, 1), (0, 3, 0, 1), (1, 0, 0, 1)],
    "SB.Z+syncs": [(0, 0, 0, 1), (1, 0, 0, 1), (1, 3, 0, 1)],
    "S.Z+lwsync+addr": [(0, 0, 1), (0, 1, 1), (1, 0, 1)],
}


def named_outcome(name):
    """The outcome that the test is named after, in part: {("read", thread, index) or ("final", location): value}."""
    program = suite.parse(name)
    shape = name.split("+")[0]
    threads = [t for t in range(len(program.threads)) if t != HELPERS.get(shape)]
    edges = [((a, len(program.threads[a]) - 1), (b, 0)) for a, b in zip(threads, threads[1:] + threads[:1])]

    def at(place):
        return program.threads[place[0]][place[1]]

    before = {b: a for a, b in edges if at(a).kind == at(b).kind == "W"}  # coherence
    wanted = {("read", *place): value for place, value in MIDDLE.get(shape, {}).items()}
    for a, b in edges:
        if at(a).kind == "R":
            wanted["read", *a] = at(before[b]).value if b in before else 0
        elif at(b).kind == "R":
            wanted["read", *b] = at(a).value
        else:
            wanted["final", at(b).location] = at(b).value
    return program, wanted


def is_allowed(name):
    program, wanted = named_outcome(name)
    looked_at = list(power.observables(program))

    def value_wanted(o, value):
        return wanted.get(("final", o.location) if o.what == "final" else ("read", o.thread, o.index), value)

    return any(all(value_wanted(o, v) == v for o, v in zip(looked_at, outcome)) for outcome in power.outcomes(program))


class Model(unittest.TestCase):
    def test_forbids_what_is_published_as_forbidden(self):
        self.assertEqual([name for name in FORBIDDEN if is_allowed(name)], [])

    def test_allows_what_is_published_as_allowed(self):
        self.assertEqual([name for name in ALLOWED if not is_allowed(name)], [])

    def test_knows_sizes_conditionals_and_dcbz(self):
        for name, outcomes in OUTCOMES.items():
            self.assertEqual(sorted(power.outcomes(suite.parse(name))), outcomes, name)

    def test_allows_every_sequentially_consistent_execution(self):
        for name in suite.TESTS:
            for execution in power.executions(suite.parse(name)):
                if execution.sequentially_consistent():
                    self.assertTrue(execution.power(), name)

    def test_sync_everywhere_restores_sequential_consistency(self):
        for shape in ("SB", "MP", "LB", "R", "S", "2+2W", "WRC", "RWC", "ISA2", "Z6.3", "IRIW"):
            self.assertTrue(all(power.outcomes(suite.parse(shape + "+syncs")).values()), shape)


class Suite(unittest.TestCase):
    def test_has_sixty_tests_of_different_names(self):
        self.assertGreaterEqual(len(suite.TESTS), 60)
        self.assertEqual(len(suite.TESTS), len(set(suite.TESTS)))

    def test_uses_every_shape(self):
        for shape in suite.SHAPES:
            self.assertTrue(any(name == shape or name.startswith(shape + "+") for name in suite.TESTS), shape)

    def test_refuses_joints_that_do_not_fit(self):
        for name in ("MP+lwsync", "MP+lwsync+addr+addr", "PPO+lwsync+addr", "SB+nonsense"):
            self.assertRaises(ValueError, suite.parse, name)
        self.assertRaises(ValueError, emit.emit, ["MP+addr+addr"])  # a store has nothing to depend on
        self.assertRaises(ValueError, suite.parse_shape, "Ux.1:4 | Wx")

    def test_outcomes_of_different_values_have_different_codes(self):
        self.assertEqual(emit.code((1, 0, 3)), 0x301)


if __name__ == "__main__":
    unittest.main()
