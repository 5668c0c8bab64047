// Tests of single instructions as tables that a person can read:
//
//     {"addco. r3,r4,r5", {0x7c642c15}, "r4=1 r5=-1", "r3=0 ca=1 cr0=2"}
//
// assembly, its words, what differs from zero before, what differs after from before. Everything that is not mentioned
// must stay as it was: registers, XER bits, storage. Numbers are hexadecimal. Names:
//
//     r0..r31 cr0..cr7 so ov ca ov32 ca32 count(XER[57:63]) lr ctr tar fscr dar dsisr vscr
//     v0..v31            32 digits, or as many low ones
//     m2010=0011223344   bytes of storage from 0x2010 up, which lies between 0x2000 and 0x2fff
//     nip=+8             from the first instruction; without it: the one after the last. nip=100: absolute
//     int=700 srr1=20000 an interrupt at the last instruction (srr0=+0 says otherwise), and SRR1's bits 33:36 and 42:47
//
// A mode in front: "32" 32-bit mode, "le" little-endian, "pr" problem state with relocation, "p9" ISA 3.0, "novec"
// MSR[VEC] = 0; else POWER8, 64 bits, big-endian, privileged.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstring>
#include <map>
#include <sstream>
#include <vector>

#include "base/endian.h"
#include "jit/executor.h"
#include "mmu/mmu.h"

namespace mpower::jit::test {

struct InstructionCase {
    std::string text;
    std::vector<u32> words;
    std::string before, after;
    std::string mode = "";
};

/// A vCPU with storage that runs one case at a time: in real mode, in problem state through pages mapped one to one.
class Bench {
  public:
    explicit Bench(mmu::ReservationMode reservations = mmu::ReservationMode::kWeak)
        : ram_(std::move(*mmu::GuestRam::create(kRamBytes, reservations))) {
        for (const u64 page : {kStorage, kCode, kCode * 2}) {
            constexpr u64 kReadWrite = 2, kMemoryCoherent = 0x10;
            const auto entered =
                hpt_->enter(0, PteIndex{page / 0x1000 * 8}, 1, page | kMemoryCoherent | kReadWrite, kRamBytes);
            EXPECT_EQ(entered.status, papr::kSuccess);
        }
        EXPECT_TRUE(mmu_.slbmte(0, 0x08000000));  // entry 0: segment 0, VSID 0, no key
    }

    /// Runs the case in both executors; every difference from what it says is a test failure.
    void check(const InstructionCase& c) {
        for (const auto& [name, executor] : executors_) {
            SCOPED_TRACE(fmt::format("{} {} [{}] {}", name, c.text, c.mode, c.before));
            check(c, *executor);
        }
    }

    static constexpr u64 kCode = 0x10000;

  private:
    void check(const InstructionCase& c, Executor& executor) {
        const std::string mode = fmt::format(" {} ", c.mode);
        const auto is = [&](const char* m) { return mode.find(fmt::format(" {} ", m)) != std::string::npos; };
        CpuState s;
        s.level = is("p9") ? IsaLevel::k300 : IsaLevel::k207;
        s.interrupt_le = is("le");
        s.mmu = &mmu_;
        s.platform = &platform_;
        u8* const ram = ram_.bytes().data();
        const u32 leave = is("le") ? kLeave : byte_swap(kLeave);
        for (u64 at = 0; at < kTouched; at += 4) std::memcpy(ram + at, &leave, 4);  // wherever it goes, it stops
        std::memset(ram + kStorage, 0, kStorageBytes);
        for (std::size_t i = 0; i < c.words.size(); ++i) {
            const u32 word = is("le") ? c.words[i] : byte_swap(c.words[i]);
            std::memcpy(ram + kCode + 4 * i, &word, 4);
        }
        epochs_.modified();

        State expected;
        expected["nip"] = kCode + 4 * c.words.size();
        apply(c.before, &expected);
        load(s, expected);
        apply(c.after, &expected);
        s.nip = kCode;
        set_msr(s, (is("32") ? 0 : msr::kSf) | (is("le") ? msr::kLe : 0) | (is("novec") ? 0 : msr::kVec) |
                       (is("pr") ? msr::kPr | msr::kIr | msr::kDr : 0));
        executor.run(s);

        State actual = store(s);
        if (const auto vector = expected.find("int"); vector != expected.end()) {
            if (!expected.contains("srr0")) expected["srr0"] = kCode + 4 * (c.words.size() - 1);
            expected.try_emplace("srr1", 0);
            expected["nip"] = vector->second;
            expected.erase("int");
            actual["srr0"] = s.spr[spr::kSrr0];
            actual["srr1"] = s.spr[spr::kSrr1] & 0x783f0000;
        }
        for (const auto& [name, value] : expected) actual.try_emplace(name, 0);
        for (const auto& [name, value] : actual) {
            const u64 wanted = expected.contains(name) ? expected[name] : 0;
            EXPECT_EQ(value, wanted) << name << " is " << std::hex << value << ", not " << wanted;
        }
    }

    /// Values that are not zero, by name; storage as "m2010", a byte each.
    using State = std::map<std::string, u64>;

    static constexpr u64 kRamBytes = 0x100000, kTouched = 0x40000, kStorage = 0x2000, kStorageBytes = 0x1000;
    static constexpr u32 kLeave = 0x44000022;  // sc 1: run() returns

    class NoPlatform final : public Platform {
        u64 time_base() override { return 0; }
        void set_decrementer(u64) override {}
        u64 decrementer() override { return 0; }
        u64 random() override { return 0x0123456789abcdef; }
    };

    static std::string byte_name(u64 at) { return fmt::format("m{:04x}", at); }

    static u64 number(std::string text) {
        const bool negative = text.starts_with('-'), relative = text.starts_with('+');
        const u64 v = std::stoull(text.substr(negative || relative), nullptr, 16);
        return negative ? ~v + 1 : relative ? kCode + v : v;
    }

    static void apply(const std::string& text, State* state) {
        std::istringstream in(text);
        for (std::string item; in >> item;) {
            const auto equals = item.find('=');
            ASSERT_NE(equals, std::string::npos) << item;
            const std::string name = item.substr(0, equals), value = item.substr(equals + 1);
            if (name.starts_with('m')) {
                const u64 at = std::stoull(name.substr(1), nullptr, 16);
                ASSERT_EQ(value.size() % 2, 0u) << item;
                for (std::size_t i = 0; i < value.size() / 2; ++i) {
                    (*state)[byte_name(at + i)] = std::stoull(value.substr(2 * i, 2), nullptr, 16);
                }
            } else if (name.starts_with('v') && name != "vscr") {
                const std::string digits = std::string(32 - value.size(), '0') + value;
                (*state)[name + ".hi"] = std::stoull(digits.substr(0, 16), nullptr, 16);
                (*state)[name + ".lo"] = std::stoull(digits.substr(16), nullptr, 16);
            } else {
                (*state)[name] = number(value);
            }
        }
    }

    /// Calls f(name, register) for all of the state that cases can name.
    template <class F>
    static void for_each(CpuState& s, F f) {
        for (int n = 0; n < 32; ++n) f(fmt::format("r{}", n), s.gpr[n]);
        for (int n = 0; n < 8; ++n) f(fmt::format("cr{}", n), s.cr[n]);
        for (int n = 0; n < 32; ++n) {
            f(fmt::format("v{}.hi", n), s.vsr[32 + n].hi);
            f(fmt::format("v{}.lo", n), s.vsr[32 + n].lo);
        }
        f("so", s.so), f("ov", s.ov), f("ca", s.ca), f("ov32", s.ov32), f("ca32", s.ca32), f("count", s.xer_count);
        f("lr", s.lr), f("ctr", s.ctr), f("tar", s.spr[spr::kTar]), f("fscr", s.spr[spr::kFscr]);
        f("dar", s.spr[spr::kDar]), f("dsisr", s.spr[spr::kDsisr]), f("vscr", s.vscr);
    }

    void load(CpuState& s, const State& state) {
        std::size_t used = 1;  // nip
        for_each(s, [&](const std::string& name, auto& field) {
            if (const auto v = state.find(name); v != state.end()) {
                field = static_cast<std::remove_reference_t<decltype(field)>>(v->second);
                ++used;
            }
        });
        for (const auto& [name, value] : state) {
            if (!name.starts_with('m')) continue;
            ram_.bytes()[std::stoull(name.substr(1), nullptr, 16)] = static_cast<u8>(value);
            ++used;
        }
        EXPECT_EQ(used, state.size()) << "a name that does not exist";
    }

    State store(CpuState& s) {
        State state;
        for_each(s, [&](const std::string& name, auto& field) {
            if (field != 0) state[name] = field;
        });
        for (u64 at = kStorage; at < kStorage + kStorageBytes; ++at) {
            if (const u8 v = ram_.bytes()[at]; v != 0) state[byte_name(at)] = v;
        }
        state["nip"] = s.nip - 4;
        return state;
    }

    mmu::GuestRam ram_;
    std::unique_ptr<hpt::Hpt> hpt_ = std::move(*hpt::Hpt::create(18));
    mmu::CodeEpochs epochs_{kRamBytes};
    mmu::Mmu mmu_{ram_, *hpt_, epochs_};
    NoPlatform platform_;
    std::unique_ptr<SharedCode> shared_ = make_shared_code(Accel::kJit, ram_, epochs_, {});
    std::map<const char*, std::unique_ptr<Executor>> executors_ = make_executors();

    std::map<const char*, std::unique_ptr<Executor>> make_executors() {
        std::map<const char*, std::unique_ptr<Executor>> all;
        all["interp"] = make_executor(Accel::kInterp, mmu_, *shared_);
        all["jit"] = make_executor(Accel::kJit, mmu_, *shared_);
        return all;
    }
};

}  // namespace mpower::jit::test
