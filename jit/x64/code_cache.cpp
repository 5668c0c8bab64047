#include "jit/x64/code_cache.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

#include "jit/profile.h"

namespace mpower::jit::x64 {
namespace {

constexpr std::size_t kPageBytes = 4096, kPageWords = kPageBytes / 4;
constexpr std::size_t kStubBytes = 24576;

template <class T>
T* map_zeros(std::size_t count) {
    void* p =
        mmap(nullptr, count * sizeof(T), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED) throw std::bad_alloc();
    madvise(p, count * sizeof(T), MADV_HUGEPAGE);  // looked up all over: fewer host TLB misses
    return static_cast<T*>(p);
}

void copy_page(const u8* storage, u32* out) {
    for (std::size_t n = 0; n < kPageWords; ++n) {
        out[n] = __atomic_load_n(reinterpret_cast<const u32*>(storage) + n, __ATOMIC_RELAXED);
    }
}

/// Whether storage has those words of a page; begin and end are multiples of 8. Nearly always true, so without the copy
/// that telling what differs takes.
bool has_words(const u8* storage, const u32* snapshot, std::size_t begin, std::size_t end) {
    const auto difference = [&](std::size_t at) {
        const u64 there = __atomic_load_n(reinterpret_cast<const u64*>(storage + at), __ATOMIC_RELAXED);
        u64 known;
        std::memcpy(&known, snapshot + at / 4, 8);
        return there ^ known;
    };
    u64 a = 0, b = 0, c = 0, d = 0;  // several at a time: compilers leave atomic loads one by one
    for (std::size_t n = 4 * begin; n < 4 * end; n += 32) {
        a |= difference(n);
        b |= difference(n + 8);
        c |= difference(n + 16);
        d |= difference(n + 24);
    }
    return (a | b | c | d) == 0;
}

/// Where to look for a key first. Blocks of one page are near each other: who looks for one will look for others.
u64 first_slot(u64 key) {
    const u64 word = key >> 12 & (kPageWords - 1), page_and_mode = key >> 22 << 12 | (key & 0xfff);
    return (page_and_mode * 0x9e3779b97f4a7c15 >> 40) + word / 4;
}

}  // namespace

struct CodeCache::PageCode {
    Mutex<LockRank::kCodePage> mutex;  ///< Everything but `validated`.
    std::atomic<u64> validated{0};     ///< Epoch for which the snapshot is known to be what storage is.
    Translation* translations = nullptr;
    u32 snapshot[kPageWords];
};

CodeCache::CodeCache(mmu::GuestRam& ram, mmu::CodeEpochs& epochs, const CodeOptions& options, std::size_t code_bytes,
                     const Host& for_host)
    : ram_(ram),
      epochs_(epochs),
      options_(options),
      host_(for_host),
      memory_(kStubBytes + code_bytes, kDataBytes),
      page_count_(ram.size() / kPageBytes) {
    stubs_ = make_stubs(memory_, kStubBytes, host_,
                        {.counted = options.count_instructions,
                         .slow_stores = options.one_block || ram.reservations().strict(),
                         .clobber = options.clobber});
    if (options_.profile != nullptr)
        options_.profile->add("mpower_stubs", {memory_.code(0), kStubBytes}, memory_.code(0), Profile::now());
    for (std::size_t n = 0; n < 2; ++n) {
        Half& h = halves_[n];
        h.code_begin = kStubBytes + n * code_bytes / 2;
        h.code_end = h.code_begin + code_bytes / 2;
        h.data_begin = n * kDataBytes / 2;
        h.data_end = h.data_begin + kDataBytes / 2;
        h.code_used = h.code_begin;
        h.data_used = h.data_begin;
        h.slots = map_zeros<Slot>(kSlots);
        h.pages = map_zeros<std::atomic<PageCode*>>(page_count_);
    }
}

CodeCache::~CodeCache() {
    for (Half& h : halves_) {
        munmap(h.slots, kSlots * sizeof(Slot));
        munmap(h.pages, page_count_ * sizeof *h.pages);
    }
}

void CodeCache::add(Visitor& visitor) {
    const std::lock_guard lock(visitors_mutex_);
    visitors_.push_back(&visitor);
}

void CodeCache::remove(Visitor& visitor) {
    const std::lock_guard lock(visitors_mutex_);
    std::erase(visitors_, &visitor);
}

bool CodeCache::arrive(Visitor& visitor) {
    u64 g = generation_.load(std::memory_order_acquire);
    if (visitor.generation.load(std::memory_order_relaxed) == g) return false;
    for (;;) {
        // seq_cst: pairs with turn_over's store of generation_ and its look at the visitors (Dekker).
        visitor.generation.store(g, std::memory_order_seq_cst);
        const u64 again = generation_.load(std::memory_order_seq_cst);
        if (again == g) break;
        g = again;
    }
    const bool moved = visitor.last != g;
    visitor.last = g;
    if (moved) visitor.chunk = visitor.chunk_end = nullptr;
    return moved;
}

void CodeCache::turn_over(u64 from) {
    const std::lock_guard lock(visitors_mutex_);
    if (generation_.load(std::memory_order_relaxed) != from) return;
    bool free = true;
    for (Visitor* v : visitors_) {
        const u64 g = v->generation.load(std::memory_order_seq_cst);  // pairs with arrive() and leave()
        if (g == Visitor::kOutside || g == from) continue;
        free = false;
        v->attention.load(std::memory_order_relaxed)->fetch_or(kAttentionInterrupt, std::memory_order_relaxed);
    }
    if (!free) return;
    reset(halves_[(from + 1) & 1]);
    generation_.store(from + 1, std::memory_order_seq_cst);
}

void CodeCache::reset(Half& half) {
    madvise(half.slots, kSlots * sizeof(Slot), MADV_DONTNEED);
    madvise(half.pages, page_count_ * sizeof *half.pages, MADV_DONTNEED);
    memory_.discard(half.code_begin, half.code_end - half.code_begin, half.data_begin, half.data_end - half.data_begin);
    half.code_used.store(half.code_begin, std::memory_order_relaxed);
    half.data_used.store(half.data_begin, std::memory_order_relaxed);
    half.blocks.store(0, std::memory_order_relaxed);
}

bool CodeCache::take_chunk(Visitor& visitor) {
    Half& half = half_of(visitor);
    const std::size_t at = half.code_used.fetch_add(kChunk, std::memory_order_relaxed);
    if (at + kChunk > half.code_end) return false;
    visitor.chunk = memory_.code(at);
    visitor.chunk_end = visitor.chunk + kChunk;
    return true;
}

template <class T>
T* CodeCache::allocate(Half& half) {
    constexpr std::size_t kBytes = (sizeof(T) + 15) & ~std::size_t{15};
    const std::size_t at = half.data_used.fetch_add(kBytes, std::memory_order_relaxed);
    return at + kBytes > half.data_end ? nullptr : new (memory_.data() + at) T;
}

LinkSite* CodeCache::new_link(const Visitor& visitor) { return allocate<LinkSite>(half_of(visitor)); }

CodeCache::PageCode* CodeCache::page_code(Half& half, Ra ra) {
    std::atomic<PageCode*>& entry = half.pages[ra.v / kPageBytes];
    if (PageCode* p = entry.load(std::memory_order_acquire)) return p;  // pairs with the exchange
    PageCode* made = allocate<PageCode>(half);
    if (made == nullptr) return nullptr;
    made->validated.store(epochs_.of(ra), std::memory_order_relaxed);
    copy_page(ram_.at(Ra{ra.v & ~(kPageBytes - 1)}, kPageBytes), made->snapshot);
    PageCode* expected = nullptr;
    return entry.compare_exchange_strong(expected, made, std::memory_order_acq_rel) ? made : expected;
}

// Open addressing; an entry keeps its key for good, so a probe that meets an empty one may stop.
const u8* CodeCache::find(const Visitor& visitor, u64 key) const {
    const Slot* slots = half_of(visitor).slots;
    for (u64 n = first_slot(key);; ++n) {
        const Slot& slot = slots[n % kSlots];
        const u64 there = slot.key.load(std::memory_order_acquire);              // pairs with slot_of
        if (there == key + 1) return slot.code.load(std::memory_order_acquire);  // pairs with insert
        if (there == kNoKey) return nullptr;
    }
}

CodeCache::Slot* CodeCache::slot_of(Half& half, u64 key) {
    for (u64 n = first_slot(key);; ++n) {
        Slot& slot = half.slots[n % kSlots];
        u64 there = slot.key.load(std::memory_order_acquire);
        if (there == kNoKey && slot.key.compare_exchange_strong(there, key + 1, std::memory_order_acq_rel))
            return &slot;
        if (there == key + 1) return &slot;
    }
}

void CodeCache::kill(Half& half, Translation& t) {
    t.dead = true;
    const u8* code = t.code;
    slot_of(half, t.key)->code.compare_exchange_strong(code, nullptr, std::memory_order_acq_rel);
    // Before the patch: who comes by it to the dispatcher sees the count, and forgets the code (pairs with killed()).
    killed_.fetch_add(1, std::memory_order_release);
    memory_.patch(t.code, reinterpret_cast<const void*>(stubs_.dispatch));
}

/// If words from `begin` to `end` have changed: takes a new snapshot of the page, and kills what was made of other
/// words. The caller holds the page's lock.
void CodeCache::compare(Half& half, PageCode& page, Ra ra, std::size_t begin, std::size_t end) {
    const u8* const there = ram_.at(Ra{ra.v & ~(kPageBytes - 1)}, kPageBytes);
    if (has_words(there, page.snapshot, begin, end)) return;
    u32 storage[kPageWords];
    copy_page(there, storage);
    for (Translation* t = page.translations; t != nullptr; t = t->next) {
        if (t->dead) continue;
        const auto differs = [&](const WordRange& r) {
            return std::memcmp(page.snapshot + r.first, storage + r.first, r.words * 4u) != 0;
        };
        if (std::any_of(t->ranges.begin(), t->ranges.begin() + t->range_count, differs)) kill(half, *t);
    }
    std::memcpy(page.snapshot, storage, kPageBytes);
}

void CodeCache::validate(const Visitor& visitor, Ra ra) {
    Half& half = half_of(visitor);
    PageCode* page = half.pages[ra.v / kPageBytes].load(std::memory_order_acquire);
    if (page == nullptr) return;
    // The epoch is read before storage: what made it move is in storage already.
    const u64 epoch = epochs_.of(ra);
    if (page->validated.load(std::memory_order_acquire) == epoch) return;  // pairs with the store below
    const std::lock_guard lock(page->mutex);
    compare(half, *page, ra, 0, kPageWords);
    if (page->validated.load(std::memory_order_relaxed) < epoch) {
        page->validated.store(epoch, std::memory_order_release);
    }
}

bool CodeCache::insert(Half& half, PageCode& page, Translation& t, const u32* words, const Maker::Made& made) {
    const std::lock_guard lock(page.mutex);
    for (const WordRange& r : made.ranges) {
        if (std::memcmp(page.snapshot + r.first, words + r.first, r.words * 4u) != 0) return false;  // stale already
    }
    t.range_count = static_cast<u8>(made.ranges.size());
    std::copy(made.ranges.begin(), made.ranges.end(), t.ranges.begin());
    Slot* slot = slot_of(half, t.key);
    const bool replaces = slot->translation.load(std::memory_order_relaxed) != nullptr;
    slot->translation.store(&t, std::memory_order_relaxed);
    slot->code.store(t.code, std::memory_order_release);  // pairs with find()
    for (Translation* old = replaces || t.hot ? page.translations : nullptr; old != nullptr; old = old->next) {
        if (old->key == t.key) {
            old->dead = true;
            memory_.patch(old->code, t.code);
            continue;
        }
        const u64 word = old->key >> 12 & (kPageWords - 1);
        const auto has = [&](const WordRange& r) { return word - r.first < r.words; };
        if (((old->key ^ t.key) & 0xfff) == 0 && std::any_of(made.path.begin(), made.path.end(), has) &&
            old->heated.load(std::memory_order_relaxed) == 0) {
            old->heated.store(t.heated.load(std::memory_order_relaxed), std::memory_order_relaxed);
        }
    }
    t.next = page.translations;
    page.translations = &t;
    return true;
}

const u8* CodeCache::translate(Visitor& visitor, u64 key, Ra ra, Maker& maker) {
    const std::lock_guard key_lock(key_mutexes_[key * 0x9e3779b97f4a7c15 >> 58]);
    if (const u8* code = find(visitor, key)) return code;
    return make(visitor, key, ra, maker, false);
}

const u8* CodeCache::promote(Visitor& visitor, u64 key, Ra ra, Maker& maker) {
    const std::lock_guard key_lock(key_mutexes_[key * 0x9e3779b97f4a7c15 >> 58]);
    const Translation* t = slot_of(half_of(visitor), key)->translation.load(std::memory_order_relaxed);
    if (const u8* code = find(visitor, key); code != nullptr && t != nullptr && t->hot) return code;
    return make(visitor, key, ra, maker, true);
}

const u8* CodeCache::make(Visitor& visitor, u64 key, Ra ra, Maker& maker, bool hot) {
    Half& half = half_of(visitor);
    u32 words[kPageWords];
    // What a cold block may be made of, or anything.
    const std::size_t first = ra.v / 4 % kPageWords, begin = hot ? 0 : first & ~std::size_t{7},
                      end = hot ? kPageWords : std::min(kPageWords, (first + kMaxBlockInsns + 7) & ~std::size_t{7});
    const u32 mode_key = static_cast<u32>(key & 0xfff);  // the real address has zeros there
    const Heat heat = [&](unsigned word) {
        const u64 there = ir::block_key(Ra{ra.v & ~(kPageBytes - 1)} + 4 * u64{word}, mode_key);
        const Translation* t = find(visitor, there) == nullptr
                                   ? nullptr
                                   : slot_of(half, there)->translation.load(std::memory_order_relaxed);
        if (t == nullptr) return u32{0};
        if (options_.random_ways) return static_cast<u32>(visitor.random() % 8);
        const u32 heated = t->heated.load(std::memory_order_relaxed);
        if (heated == 0) return static_cast<u32>(std::max(options_.hot - t->heat, 1));
        return kMuchHeat + std::min(hot_count_.load(std::memory_order_relaxed) - heated, kMuchHeat);
    };
    for (;;) {
        PageCode* page = page_code(half, ra);
        Translation* t = allocate<Translation>(half);
        const auto left = [&] { return static_cast<std::size_t>(visitor.chunk_end - visitor.chunk); };
        const bool room = left() >= kLeastRoom || take_chunk(visitor);
        if (page == nullptr || t == nullptr || !room || half.blocks.load(std::memory_order_relaxed) >= kMaxBlocks) {
            turn_over(visitor.last);
            return nullptr;
        }
        {
            const std::lock_guard lock(page->mutex);
            compare(half, *page, ra, begin, end);
            std::copy(page->snapshot + begin, page->snapshot + end, words + begin);
        }
        t->key = key;
        t->hot = hot;
        if (hot) t->heated.store(hot_count_.fetch_add(1, std::memory_order_relaxed) + 1, std::memory_order_relaxed);
        t->heat = options_.hot;
        t->code = visitor.chunk;
        const Maker::Made made = maker.make(std::span(words).first(end), visitor.chunk, *t, heat);
        if (made.bytes > left()) {
            if (made.bytes > kChunk) std::abort();  // a block is far smaller
            visitor.chunk = visitor.chunk_end;
            continue;
        }
        memory_.write(t->code, maker.code());
        const u64 since = options_.profile != nullptr ? Profile::now() : 0;
        visitor.chunk += (made.bytes + 15) & ~std::size_t{15};
        if (!insert(half, *page, *t, words, made)) return nullptr;
        half.blocks.fetch_add(1, std::memory_order_relaxed);
        if (options_.profile != nullptr) [[unlikely]] {
            // Not what is in place: links of it may be connected by now.
            options_.profile->add(Profile::name(made.address, made.user, hot), maker.code(), t->code, since);
        }
        return t->code;
    }
}

}  // namespace mpower::jit::x64
