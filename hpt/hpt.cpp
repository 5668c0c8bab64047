#include "hpt/hpt.h"

namespace mpower::hpt {

template class BasicHpt<StdPolicy>;

}  // namespace mpower::hpt
