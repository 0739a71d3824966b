// Function transforms as Python sees them: opening levels, wrapping what goes in, unwrapping what comes out.
#include "autograd/transforms.h"
#include "base/warn.h"

#include "bindings/python.h"
#include "ops/structured.h"

namespace tapeless {
namespace {

Dims moved(int rank, int from, int to) {
    Dims dims;
    for (int d = 0; d < rank; ++d) {
        if (d != from) dims.push_back(d);
    }
    dims.insert(to, from);
    return dims;
}

Tensor batch(const Tensor& x, std::int64_t dim, int depth) {
    const int from = wrap_dim(dim, x->dim());
    return batched(depth, from ? permute(x, moved(x->dim(), from, 0)) : x);
}

/// All examples of x; one that is the same for all is repeated.
Tensor unbatch(const Tensor& x, std::int64_t dim, int depth, std::int64_t examples) {
    const Level* level = level_of(*x);
    check(!level || level->depth <= depth,
          "vmap: a tensor of an inner transform that has ended was returned");
    Tensor all = beneath(x, depth);
    if (!level || level->depth < depth) {
        Dims sizes = all->sizes;
        sizes.insert(0, examples);
        all = expand(all, sizes);
    }
    const int to = wrap_dim(dim, all->dim());
    return to ? permute(all, moved(all->dim(), 0, to)) : all;
}

Tensor make_dual(const Tensor& x, const Tensor& tangent, int depth) {
    check(x->sizes == tangent->sizes,
          "Trying to set a forward gradient that has a different size than that of the original Tensor, this "
          "is not "
          "supported. Tensor is of size ",
          to_string(x->sizes), " while the given forward gradient is of size ", to_string(tangent->sizes),
          ".");
    check(x->dtype == tangent->dtype, "jvp: the tangent has dtype ", facts(tangent->dtype).name,
          ", but the primal has ", facts(x->dtype).name, "; convert the tangent first");
    check(is_differentiable(x->dtype), "jvp: a primal of dtype ", facts(x->dtype).name,
          " has no tangent; use a floating or complex dtype");
    return dual(depth, x, tangent);
}

std::pair<Tensor, Tensor> parts_of_dual(const Tensor& x, int depth) {
    const Level* level = level_of(*x);
    if (!level || level->depth != depth) return {beneath(x, depth), {}};
    return {level->value, level->tangent};
}

void warn_python(const std::string& message) {
    if (PyErr_WarnEx(PyExc_UserWarning, message.c_str(), 1) < 0) throw nb::python_error();
}

}  // namespace

void define_transforms(nb::module_& m) {
    warn_user = warn_python;
    m.def("_open_level", [](const std::string& kind, std::int64_t examples) {
        const LevelKind level = kind == "vmap"   ? LevelKind::Batched
                                : kind == "jvp"  ? LevelKind::Dual
                                : kind == "grad" ? LevelKind::Grad
                                                 : LevelKind::BatchedSame;
        return open_level(level, examples);
    });
    m.def("_close_level", &close_level);
    m.def("_open_levels", &open_levels);
    m.def("_batch", &batch);
    m.def("_unbatch", &unbatch);
    m.def("_make_dual", &make_dual);
    m.def("_parts_of_dual", &parts_of_dual);
    m.def("_tracked_input", &tracked_input);
    m.def("_reaches_outside", &reaches_outside);
    m.def("_lower_tracking", &lower_tracking);
    m.def("_untracked", &untracked);
    m.def("_held_by_level", [](const Tensor& x) -> nb::object {
        const Level* level = level_of(*x);
        if (!level) return nb::none();
        const char* kind = level->kind == Level::Kind::Batched ? "batched" : "dual";
        return nb::make_tuple(kind, static_cast<int>(level->depth), level->value, level->tangent);
    });
}

}  // namespace tapeless
