// Translated code, shared by the vCPUs of a machine.
//
// What is kept. A Translation is the host code of the guest code that begins at a real address, for one mode. `find` is
// lock-free. Blocks of one 4K page hang at its PageCode, with a snapshot of the page as it was when they were made.
//
// Modified code. Power leaves it to software to say that code was modified (icbi, or a mapping that is new to fetch,
// mmu/code_epochs.h). So storage is compared with the snapshot when a vCPU's level-1 TLB takes up a page to fetch from
// (`validate`), if the page's epoch has moved: a block whose words differ is killed, that is, taken out of the table
// and its entry patched to leave for the dispatcher. Between two such moments code needs no check: control enters a
// page only through the TLB or through a jump resolved by it (CpuState::jumps), direct links stay within a page, and
// both are forgotten when an icbi was seen at a context synchronising event or a mapping was dropped.
//
// Space. There are two halves. When one is full, all vCPUs move to the other, each when it next leaves generated code,
// and forget what they remember of the old half; it is used again when nobody is in it any more. Nobody is stopped and
// nobody waits: a vCPU that finds no room meanwhile interprets a block.
//
// Threads. find: any, lock-free; its acquire pairs with the release in publish: who finds code sees all of it. A
// translation is made under its key's lock, so two vCPUs do not make the same one. Lock order: base/lock.h.
// Code is written to chunks that belong to one vCPU each.
#pragma once

#include <array>
#include <atomic>
#include <memory>
#include <optional>
#include <random>
#include <span>
#include <vector>

#include "base/lock.h"
#include "jit/executor.h"
#include "jit/ir/ir.h"
#include "jit/x64/code_memory.h"
#include "jit/x64/host.h"
#include "jit/x64/stubs.h"
#include "mmu/code_epochs.h"
#include "mmu/mmu.h"
#include "mmu/ram.h"

namespace mpower::jit::x64 {

/// The host code of a stretch of guest code.
struct Translation {
    u64 key = 0;
    const u8* code = nullptr;
    Translation* next = nullptr;  ///< In its page.
    i32 heat = 0;                 ///< Executions until it is hot; counted down by its code, by any vCPU, not exactly.
    /// When it became hot, or a part of hot code that begins elsewhere: how much hot code had been made by then. 0: not
    /// yet.
    std::atomic<u32> heated{0};
    bool hot = false;   ///< It is hot code.
    bool dead = false;  ///< Killed, or replaced: control that arrives here is passed on.
    u8 range_count = 0;
    std::array<WordRange, Trace::kMaxRanges> ranges;  ///< What it was made of.
};

/// Makes the code of one translation.
class Maker {
  public:
    virtual ~Maker() = default;
    struct Made {
        std::size_t bytes = 0;
        std::span<const WordRange> ranges;  ///< The words of the page it was made of.
        std::span<const WordRange> path;    ///< Those of hot code that are always executed, if nothing leaves it.
        u64 address = 0;                    ///< Effective address by which it was met first, for a profile.
        bool user = false;                  ///< It is for problem state.
    };
    /// `page`: the block's page, as read once, in storage's byte order; of what is to be cold code no more than it may
    /// use. The code will be executed at `where`. `t`: what it will be known as; hot or not. `heat`: of the blocks of
    /// the page.
    virtual Made make(std::span<const u32> page, const u8* where, Translation& t, const Heat& heat) = 0;
    /// The code of the last make().
    virtual std::span<const u8> code() const = 0;
};

/// A call of Stubs::link that may be made a direct jump to its target.
struct LinkSite {
    const u8* call = nullptr;
    u64 target = 0;  ///< Key of the block it goes to.
};

class CodeCache final : public SharedCode {
  public:
    static constexpr std::size_t kCodeBytes = std::size_t{96} << 20;  ///< Both halves.
    static constexpr std::size_t kChunk = std::size_t{256} << 10;     ///< A vCPU takes so much at a time.

    /// `for_host`: what the code may use. Code for another host than this one cannot be executed, only looked at.
    CodeCache(mmu::GuestRam& ram, mmu::CodeEpochs& epochs, const CodeOptions& options,
              std::size_t code_bytes = kCodeBytes, const Host& for_host = x64::host());
    ~CodeCache() override;

    const CodeOptions& options() const { return options_; }
    const Stubs& stubs() const { return stubs_; }
    const Host& host() const { return host_; }
    CodeMemory& memory() { return memory_; }
    mmu::CodeEpochs& epochs() { return epochs_; }
    const mmu::Reservations& reservations() const { return ram_.reservations(); }

    /// A vCPU's stay in the cache.
    struct Visitor {
        static constexpr u64 kOutside = ~u64{0};
        std::atomic<u64> generation{kOutside};            ///< In which it may use code.
        std::atomic<std::atomic<u32>*> attention{};       ///< How to make it leave generated code.
        u64 last = kOutside;                              ///< Generation it was in last. Own thread.
        const u8 *chunk = nullptr, *chunk_end = nullptr;  ///< Unused room. Own thread.
        std::minstd_rand random;                          ///< For CodeOptions::random_ways. Own thread.
    };
    void add(Visitor& visitor);
    void remove(Visitor& visitor);

    /// Before generated code is entered or found. True if the visitor is in another generation than before: whatever it
    /// remembers of code is void.
    bool arrive(Visitor& visitor);
    /// No generated code is used from here to the next arrive().
    void leave(Visitor& visitor) {
        // pairs with the acquire in turn_over: uses of the half are before it
        visitor.generation.store(Visitor::kOutside, std::memory_order_release);
    }

    // --- for a visitor that has arrived, on its thread
    /// Code for `key`, or nullptr.
    const u8* find(const Visitor& visitor, u64 key) const;
    /// Finds or makes the code at `ra`. nullptr: there is no room at present; arrive() has to be called before the next
    /// try.
    const u8* translate(Visitor& visitor, u64 key, Ra ra, Maker& maker);
    /// Replaces the code at `ra` by hot code, unless it is. Likewise.
    const u8* promote(Visitor& visitor, u64 key, Ra ra, Maker& maker);
    /// Compares what was made of the page with storage, if its epoch says so.
    void validate(const Visitor& visitor, Ra page);
    /// A place for a link; nullptr: no room.
    LinkSite* new_link(const Visitor& visitor);
    /// Connects a link of the visitor's generation.
    void connect(const LinkSite& site, const u8* code) { memory_.patch(site.call, code); }

    // --- statistics; any thread
    u64 killed() const override { return killed_.load(std::memory_order_acquire); }
    u64 turn_overs() const override { return generation_.load(std::memory_order_relaxed); }

  private:
    struct PageCode;
    struct Slot {
        std::atomic<u64> key{kNoKey};
        std::atomic<const u8*> code{nullptr};
        std::atomic<Translation*> translation{nullptr};  ///< That of `code`; under the key's page's lock.
    };
    static constexpr u64 kNoKey = 0;  // stored keys are + 1
    static constexpr std::size_t kSlots = std::size_t{1} << 19, kMaxBlocks = kSlots / 2;
    static constexpr std::size_t kLeastRoom = 4096;
    static constexpr std::size_t kDataBytes = std::size_t{96} << 20;
    static_assert(kDataBytes <= std::size_t{1} << 28, "a link names its site by 24 bits, times 16");

    /// One half: its room and its tables.
    struct Half {
        std::size_t code_begin = 0, code_end = 0, data_begin = 0, data_end = 0;
        std::atomic<std::size_t> code_used{0}, data_used{0}, blocks{0};
        Slot* slots = nullptr;
        std::atomic<PageCode*>* pages = nullptr;  ///< By real page number.
    };

    Half& half_of(const Visitor& visitor) { return halves_[visitor.last & 1]; }
    const Half& half_of(const Visitor& visitor) const { return halves_[visitor.last & 1]; }
    void turn_over(u64 from);
    void reset(Half& half);
    bool take_chunk(Visitor& visitor);
    template <class T>
    T* allocate(Half& half);
    PageCode* page_code(Half& half, Ra ra);
    Slot* slot_of(Half& half, u64 key);
    const u8* make(Visitor& visitor, u64 key, Ra ra, Maker& maker, bool hot);
    bool insert(Half& half, PageCode& page, Translation& t, const u32* words, const Maker::Made& made);
    void kill(Half& half, Translation& t);
    void compare(Half& half, PageCode& page, Ra ra, std::size_t begin, std::size_t end);

    mmu::GuestRam& ram_;
    mmu::CodeEpochs& epochs_;
    CodeOptions options_;
    Host host_;
    CodeMemory memory_;
    Stubs stubs_;
    std::array<Half, 2> halves_;
    std::atomic<u64> generation_{0};
    Mutex<LockRank::kCodeVisitors> visitors_mutex_;  ///< visitors_, and turning over.
    std::vector<Visitor*> visitors_;
    std::array<Mutex<LockRank::kCodeKey>, 64> key_mutexes_;
    std::size_t page_count_;
    std::atomic<u64> killed_{0};
    std::atomic<u32> hot_count_{0};  ///< Hot code made, or begun.
};

}  // namespace mpower::jit::x64
