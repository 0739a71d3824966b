// The compiled loops of the arithmetic rows for one class of dtypes at one ISA level.
#include "kernels/loops.h"
#include "ops/arithmetic_rows.h"

namespace tapeless::formula {
namespace {
const LoopSet registration("arithmetic", TAPELESS_ISA_LEVEL, &TAPELESS_CLASS::fill<arithmetic>);
}  // namespace
}  // namespace tapeless::formula
