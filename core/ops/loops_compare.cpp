// The compiled loops of the compare rows for one class of dtypes at one ISA level.
#include "kernels/loops.h"
#include "ops/compare_rows.h"

namespace tapeless::formula {
namespace {
const LoopSet registration("compare", TAPELESS_ISA_LEVEL, &TAPELESS_CLASS::fill<compare>);
}  // namespace
}  // namespace tapeless::formula
