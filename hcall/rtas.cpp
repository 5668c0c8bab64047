#include "hcall/rtas.h"

#include <algorithm>
#include <chrono>
#include <ctime>

#include "base/endian.h"
#include "base/log.h"
#include "base/shared_bytes.h"
#include "hcall/table.h"
#include "smp/xics.h"

namespace mpower::hcall {
namespace {

using smp::kNvramBytes;
using smp::Vcpu;

enum Status : i32 { kOk = 0, kHardwareError = -1, kParameterError = -3, kNoEvent = 1 };

// Of system parameters, which have codes of their own; indicators and sensors that are not there.
constexpr i32 kNotSupported = -3, kNotAuthorized = -9002, kBadBuffer = -9999, kNoSuchDevice = -3;

/// The argument block of one call: big-endian words in guest RAM, bounds checked before.
class Call {
  public:
    Call(Vcpu& vcpu, u8* args, u32 nargs, u8* rets, u32 nrets)
        : cpu(vcpu), nargs_(nargs), nrets_(nrets), args_(args), rets_(rets) {}

    u32 arg(u32 n) const { return n < nargs_ ? load_be<u32>(args_ + 4 * n) : 0; }
    u64 arg64(u32 n) const { return u64{arg(n)} << 32 | arg(n + 1); }
    void ret(u32 n, u32 value) {
        if (n < nrets_) store_be<u32>(rets_ + 4 * n, value);
    }
    bool shape(u32 nargs, u32 nrets) const { return nargs_ == nargs && nrets_ >= nrets; }

    Vcpu& cpu;

  private:
    u32 nargs_, nrets_;
    u8 *args_, *rets_;
};

i32 display_character(Call& c) {
    const u8 byte = static_cast<u8>(c.arg(0));
    c.cpu.machine().console().write({&byte, 1});
    return kOk;
}

i32 get_time_of_day(Call& c) {
    const i64 ns = c.cpu.machine().wall_clock_ns();
    const time_t seconds = static_cast<time_t>(ns / 1'000'000'000);
    tm t;
    gmtime_r(&seconds, &t);
    const u32 fields[] = {u32(t.tm_year + 1900), u32(t.tm_mon + 1), u32(t.tm_mday),         u32(t.tm_hour),
                          u32(t.tm_min),         u32(t.tm_sec),     u32(ns % 1'000'000'000)};
    for (u32 n = 0; n < 7; ++n) c.ret(n + 1, fields[n]);
    return kOk;
}

i32 set_time_of_day(Call& c) {
    using namespace std::chrono;
    const u32 year = c.arg(0), month = c.arg(1), day = c.arg(2), hour = c.arg(3), minute = c.arg(4), second = c.arg(5);
    const bool sane = year >= 1970 && year < 2200 && month <= 12 && day <= 31 && hour < 24 && minute < 60 &&
                      second < 60 && c.arg(6) < 1'000'000'000;
    if (!sane) return kParameterError;
    const year_month_day date{std::chrono::year(static_cast<int>(year)), std::chrono::month(month),
                              std::chrono::day(day)};
    if (!date.ok()) return kParameterError;
    const seconds at = sys_days(date).time_since_epoch() + hours(hour) + minutes(minute) + seconds(second);
    c.cpu.machine().set_wall_clock_ns(i64{at.count()} * 1'000'000'000 + c.arg(6));
    return kOk;
}

i32 power_off(Call& c) {
    c.cpu.machine().request_end(smp::Ending::kPowerOff);
    return kOk;
}
i32 system_reboot(Call& c) {
    c.cpu.machine().request_end(smp::Ending::kReboot);
    return kOk;
}

i32 query_cpu_stopped_state(Call& c) {
    Vcpu* target = c.cpu.machine().find(c.arg(0));
    if (target == nullptr) return kParameterError;
    c.ret(1, target->stopped() ? 0 : 2);
    return kOk;
}

i32 start_cpu(Call& c) {
    Vcpu* target = c.cpu.machine().find(c.arg(0));
    if (target == nullptr) return kParameterError;
    return target->start(c.arg(1), c.arg(2)) ? kOk : kHardwareError;
}

i32 stop_self(Call& c) {
    c.cpu.stop_self();
    return kOk;
}

i32 set_xive(Call& c) {
    const u32 source = c.arg(0);
    if (!c.cpu.machine().ics().exists(source) || c.cpu.machine().find(c.arg(1)) == nullptr || c.arg(2) > 255) {
        return kParameterError;
    }
    c.cpu.machine().ics().set_xive(source, c.arg(1), static_cast<u8>(c.arg(2)));
    return kOk;
}

i32 get_xive(Call& c) {
    if (!c.cpu.machine().ics().exists(c.arg(0))) return kParameterError;
    u32 server;
    u8 priority;
    c.cpu.machine().ics().get_xive(c.arg(0), &server, &priority);
    c.ret(1, server);
    c.ret(2, priority);
    return kOk;
}

i32 int_off(Call& c) {
    if (!c.cpu.machine().ics().exists(c.arg(0))) return kParameterError;
    c.cpu.machine().ics().int_off(c.arg(0));
    return kOk;
}
i32 int_on(Call& c) {
    if (!c.cpu.machine().ics().exists(c.arg(0))) return kParameterError;
    c.cpu.machine().ics().int_on(c.arg(0));
    return kOk;
}

/// No errors or events ever wait here.
i32 no_event(Call&) { return kNoEvent; }

/// SPLPAR characteristics, the diagnostics' run mode (disabled), the machine's UUID, TLB block invalidate
/// characteristics. Others: not supported.
enum Parameter : u32 { kSplparCharacteristics = 20, kDiagnosticsRunMode = 42, kUuid = 48, kTlbBlockInvalidate = 50 };

i32 get_system_parameter(Call& c) {
    const u32 buffer = c.arg(1), length = c.arg(2);
    std::string value;
    switch (c.arg(0)) {
        case kSplparCharacteristics:
            value = fmt::format("MaxEntCap={0},DesMem={1},DesProcs={0},MaxPlatProcs={0}", c.cpu.machine().vcpu_count(),
                                c.cpu.machine().ram_bytes() >> 20);
            value.push_back('\0');
            break;
        case kDiagnosticsRunMode: value.assign(1, '\0'); break;
        case kUuid: value.assign(16, '\0'); break;
        case kTlbBlockInvalidate: {
            // log2 of the pages of a block; how many page sizes, and each: 0 for 4K in segments of 4K, else 0x80 + the
            // LP encoding of "ibm,segment-page-sizes"; then 0.
            constexpr u8 kBlocks[] = {
                hpt::block::kPageShift, 6, 0x00, 0x80 | 7, 0x80 | 0x38, 0x80 | 1, 0x80 | 8, 0x80, 0};
            value.assign(std::begin(kBlocks), std::end(kBlocks));
            break;
        }
        default: return kNotSupported;
    }
    const u64 bytes = std::min<u64>(length, value.size() + 2);
    u8* p = c.cpu.machine().guest_ram().at_for_store(Ra{buffer}, bytes);
    if (p == nullptr || bytes < 2) return kBadBuffer;
    store_be<u16>(p, static_cast<u16>(value.size()));
    copy_shared(p + 2, value.data(), bytes - 2);
    return kOk;
}

/// What can be read is the platform's to set.
i32 set_system_parameter(Call& c) {
    switch (c.arg(0)) {
        case kSplparCharacteristics:
        case kDiagnosticsRunMode:
        case kUuid:
        case kTlbBlockInvalidate: break;
        default: return kNotSupported;
    }
    const u8* length = c.cpu.machine().guest_ram().at(Ra{c.arg(1)}, 2);
    if (length == nullptr) return kBadBuffer;
    if (c.cpu.machine().guest_ram().at(Ra{c.arg(1)}, 2 + u64{load_be<u16>(length)}) == nullptr) return kBadBuffer;
    return kNotAuthorized;
}

/// nvram-fetch, nvram-store: (index, buffer, length) -> (status, bytes copied).
template <bool kStore>
i32 nvram(Call& c) {
    const u32 index = c.arg(0), length = c.arg(2);
    c.ret(1, 0);
    if (index > kNvramBytes || length > kNvramBytes - index) return kParameterError;
    mmu::GuestRam& ram = c.cpu.machine().guest_ram();
    u8* buffer = kStore ? ram.at(Ra{c.arg(1)}, length) : ram.at_for_store(Ra{c.arg(1)}, length);
    if (buffer == nullptr) return kParameterError;
    smp::Nvram& nvram = c.cpu.machine().nvram();
    const std::lock_guard lock(nvram.mutex);
    u8* here = nvram.bytes.data() + index;
    copy_shared(kStore ? here : buffer, kStore ? buffer : here, length);
    c.ret(1, length);
    return kOk;
}

/// The machine has neither indicators nor sensors.
i32 no_such_device(Call&) { return kNoSuchDevice; }

i32 os_term(Call& c) {
    log(Log::kGuestErrors, "the guest's operating system has terminated (ibm,os-term)");
    c.cpu.machine().request_end(smp::Ending::kCheckstop);
    return kOk;
}

struct RtasCall {
    u32 token;
    const char* name;
    u32 nargs, nrets;
    i32 (*handler)(Call&);
};

constexpr RtasCall kCalls[] = {
    {0x2000, "display-character", 1, 1, display_character},
    {0x2001, "get-time-of-day", 0, 8, get_time_of_day},
    {0x2002, "set-time-of-day", 7, 1, set_time_of_day},
    {0x2003, "power-off", 2, 1, power_off},
    {0x2004, "system-reboot", 0, 1, system_reboot},
    {0x2005, "query-cpu-stopped-state", 1, 2, query_cpu_stopped_state},
    {0x2006, "start-cpu", 3, 1, start_cpu},
    {0x2007, "stop-self", 0, 1, stop_self},
    {0x2008, "ibm,get-system-parameter", 3, 1, get_system_parameter},
    {0x2009, "ibm,set-system-parameter", 2, 1, set_system_parameter},
    {0x200a, "ibm,set-xive", 3, 1, set_xive},
    {0x200b, "ibm,get-xive", 1, 3, get_xive},
    {0x200c, "ibm,int-off", 1, 1, int_off},
    {0x200d, "ibm,int-on", 1, 1, int_on},
    {0x200e, "check-exception", 6, 1, no_event},
    {0x200f, "event-scan", 4, 1, no_event},
    {0x2012, "nvram-fetch", 3, 2, nvram<false>},
    {0x2013, "nvram-store", 3, 2, nvram<true>},
    {0x201a, "set-indicator", 3, 1, no_such_device},
    {0x201d, "get-sensor-state", 2, 2, no_such_device},
    {0x201f, "ibm,os-term", 1, 1, os_term},
};

papr::HcallStatus rtas(Vcpu& cpu, Args args) {
    constexpr u64 kHeader = 12, kMostWords = 1024;
    mmu::GuestRam& ram = cpu.machine().guest_ram();
    u8* block = ram.at(Ra{args[0]}, kHeader);
    if (block == nullptr) return papr::kParameter;
    const u32 token = load_be<u32>(block), nargs = load_be<u32>(block + 4), nrets = load_be<u32>(block + 8);
    if (nargs > kMostWords || nrets > kMostWords) return papr::kParameter;
    block = ram.at_for_store(Ra{args[0]}, kHeader + 4 * (u64{nargs} + nrets));
    if (block == nullptr) return papr::kParameter;
    Call call(cpu, block + kHeader, nargs, block + kHeader + 4 * nargs, nrets);
    for (const RtasCall& known : kCalls) {
        if (known.token != token) continue;
        const i32 status = call.shape(known.nargs, known.nrets) ? known.handler(call) : i32{kParameterError};
        call.ret(0, static_cast<u32>(status));
        log(Log::kHcall, "vcpu {} RTAS {}({:#x}, {:#x}, {:#x}) = {}", cpu.id(), known.name, call.arg(0), call.arg(1),
            call.arg(2), status);
        return papr::kSuccess;
    }
    log(Log::kUnimp, "vcpu {} RTAS token {:#x} is not implemented", cpu.id(), token);
    call.ret(0, static_cast<u32>(kParameterError));
    return papr::kParameter;
}

constexpr Hcall kHcalls[] = {{0xf000, "KVMPPC_H_RTAS", rtas}};

}  // namespace

std::vector<std::pair<std::string, u32>> rtas_tokens() {
    std::vector<std::pair<std::string, u32>> tokens;
    for (const RtasCall& call : kCalls) tokens.emplace_back(call.name, call.token);
    return tokens;
}

std::span<const Hcall> rtas_hcalls() { return kHcalls; }

}  // namespace mpower::hcall
