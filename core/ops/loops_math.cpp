// The compiled loops of the math rows for one class of dtypes at one ISA level.
#include "kernels/loops.h"
#include "ops/math_rows.h"

namespace tapeless::formula {
namespace {
const LoopSet registration("math", TAPELESS_ISA_LEVEL, &TAPELESS_CLASS::fill<math>);
}  // namespace
}  // namespace tapeless::formula
