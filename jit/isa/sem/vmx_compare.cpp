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

/// VRT <- masks; with Rc, CR6 := all || 0 || none || 0.
void compare(Builder& b, Insn i, ir::VectorFunction f, ir::Lanes op) {
    const Value x = b.vsr(32 + i.ra());
    const Value masks = b.vector(f, op, x, b.vsr(32 + i.rb()), x);
    b.set_vsr(32 + i.rt(), masks);
    if (i.bit(21)) b.set_cr(6, b.vector_test(masks));
}

#define COMPARE(id, op, T, ...)                                                         \
    void id(Builder& builder, Insn insn) {                                              \
        constexpr auto f = [](const V128& a, const V128& b, const V128&, u64) {         \
            return map<T>(a, b, [](T x, T y) { return (__VA_ARGS__) ? ~T{0} : T{0}; }); \
        };                                                                              \
        compare(builder, insn, f, ir::Lanes::op);                                       \
    }

}  // namespace

COMPARE(vcmpequb, kEqual8, u8, x == y)
COMPARE(vcmpequh, kEqual16, u16, x == y)
COMPARE(vcmpequw, kEqual32, u32, x == y)
COMPARE(vcmpequd, kEqual64, u64, x == y)
COMPARE(vcmpgtub, kGreaterU8, u8, x > y)
COMPARE(vcmpgtuh, kGreaterU16, u16, x > y)
COMPARE(vcmpgtuw, kGreaterU32, u32, x > y)
COMPARE(vcmpgtud, kGreaterU64, u64, x > y)
COMPARE(vcmpgtsb, kGreaterS8, i8, x > y)
COMPARE(vcmpgtsh, kGreaterS16, i16, x > y)
COMPARE(vcmpgtsw, kGreaterS32, i32, x > y)
COMPARE(vcmpgtsd, kGreaterS64, i64, x > y)
COMPARE(vcmpneb, kNotEqual8, u8, x != y)
COMPARE(vcmpnezb, kNotEqualOrZero8, u8, x != y || x == 0 || y == 0)
COMPARE(vcmpneh, kNotEqual16, u16, x != y)
COMPARE(vcmpnezh, kNotEqualOrZero16, u16, x != y || x == 0 || y == 0)
COMPARE(vcmpnew, kNotEqual32, u32, x != y)
COMPARE(vcmpnezw, kNotEqualOrZero32, u32, x != y || x == 0 || y == 0)

}  // namespace mpower::jit::isa::sem
