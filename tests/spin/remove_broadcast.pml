/* One entry, its PTEG lock, R/C, and the invalidation broadcast of smp/invalidation.h. Each vCPU chooses again and again
 * between guest mode (walk, set C, store through its TLB, poll) and a hypercall (remove or enter).
 * Claims: no store through a translation whose removal has returned; a store is covered by the C that remove returns;
 * nobody waits for ever (no invalid end state). -DBUG_C: C is read before the broadcast. -DBUG_OUT: the initiator does
 * not look at vCPUs that it found OUT before its ticket. */
#define N 3
#define ROUNDS 2
bool lock, v, c;
byte head;          /* tickets */
bool guest[N];      /* mode */
byte done[N];
bool tlb[N];        /* may store */
bool stored;        /* since the entry was entered */
bool removed = true; /* its removal has returned */

active [N] proctype vcpu() {
    byte round, ticket, j, h;
    bool old_c;
    bool was_out[N];
    do
    :: round == ROUNDS -> break
    :: round < ROUNDS -> round++;
        if
        :: /* guest mode */
            guest[_pid] = true;
            h = head;
            if :: done[_pid] != h -> tlb[_pid] = false :: else fi;
            done[_pid] = h;
            /* walk, and the 16-byte exchange that sets C only in a valid entry */
            atomic { if :: v -> c = true; tlb[_pid] = true :: else fi };
            if
            :: atomic { tlb[_pid] -> assert(!removed); stored = true }
            :: !tlb[_pid]
            fi;
            h = head; /* poll */
            if :: done[_pid] != h -> tlb[_pid] = false :: else fi;
            done[_pid] = h;
            if
            :: atomic { tlb[_pid] -> assert(!removed); stored = true }
            :: !tlb[_pid]
            fi;
            guest[_pid] = false
        :: /* hypercall, in mode OUT */
            atomic { !lock -> lock = true };
            if
            :: !v -> atomic { removed = false; stored = false; c = false; v = true }
            :: v ->
#ifdef BUG_C
                old_c = c;
#endif
#ifdef BUG_OUT
                j = 0; do :: j < N -> was_out[j] = !guest[j]; j++ :: j == N -> break od;
#endif
                v = false;
                atomic { head++; ticket = head };
                tlb[_pid] = false;
                j = 0;
                do
                :: j < N && j != _pid -> (was_out[j] || !guest[j] || done[j] >= ticket); j++
                :: j < N && j == _pid -> j++
                :: j == N -> break
                od;
#ifndef BUG_C
                old_c = c;
#endif
                atomic { removed = true; assert(!stored || old_c) }
            fi;
            lock = false
        fi
    od
}
