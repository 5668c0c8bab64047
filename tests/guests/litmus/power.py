"""Which outcomes of a small concurrent program does the Power storage model allow?

The model is the axiomatic one of Alglave, Maranget, Tautschnig, "Herding cats: modelling, simulation, testing and data
mining for weak memory" (TOPLAS 36(2), 2014): SC per location, no thin air, observation, propagation. Two things are
added:
  - A load-reserve and its successful store-conditional are a read and a write between which no write of another thread
    to the location comes in coherence order. A store-conditional may always fail.
  - Accesses of several sizes: each location consists of cells; an access reads or writes one or more of them.
    Coherence, and SC per location, hold for each cell; two accesses that meet in several cells are in the same order in
    all of them (single-copy atomicity of aligned accesses).
"""

import itertools
from dataclasses import dataclass, field


class Relation:
    """A set of pairs of events 0 .. n-1: bit b of row a stands for the pair (a, b)."""

    def __init__(self, rows):
        self.rows = tuple(rows)

    @classmethod
    def of(cls, n, pairs):
        rows = [0] * n
        for a, b in pairs:
            rows[a] |= 1 << b
        return cls(rows)

    def __or__(self, other):
        return Relation(a | b for a, b in zip(self.rows, other.rows))

    def __and__(self, other):
        return Relation(a & b for a, b in zip(self.rows, other.rows))

    def __sub__(self, other):
        return Relation(a & ~b for a, b in zip(self.rows, other.rows))

    def __eq__(self, other):
        return self.rows == other.rows

    def __matmul__(self, other):
        """Sequence: (a, c) if there is b with (a, b) here and (b, c) there."""
        rows = []
        for row in self.rows:
            reached = 0
            for b, further in enumerate(other.rows):
                if row >> b & 1:
                    reached |= further
            rows.append(reached)
        return Relation(rows)

    def closure(self):
        """The least transitive relation around this one."""
        rows = list(self.rows)
        for b in range(len(rows)):
            for a in range(len(rows)):
                if rows[a] >> b & 1:
                    rows[a] |= rows[b]
        return Relation(rows)

    def star(self):
        return Relation(row | 1 << a for a, row in enumerate(self.closure().rows))

    def between(self, domain, range_):
        """The pairs from one set of events to another; a set is a bit mask."""
        return Relation(row & range_ if domain >> a & 1 else 0 for a, row in enumerate(self.rows))

    def irreflexive(self):
        return not any(row >> a & 1 for a, row in enumerate(self.rows))

    def acyclic(self):
        return self.closure().irreflexive()


@dataclass(frozen=True)
class Access:
    """What one thread does to one location at one point of its program."""

    kind: str  # R load, W store, Z dcbz, U load-reserve and store-conditional
    location: str
    size: int = 8  # bytes
    offset: int = 0  # bytes
    value: int = None  # that a W or U stores, in every byte


@dataclass
class Program:
    """threads[t] is a list of accesses; joints[t][i] names what stands between its accesses i and i + 1."""

    threads: list
    joints: list
    initial: dict  # location: value of all its bytes

    def cells(self, access):
        """The cells of an access. A cell has the size of the smallest access to the location, at most a doubleword."""
        unit = self.unit(access.location)
        if access.kind == "Z":
            end = max(a.offset + a.size for a in self.accesses(access.location) if a.kind != "Z")
            return range(0, end // unit)
        return range(access.offset // unit, (access.offset + access.size) // unit)

    def unit(self, location):
        return min(8, min(a.size for a in self.accesses(location) if a.kind != "Z"))

    def accesses(self, location):
        return [a for thread in self.threads for a in thread if a.location == location]

    def locations(self):
        return sorted({a.location for thread in self.threads for a in thread})


@dataclass
class Event:
    thread: int
    index: int  # of its access in the thread
    kind: str  # R or W
    cells: frozenset  # of (location, number)
    value: int = None


@dataclass
class Skeleton:
    """What all executions of a program with the same store-conditionals that succeed have in common."""

    program: Program
    successes: dict  # (thread, index) of a U: whether it stores
    events: list = field(default_factory=list)
    pairs: list = field(default_factory=list)  # (read, write) of the successful ones

    def __post_init__(self):
        for t, thread in enumerate(self.program.threads):
            for i, a in enumerate(thread):
                cells = frozenset((a.location, c) for c in self.program.cells(a))
                if a.kind in "RU":
                    self.events.append(Event(t, i, "R", cells))
                if a.kind in "WZ" or self.successes.get((t, i)):
                    self.events.append(Event(t, i, "W", cells, 0 if a.kind == "Z" else a.value))
                    if a.kind == "U":
                        self.pairs.append((len(self.events) - 2, len(self.events) - 1))
        numbered = list(enumerate(self.events))
        self.reads = sum(1 << n for n, e in numbered if e.kind == "R")
        self.writes = sum(1 << n for n, e in numbered if e.kind == "W")
        self.po = self.relate(lambda a, b: a.thread == b.thread and a is not b and self.order(a) < self.order(b))
        self.external = self.relate(lambda a, b: a.thread != b.thread)
        self.po_loc = self.po & self.relate(lambda a, b: a.cells & b.cells)
        self.addr = self.joined("addr")
        self.data = self.joined("data").between(self.reads, self.writes)
        self.ctrl = self.joined("ctrl", "ctrlisync", after=True)
        self.ctrl_isync = self.joined("ctrlisync", after=True)
        self.sync = self.joined("sync", before=True, after=True)
        self.lwsync = self.joined("lwsync", before=True, after=True)
        self.eieio = self.joined("eieio", before=True, after=True)

    @staticmethod
    def order(event):
        return event.index, event.kind

    def relate(self, holds):
        return Relation.of(len(self.events), ((a, b) for a, x in enumerate(self.events)
                                              for b, y in enumerate(self.events) if holds(x, y)))

    def joined(self, *names, before=False, after=False):
        """Pairs around a joint with one of the names. A dependency begins at the load just before it, a barrier counts
        for all accesses before; the accesses after it are the next one, or all."""
        pairs = set()
        for t, joints in enumerate(self.program.joints):
            for i, joint in enumerate(joints):
                if joint not in names:
                    continue
                for a, x in enumerate(self.events):
                    for b, y in enumerate(self.events):
                        left = x.index <= i if before else x.index == i and x.kind == "R"
                        right = y.index > i if after else y.index == i + 1
                        if x.thread == y.thread == t and left and right:
                            pairs.add((a, b))
        return Relation.of(len(self.events), pairs)

    def executions(self):
        """All executions that are coherent in each cell."""
        choices = [list(self.cell_executions(cell)) for cell in sorted({c for e in self.events for c in e.cells})]
        for choice in itertools.product(*choices):
            execution = Execution(self, choice)
            if execution.single_copy_atomic():
                yield execution

    def cell_executions(self, cell):
        """Every way to read and order the writes of one cell with SC for the cell, and store-conditionals atomic."""
        n = len(self.events)
        users = [a for a, e in enumerate(self.events) if cell in e.cells]
        writes = [a for a in users if self.events[a].kind == "W"]
        reads = [a for a in users if self.events[a].kind == "R"]
        mask = sum(1 << a for a in users)
        po = self.po.between(mask, mask)
        for order in itertools.permutations(writes):
            for sources in itertools.product([None, *writes], repeat=len(reads)):
                source = dict(zip(reads, sources))
                # The initial value is no event: it comes before all writes.
                later = {r: order if w is None else order[order.index(w) + 1:] for r, w in source.items()}
                one = CellExecution(
                    cell, order, source, po,
                    Relation.of(n, ((w, r) for r, w in source.items() if w is not None)),
                    Relation.of(n, itertools.combinations(order, 2)),
                    Relation.of(n, ((r, w) for r in reads for w in later[r])))
                if (po | one.rf | one.co | one.fr).acyclic() and self.atomic(one):
                    yield one

    def atomic(self, one):
        between = (one.fr & self.external) @ (one.co & self.external)
        return all(not between.rows[r] >> w & 1 for r, w in self.pairs)


@dataclass
class CellExecution:
    cell: tuple
    order: tuple  # the writes in coherence order
    sources: dict  # read: the write it reads, None the initial value
    po: Relation
    rf: Relation
    co: Relation
    fr: Relation


class Execution:
    def __init__(self, skeleton, cells):
        self.skeleton, self.cells = skeleton, cells
        nothing = Relation.of(len(skeleton.events), ())
        self.rf = self.co = self.fr = self.rdw = self.detour = nothing
        for c in cells:
            self.rf, self.co, self.fr = self.rf | c.rf, self.co | c.co, self.fr | c.fr
            rfe = c.rf & skeleton.external
            self.rdw |= c.po & ((c.fr & skeleton.external) @ rfe)
            self.detour |= c.po & ((c.co & skeleton.external) @ rfe)

    def single_copy_atomic(self):
        communication = self.rf | self.co | self.fr
        return (communication @ Relation(communication.rows)).irreflexive()

    def value(self, observable):
        o, s = observable, self.skeleton
        if o.what == "success":
            return int(s.successes[o.thread, o.index])
        one = next(c for c in self.cells if c.cell == (o.location, o.cell))
        if o.what == "read":
            read = next(a for a, e in enumerate(s.events) if (e.thread, e.index, e.kind) == (o.thread, o.index, "R"))
            write = one.sources[read]
        else:
            write = one.order[-1] if one.order else None
        return s.program.initial.get(o.location, 0) if write is None else s.events[write].value

    def sequentially_consistent(self):
        return (self.skeleton.po | self.rf | self.co | self.fr).acyclic()

    def power(self):
        """Whether the model allows this execution, which is coherent. Names as in the paper."""
        s = self.skeleton
        rfe, rfi = self.rf & s.external, self.rf - s.external
        fre = self.fr & s.external
        lwfence = (s.lwsync - s.lwsync.between(s.writes, s.reads)) | s.eieio.between(s.writes, s.writes)
        fences = s.sync | lwfence
        hb = self.preserved_program_order(rfi) | fences | rfe
        if not hb.acyclic():
            return False
        hb_star = hb.star()
        prop_base = (fences | rfe @ fences) @ hb_star
        prop = prop_base.between(s.writes, s.writes) | (
            (self.rf | self.co | self.fr).star() @ prop_base.star() @ s.sync @ hb_star)
        return (fre @ prop @ hb_star).irreflexive() and (self.co | prop).acyclic()

    def preserved_program_order(self, rfi):
        """What a thread does in order: from the initiation (i) or the commit (c) of an access to that of another."""
        s = self.skeleton
        dependency = s.addr | s.data
        ii, ci = dependency | rfi | self.rdw, s.ctrl_isync | self.detour
        cc, ic = dependency | s.po_loc | s.ctrl | s.addr @ s.po, Relation.of(len(s.events), ())
        while True:
            before = ii, ic, ci, cc
            ii, ic, ci, cc = (ii | ci | ic @ ci | ii @ ii, ic | ii | cc | ic @ cc | ii @ ic,
                              ci | ci @ ii | cc @ ci, cc | ci | ci @ ic | cc @ cc)
            if before == (ii, ic, ci, cc):
                return ii.between(s.reads, s.reads) | ic.between(s.reads, s.writes)


def executions(program):
    """All coherent executions of a program."""
    updates = [(t, i) for t, thread in enumerate(program.threads) for i, a in enumerate(thread) if a.kind == "U"]
    for successes in itertools.product((False, True), repeat=len(updates)):
        yield from Skeleton(program, dict(zip(updates, successes))).executions()


@dataclass(frozen=True)
class Observable:
    """What a test looks at afterwards: a cell of what an access loaded, whether its store-conditional succeeded, or a
    cell of a location."""

    what: str  # "read", "success", "final"
    location: str
    cell: int = 0
    thread: int = None
    index: int = None


def observables(program):
    """In a fixed order."""
    for t, thread in enumerate(program.threads):
        for i, a in enumerate(thread):
            if a.kind in "RU":
                yield from (Observable("read", a.location, c, t, i) for c in program.cells(a))
            if a.kind == "U":
                yield Observable("success", a.location, 0, t, i)
    for location in program.locations():
        cells = sorted({c for a in program.accesses(location) for c in program.cells(a)})
        yield from (Observable("final", location, c) for c in cells)


def outcomes(program):
    """{outcome: whether a sequentially consistent execution has it} for all outcomes that the model allows. An outcome
    is a tuple of the values of `observables`."""
    looked_at = list(observables(program))
    allowed = {}
    for execution in executions(program):
        if execution.power():
            outcome = tuple(map(execution.value, looked_at))
            allowed[outcome] = allowed.get(outcome, False) or execution.sequentially_consistent()
    return allowed
