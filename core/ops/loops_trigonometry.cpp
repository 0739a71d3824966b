// The compiled loops of the trigonometry rows for one class of dtypes at one ISA level.
#include "kernels/loops.h"
#include "ops/trigonometry_rows.h"

namespace tapeless::formula {
namespace {
const LoopSet registration("trigonometry", TAPELESS_ISA_LEVEL, &TAPELESS_CLASS::fill<trigonometry>);
}  // namespace
}  // namespace tapeless::formula
