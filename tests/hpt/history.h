// Histories of concurrent calls on one PTEG, and whether some order of the calls, each taking effect between its start
// and its end, explains every answer (Wing & Gong's search with Lowe's memory of configurations). A PTEG is an object
// of its own, so a history of several PTEGs is checked one by one.
#pragma once

#include <algorithm>
#include <array>
#include <string>
#include <unordered_set>
#include <vector>

#include "hpt/hpte.h"
#include "tests/hpt/model.h"

namespace mpower::hpt::test {

/// What an operation does, in the model: answers into `out`, as many words as it likes.
enum class Kind : u8 { kEnter, kExactEnter, kRemove, kProtect, kRead, kClearMod, kBulkRemove, kHit, kMiss };

/// Two things are not indivisible, and are a Call for each entry. H_BULK_REMOVE removes one entry after the other. A
/// walk looks at one slot after the other: a hit says that its slot had the page at some moment, R and C being set at
/// the same moment, and nothing of the others (of several entries of one page, any may be used); a miss says for each
/// slot that it did not have the page at some moment.
struct Call {
    Kind kind{};
    u8 slot = 0;       ///< Within the PTEG; of a hit, the one found.
    u64 v = 0, r = 0;  ///< H_ENTER's; AVPN (v) of the others; flags (r) of H_PROTECT.
    u64 start = 0, end = 0;
    std::array<u64, 4> answer{};
};

inline std::array<u64, 4> in_model(Model& m, const Call& c) {
    u64 used = 0;
    Hpte old;
    switch (c.kind) {
        case Kind::kEnter:
        case Kind::kExactEnter: {
            const auto s = m.enter(c.kind == Kind::kEnter ? 0 : u64{1} << 39, c.slot, c.v, c.r, &used);
            return {static_cast<u64>(s), used};
        }
        case Kind::kRemove: {
            const auto s = m.remove(u64{1} << 31, c.slot, c.v, &old);
            return {static_cast<u64>(s), old.v, old.r};
        }
        case Kind::kProtect: return {static_cast<u64>(m.protect(c.r | u64{1} << 31, c.slot, c.v))};
        case Kind::kRead: {
            const Hpte e = m.read(c.slot);
            return {e.v, e.v & kValid ? e.r : 0};
        }
        case Kind::kClearMod: {
            const auto s = m.clear(kC, u64{1} << 31, c.slot, c.v, &old);
            return {static_cast<u64>(s), old.v, old.r};
        }
        case Kind::kBulkRemove: {
            u64 p[8] = {u64{1} << 62 | c.slot, 0, u64{3} << 62};
            const auto s = m.bulk_remove(p);
            return {static_cast<u64>(s), p[0]};
        }
        case Kind::kHit:
        case Kind::kMiss: {
            const Hpte e = m.read(c.slot);
            if (((e.v ^ c.v) & (kAvpn | kValid | kSecondary)) != kValid) return {};
            m.touch(c.slot, true);
            return {1, e.v, e.r & ~(kR | kC)};
        }
    }
    return {};
}

/// Calls on one PTEG that is empty at first.
class History {
  public:
    std::vector<Call> calls;

    bool linearizable() const {
        std::unordered_set<std::string> seen;
        return search(std::string(calls.size(), 0), Model(7, u64{1} << 40), seen);
    }

  private:
    /// `done`: a 1 for each call that took effect.
    bool search(const std::string& done, const Model& model, std::unordered_set<std::string>& seen) const {
        u64 first_end = ~u64{0};
        for (size_t n = 0; n < calls.size(); ++n) {
            if (!done[n]) first_end = std::min(first_end, calls[n].end);
        }
        if (first_end == ~u64{0}) return true;
        if (!seen.insert(done + key(model)).second) return false;
        for (const bool reads : {true, false}) {
            for (size_t n = 0; n < calls.size(); ++n) {
                if (done[n] || calls[n].start > first_end || changes_nothing(calls[n]) != reads) continue;
                Model next = model;
                if (in_model(next, calls[n]) != calls[n].answer) continue;
                std::string now = done;
                now[n] = 1;
                if (search(now, next, seen)) return true;
                // What changes nothing, and may be now, costs the others nothing: no later place is better.
                if (reads) return false;
            }
        }
        return false;
    }
    static bool changes_nothing(const Call& c) { return c.kind == Kind::kRead || c.kind == Kind::kMiss; }
    static std::string key(const Model& model) {
        std::array<u64, 16> words{};
        for (u64 n = 0; n < 8; ++n) {
            words[2 * n] = model.read(n).v;
            words[2 * n + 1] = model.read(n).v & kValid ? model.read(n).r : 0;
        }
        return std::string(reinterpret_cast<const char*>(words.data()), sizeof words);
    }
};

}  // namespace mpower::hpt::test
