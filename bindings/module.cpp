// The extension module tapeless._core: every part of the bindings, in order, and the settings of the core.
#include "base/faults.h"
#include "bindings/python.h"
#include "graph/modes.h"
#include "kernels/program.h"
#include "runtime/allocator.h"
#include "runtime/openblas.h"
#include "runtime/threads.h"

namespace tapeless {
namespace {

void define_settings(nb::module_& m) {
    m.def("_fusion", [] { return std::pair<bool, std::int64_t>(deferral.enabled, deferral.least); });
    m.def("_set_fusion", [](bool enabled, std::int64_t least) {
        deferral.enabled = enabled;
        deferral.least = least;
    });
    m.def("get_num_threads", [] { return thread_count(); });
    m.def("set_num_threads", [](int count) {
        check(count > 0, "set_num_threads expects a positive integer, got ", count);
        set_thread_count(count);
    });
    m.def("_set_openblas_path", [](const std::string& path) { set_openblas_path(path.c_str()); });
    m.def("_memory", [] {
        const AllocatorStats now = stats();
        nb::dict out;
        out["in_use"] = now.in_use;
        out["cached"] = now.cached;
        out["peak"] = now.peak;
        return out;
    });
    m.def("_disable_torch_function", [](bool off) {
        const bool before = modes.has(kTorchFunction);
        modes.set(kTorchFunction, off);
        return before;
    });
    m.def("_empty_cache", [] { empty_cache(); });
    m.def("_faults", [] {
        nb::list names;
        for (int k = 0; fault_name(k); ++k) names.append(fault_name(k));
        return names;
    });
    m.def("_plant_fault", [](const std::string& name, bool on) {
        for (int k = 0; fault_name(k); ++k) {
            if (name != fault_name(k)) continue;
            planted_faults = (planted_faults & ~(1u << k)) | (static_cast<std::uint32_t>(on) << k);
            return;
        }
        fail(ErrorKind::Value, "_plant_fault: there is no fault named '", name, "'; _faults() lists them");
    });
}

}  // namespace
}  // namespace tapeless

NB_MODULE(_core, m) {
    using namespace tapeless;
    nb::set_leak_warnings(false);  // Interpreters shut down in any order; tensors in globals are not leaks.
    nb::register_exception_translator([](const std::exception_ptr& error, void*) {
        try {
            std::rethrow_exception(error);
        } catch (const Error&) {
            set_python_error();
        }
    });
    define_objects(m);
    define_values(m);
    define_nodes(m);
    define_tensor(m);
    define_operations(m);
    define_indexing(m);
    define_autograd(m);
    define_function(m);
    define_creation(m);
    define_interop(m);
    define_random(m);
    define_draws(m);
    define_composition(m);
    define_autocast(m);
    define_transforms(m);
    define_forms(m);
    define_table(m);
    define_settings(m);
}
