// Vector integer comparisons (Power ISA, Book I 6.9.3).
#include <bit>
#include <cmath>

#include "jit/isa/table.h"
#include "jit/vmx/lanes.h"

namespace mpower::jit::isa::sem {
using ir::Builder;
using ir::Value;
using namespace vmx;

namespace {

#define COMPARE(id, T, ...)                                                             \
    void id(Builder& builder, Insn insn) {                                              \
        constexpr auto f = [](CpuState&, V128 a, V128 b, Insn) {                        \
            return map<T>(a, b, [](T x, T y) { return (__VA_ARGS__) ? ~T{0} : T{0}; }); \
        };                                                                              \
        builder.call(compare<f>, builder.imm(insn.word));                               \
    }

}  // namespace

COMPARE(vcmpequb, u8, x == y)
COMPARE(vcmpequh, u16, x == y)
COMPARE(vcmpequw, u32, x == y)
COMPARE(vcmpequd, u64, x == y)
COMPARE(vcmpgtub, u8, x > y)
COMPARE(vcmpgtuh, u16, x > y)
COMPARE(vcmpgtuw, u32, x > y)
COMPARE(vcmpgtud, u64, x > y)
COMPARE(vcmpgtsb, i8, x > y)
COMPARE(vcmpgtsh, i16, x > y)
COMPARE(vcmpgtsw, i32, x > y)
COMPARE(vcmpgtsd, i64, x > y)
COMPARE(vcmpneb, u8, x != y)
COMPARE(vcmpnezb, u8, x != y || x == 0 || y == 0)
COMPARE(vcmpneh, u16, x != y)
COMPARE(vcmpnezh, u16, x != y || x == 0 || y == 0)
COMPARE(vcmpnew, u32, x != y)
COMPARE(vcmpnezw, u32, x != y || x == 0 || y == 0)

}  // namespace mpower::jit::isa::sem
