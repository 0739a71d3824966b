// Saving values for backward and giving them back unharmed.
#include "graph/saved.h"

#include "base/faults.h"
#include "graph/record.h"

namespace tapeless {

SavedHooks saved_hooks = {};

void save(SavedValue& saved, const Tensor& x, int output) {
    check(!x->inference || modes.has(kInference),
          "Inference tensors cannot be saved for backward. To work around you can make a clone to get a "
          "normal tensor "
          "and use it in autograd.");
    saved.version = version(*x);
    saved.output = static_cast<std::uint16_t>(output < 0 ? x->output : static_cast<std::uint32_t>(output));
    saved.is_output = output >= 0;
    x->storage->saved = true;  // Of a wrapper too: harmless there.
    Tensor kept = x;
    if (output >= 0) {
        kept = untracked(x);
    } else {
        saved.had_graph = static_cast<bool>(x->grad_fn);
    }
    if (modes.has(kSavedHooks) && saved_hooks.pack) {
        saved_hooks.pack(saved, kept);
        if (saved.packed) return;
    }
    saved.tensor = std::move(kept);
}

void fail_released() {
    fail(ErrorKind::Runtime,
         "Trying to backward through the graph a second time (or directly access saved tensors after they "
         "have already "
         "been freed). Saved intermediate values of the graph are freed when you call .backward() or "
         "autograd.grad(). "
         "Specify retain_graph=True if you need to backward through the graph a second time or if you need "
         "to access "
         "saved tensors after calling backward.");
}

namespace {

std::string plain_name(const Node& node) {
    const std::string name = node.cls->name;
    return name.substr(0, name.find("Backward"));
}

[[noreturn]] void fail_modified(const SavedValue& saved, Node& node, const WriteLog::Entry* write) {
    const Node* origin = saved.is_output ? &node : saved.had_graph ? node_of(*saved.tensor) : nullptr;
    std::string message = text(
        "one of the variables needed for gradient computation has been modified by an inplace operation: [",
        describe(*saved.tensor), "]");
    if (origin) message += text(", which is output ", saved.output, " of ", plain_name(*origin), ",");
    message += text(
        " is at version ", version(*saved.tensor), "; expected version ", saved.version, " instead. ",
        modes.has(kAnomaly)
            ? "Hint: the backtrace further above shows the operation that failed to compute its gradient. "
              "The variable in question was changed in there or anywhere later. Good luck!"
            : "Hint: enable anomaly detection to find the operation that failed to compute its gradient, "
              "with torch.autograd.set_detect_anomaly(True, check_nan=False).");
    const std::string saving = location_text(node.location);
    if (!saving.empty()) message += text("\n  saved by ", plain_name(node), " at ", saving);
    const std::string writing = write ? location_text(write->location) : "";
    if (!writing.empty()) message += text("\n  changed in place at ", writing);
    fail(ErrorKind::Runtime, message);
}

}  // namespace

Tensor unpack(const SavedValue& saved, Node& node) {
    if (node.released) fail_released();
    if (saved.packed) {
        Tensor x = saved_hooks.unpack(saved);
        if (!saved.is_output) return x;
        object_hooks.track(x.get());
        x->grad_fn = Ref<Object>(&node);
        x->output = saved.output;
        return x;
    }
    if (!saved.tensor) return {};
    if (version(*saved.tensor) != saved.version) {
        const auto [first, last] = byte_range(*saved.tensor);
        bool certain = false;
        // Writes through `.data` aliases are counted apart, and not in the log; nor are those beneath a wrapper.
        const bool logged = !saved.tensor->data_alias && !lifted(saved.tensor);
        const WriteLog* log = logged ? saved.tensor->storage->log.get() : nullptr;
        const WriteLog::Entry* write = log ? log->find(saved.version, first, last, certain) : nullptr;
        if ((write || !certain) && !planted(Fault::VersionUnchecked)) fail_modified(saved, node, write);
    }
    if (saved.is_output) {
        Tensor out = untracked(saved.tensor);
        out->grad_fn = Ref<Object>(&node);
        out->output = saved.output;
        object_hooks.track(out.get());
        return out;
    }
    check(!saved.had_graph || saved.tensor->grad_fn,
          "Trying to use a saved tensor that has been detached in-place, i.e. with .detach_().This is not "
          "supported, "
          "please use out-of-place `.detach()` instead");
    return saved.tensor;
}

}  // namespace tapeless
