/* One HPTE, access by access: hypercalls that enter, remove and protect it under the PTEG lock, and a walker that takes
 * none. The AVPN is always the same, so that only R tells one entry from the next: `rn` numbers them.
 * Claims: C is set in the very entry that was walked (never in a later one), is never lost, and no store goes through an
 * entry whose removal, or whose protection against stores, has returned.
 * Bugs: BUG_C_EARLY: remove reads C before the broadcast. BUG_CAS: the R word is
 * written back as it was walked, with C. BUG_PROTECT: protect
 * writes back the C of before. BUG_ENTER: V before R. BUG_LOCK: no lock. BUG_WAIT: no broadcast. */
#define CALLS 2
#define WALKS 2
#define MOST 6
bool lock;
bool v, c, ro;              /* the entry: valid; R word: changed, read-only, and which entry it is of */
byte rn, number;
bool guest; byte session;   /* the walker's mode */
bool may[MOST], stored[MOST], gone[MOST], narrowed[MOST];

inline broadcast() {
#ifndef BUG_WAIT
    s = session;
    (!guest || session != s)
#else
    skip
#endif
}

active [2] proctype call() {
    byte round, mine, s;
    bool old_c;
    do
    :: round == CALLS -> break
    :: round < CALLS -> round++;
#ifndef BUG_LOCK
        atomic { !lock -> lock = true };
#endif
        if
        :: !v -> /* enter */
#ifdef BUG_ENTER
            v = true;
#endif
            atomic { number++; rn = number; c = false; ro = false };
            v = true
        :: v -> /* remove */
            mine = rn;
#ifdef BUG_C_EARLY
            old_c = c;
#endif
            v = false;
            broadcast();
#ifndef BUG_C_EARLY
            old_c = c;
#endif
            atomic { gone[mine] = true; assert(!stored[mine] || old_c); assert(!old_c || may[mine]) }
        :: v -> /* protect: one exchange of the R word */
            mine = rn;
#ifdef BUG_PROTECT
            old_c = c;
            atomic { ro = true; c = old_c };
#else
            ro = true;
#endif
            broadcast();
            narrowed[mine] = true
        fi;
        lock = false
    od
}

active proctype walker() {
    byte round, n;
    bool r_ro, ok;
    do
    :: round == WALKS -> break
    :: round < WALKS -> round++;
        guest = true;
        session++;
        if
        :: !v
        :: v ->
            atomic { n = rn; r_ro = ro };
            if
            :: !v || r_ro
            :: v && !r_ro ->
                atomic {
#ifdef BUG_CAS
                    ok = true; c = true; ro = r_ro; may[n] = true
#else
                    ok = (v && rn == n && !ro);
                    if :: ok -> c = true; may[n] = true :: else fi
#endif
                };
                if
                :: ok -> atomic { assert(!gone[n] && !narrowed[n]); stored[n] = true }
                :: !ok
                fi
            fi
        fi;
        guest = false
    od
}
