// Stores that can be taken back, for -accel verify.
#pragma once

#include <cstring>
#include <set>
#include <vector>

#include "base/types.h"

namespace mpower::jit {

/// Stores to guest storage, to be taken back and compared. All of one vCPU's thread.
class StoreLog {
  public:
    void add(u8* where, unsigned size) {
        Store& s = stores_.emplace_back();
        s.where = where;
        s.size = static_cast<u8>(size);
        std::memcpy(s.old, where, size);
    }
    void clear() { stores_.clear(); }
    /// Puts back what was there, the last store first.
    void undo() const {
        for (auto s = stores_.rbegin(); s != stores_.rend(); ++s) std::memcpy(s->where, s->old, s->size);
    }
    /// What is at the places of all stores.
    std::vector<u8> contents() const {
        std::vector<u8> all;
        for (const Store& s : stores_) all.insert(all.end(), s.where, s.where + s.size);
        return all;
    }
    /// Whether each byte that `other` stored to was stored to here too.
    bool covers(const StoreLog& other) const {
        std::set<const u8*> mine;
        for (const Store& s : stores_) {
            for (unsigned n = 0; n < s.size; ++n) mine.insert(s.where + n);
        }
        for (const Store& s : other.stores_) {
            for (unsigned n = 0; n < s.size; ++n) {
                if (!mine.contains(s.where + n)) return false;
            }
        }
        return true;
    }

  private:
    struct Store {
        u8* where;
        u8 size;
        u8 old[16];
    };
    std::vector<Store> stores_;
};

}  // namespace mpower::jit
