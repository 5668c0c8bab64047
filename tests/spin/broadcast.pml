/* The invalidation log of smp/invalidation.h with three vCPUs and a ring of SLOTS requests: one log that all replay, which
 * stands for a log each where everything is posted to all. Marks and sleeping are tests/check's. Each vCPU, again and again,
 * runs guest code (enter, replay, walk, access, poll, access) or removes its own page in a hypercall.
 * Claims: no access through a translation whose removal has returned; nobody waits for ever (no invalid end state), with
 * removals by all at once and vCPUs that were OUT for several requests.
 * Bugs: BUG_ENTRY: mode's store passes the load of head. BUG_ACK: done is published, then an access, then the replay.
 * BUG_GUEST: the initiator waits in mode GUEST. BUG_INSERT: a poll between walk and insertion. BUG_SLOT: a slot is read
 * without its sequence. BUG_REUSE: a slot is written before its last writer has finished. BUG_OUT: no replay on entry. */
#define N 3
#ifndef ROUNDS
#define ROUNDS 2
#endif
#define SLOTS 2
byte head;
byte seq[SLOTS], what[SLOTS];
bool guest[N];
byte done[N];
bool valid[N] = true;   /* pages: vCPU n removes page n */
bool gone[N];

inline replay() {
    do
    :: from == h -> break
    :: from != h ->
        if
        :: h - from > SLOTS -> tlb = false; from = h
        :: else ->
            s = seq[from % SLOTS];
            p = what[from % SLOTS];
#ifdef BUG_SLOT
            s = from + 1;
#else
            if :: s == from + 1 -> s = seq[from % SLOTS] :: else fi;
#endif
            if
            :: s == from + 1 -> if :: p == 0 -> tlb = false :: else fi; from++
            :: else -> tlb = false; from = h
            fi
        fi
    od
}

inline catch_up() {
    h = head;
    from = done[_pid];
#ifdef BUG_ACK
    done[_pid] = h;
    access();
#endif
    replay();
    done[_pid] = h
}

inline access() {
    if
    :: atomic { tlb -> assert(!gone[0]) }
    :: !tlb
    fi
}

active [N] proctype vcpu() {
    byte round, ticket, j, h, from, s, p;
    bool saw, tlb;          /* tlb: holds page 0, which guest code uses */
    do
    :: round == (_pid == 2 -> 1 : ROUNDS) -> break /* the third once: enough states */
    :: else -> round++;
        if
        :: /* guest code */
#ifdef BUG_ENTRY
            h = head;
            guest[_pid] = true;
            from = done[_pid];
            replay();
            done[_pid] = h;
#else
            guest[_pid] = true;
#ifndef BUG_OUT
            catch_up();
#endif
#endif
            saw = valid[0];
#ifdef BUG_INSERT
            catch_up();
#endif
            if :: saw -> tlb = true :: else fi;
            access();
            catch_up();
            access();
#ifndef BUG_GUEST
            guest[_pid] = false
#endif
        :: valid[_pid] -> /* hypercall */
            valid[_pid] = false;
            atomic { ticket = head; head++ };
#ifndef BUG_REUSE
            (ticket < SLOTS || seq[ticket % SLOTS] + SLOTS == ticket + 1);
#endif
            seq[ticket % SLOTS] = 255;
            what[ticket % SLOTS] = _pid;
            seq[ticket % SLOTS] = ticket + 1;
            if :: _pid == 0 -> tlb = false :: else fi;
            j = 0;
            do
            :: j == N -> break
            :: j < N && j != _pid -> (!guest[j] || done[j] > ticket); j++
            :: j < N && j == _pid -> j++
            od;
            gone[_pid] = true
        fi
    od;
    guest[_pid] = false
}
