// backward and grad: what callers gave is checked and turned into edges and gradients, what came out is handed back.
#include "autograd/engine.h"

#include <thread>

#include "bindings/hooks.h"
#include "bindings/object.h"
#include "graph/anomaly.h"
#include "ops/structured.h"

namespace tapeless {
namespace {

/// A backward pass that Python started, and what is to be called when it ends.
struct Task {
    std::int64_t id;
    int depth;  ///< passes that are open around this one in the same thread
    std::vector<Owned> callbacks;
    Task* outer;
};
thread_local Task* current_task = nullptr;
std::int64_t next_task = 0;

/// Makes a task the current one for a scope.
class TaskScope {
public:
    explicit TaskScope(bool new_thread)
        : task_{next_task++, new_thread || !current_task ? 0 : current_task->depth + 1, {}, current_task} {
        current_task = &task_;
    }
    ~TaskScope() { current_task = task_.outer; }
    TaskScope(const TaskScope&) = delete;
    TaskScope& operator=(const TaskScope&) = delete;
    /// Runs what was queued, including what is queued meanwhile.
    void finish() {
        for (std::size_t i = 0; i < task_.callbacks.size(); ++i) {
            const Owned callback = std::move(task_.callbacks[i]);
            owned(PyObject_CallNoArgs(callback.get()));
        }
    }

private:
    Task task_;
};

/// A root or an input: a tensor, or a GradientEdge.
struct Target {
    Edge edge;
    Tensor tensor;  ///< null for a GradientEdge

    OutputFacts facts() const {
        if (tensor) return {tensor->sizes, tensor->dtype, tensor->device};
        return edge.node->outputs[edge.input];
    }
};

/// Whether this is a GradientEdge: a tuple of a node and a number.
bool is_edge(PyObject* object) {
    return PyTuple_Check(object) && PyTuple_GET_SIZE(object) >= 2 &&
           PyObject_TypeCheck(PyTuple_GET_ITEM(object, 0), node_type);
}

Target target_from(PyObject* object, const char* what) {
    if (is_tensor(object)) {
        Tensor x = tensor_from(object);
        return {gradient_edge(x), std::move(x)};
    }
    if (!is_edge(object))
        fail(ErrorKind::Runtime, "all ", what, " have to be Tensors or GradientEdges, but got ",
             type_name(object));
    Node* node = static_cast<Node*>(as_object(PyTuple_GET_ITEM(object, 0)));
    const std::int64_t index = integer_from(PyTuple_GET_ITEM(object, 1), "GradientEdge.output_nr");
    if (index < 0 || index >= node->output_count) {
        fail(ErrorKind::Index, "GradientEdge: output_nr is ", index, ", but ", node->cls->name, " has ",
             node->output_count, " outputs");
    }
    return {{Ref<Node>(node), static_cast<std::uint32_t>(index)}, {}};
}

/// A sequence of targets; a single one counts as a sequence of one.
std::vector<Target> targets_from(PyObject* object, const char* what) {
    std::vector<Target> targets;
    if (is_tensor(object) || is_edge(object)) {
        targets.push_back(target_from(object, what));
        return targets;
    }
    const Owned items = owned(PySequence_Tuple(object));
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(items.get()); ++i) {
        targets.push_back(target_from(PyTuple_GET_ITEM(items.get(), i), what));
    }
    return targets;
}

std::string size_text(const Dims& sizes) { return "torch.Size(" + to_string(sizes) + ")"; }

/// The gradient of a root for which the caller gave none.
Tensor implicit_gradient(const Target& root) {
    if (!root.edge.node) return {};
    const OutputFacts facts = root.facts();
    check(product(facts.sizes) == 1, "grad can be implicitly created only for scalar outputs");
    check(is_floating(facts.dtype),
          "grad can be implicitly created only for real scalar outputs but got torch.",
          tapeless::facts(facts.dtype).name);
    return full(facts.sizes, Scalar(1.0), facts.dtype, facts.device);
}

/// The gradient that the caller gave for root `i`, checked, in memory of its own.
Tensor given_gradient(const Target& root, PyObject* object, std::size_t i, bool create_graph) {
    if (object == Py_None) return implicit_gradient(root);
    if (!is_tensor(object)) {
        fail(ErrorKind::Type, "gradients can be either Tensors or None, but got ", type_name(object));
    }
    Tensor g = tensor_from(object);
    const OutputFacts facts = root.facts();
    check(g->sizes == facts.sizes, "Mismatch in shape: grad_output[", i, "] has a shape of ",
          size_text(g->sizes), " and output[", i, "] has a shape of ", size_text(facts.sizes), ".");
    check(g->device.type == facts.device.type, "invalid gradient at index ", i, " - expected device ",
          name(facts.device.type), " but got ", name(g->device.type));
    check(is_complex(g->dtype) == is_complex(facts.dtype),
          "For complex Tensors, both grad_output and output are required to have the same dtype. Mismatch in "
          "dtype: "
          "grad_output[",
          i, "] has a dtype of torch.", tapeless::facts(g->dtype).name, " and output[", i,
          "] has a dtype of torch.", tapeless::facts(facts.dtype).name, ".");
    const ModeGuard mode(kNoGrad, !create_graph);
    if (g->dtype != facts.dtype) return to_dtype(g, facts.dtype);
    return private_copy(g);
}

std::vector<Tensor> gradients_for(const std::vector<Target>& roots, PyObject* gradients, bool create_graph) {
    std::vector<Tensor> result(roots.size());
    if (gradients == Py_None) {
        for (std::size_t i = 0; i < roots.size(); ++i) result[i] = implicit_gradient(roots[i]);
        return result;
    }
    Owned items;
    if (is_tensor(gradients)) {
        items = owned(PyTuple_Pack(1, gradients));
    } else {
        const Owned iterator = owned(PyObject_GetIter(gradients));
        items = owned(PySequence_Tuple(iterator.get()));
    }
    const std::size_t count = static_cast<std::size_t>(PyTuple_GET_SIZE(items.get()));
    check(count == roots.size(), "backward: got ", roots.size(), " tensors and ", count,
          " gradients; give one gradient, or None, for each tensor");
    for (std::size_t i = 0; i < roots.size(); ++i) {
        result[i] = given_gradient(roots[i], PyTuple_GET_ITEM(items.get(), static_cast<Py_ssize_t>(i)), i,
                                   create_graph);
    }
    return result;
}

void warn_of_cycle() {
    static bool warned = false;
    if (std::exchange(warned, true)) return;
    const int status = PyErr_WarnEx(PyExc_UserWarning,
                                    "Using backward() with create_graph=True will create a reference cycle "
                                    "between the parameter and its gradient "
                                    "which can cause a memory leak. We recommend using autograd.grad when "
                                    "creating the graph to avoid this. If you "
                                    "have to use this function, make sure to reset the .grad fields of your "
                                    "parameters to None after use to break the "
                                    "cycle and avoid the leak.",
                                    1);
    if (status < 0) throw nb::python_error();
}

/// backward(inputs=...): gradients go into the .grad of those tensors.
void accumulate_results(const std::vector<Target>& inputs, const std::vector<Tensor>& results,
                        bool create_graph) {
    const ModeGuard mode(kNoGrad, !create_graph);
    for (std::size_t i = 0; i < inputs.size(); ++i) {
        if (!results[i]) continue;
        Tensor x = inputs[i].tensor;
        if (!x && inputs[i].edge.node->cls == accumulate_class)
            x = Tensor(accumulated_leaf(*inputs[i].edge.node));
        check(static_cast<bool>(x),
              "backward: a GradientEdge of a result cannot be among the inputs, because it has no "
              ".grad; give the tensor itself, or use autograd.grad");
        accumulate(x, private_copy(results[i]));
        if (x->autograd->post_accumulate) hook_calls.post_accumulate(x->autograd->post_accumulate, x);
        settle_all(x->autograd->grad);
    }
}

struct Request {
    std::vector<Target> roots, inputs;
    std::vector<Tensor> gradients;
    bool keep_graph, create_graph, allow_unused, accumulate;
};

/// Runs `work` in a thread of its own, in the same modes, and waits for it.
///
/// A backward inside a backward uses the stack of C++ and of Python, so every so many levels a new thread brings new
/// ones; how deep passes nest is then limited by memory only.
template <class F> void with_fresh_stack(F&& work) {
    const Modes inherited = modes;
    const AnomalyState watched = anomaly;
    Task* const outer = current_task;
    const std::vector<SavedHookPair>& pairs = saved_hook_pairs();
    std::exception_ptr error;
    std::thread thread([&] {
        const PyGILState_STATE state = PyGILState_Ensure();
        modes = inherited;
        anomaly = watched;
        current_task = outer;
        saved_hook_pairs() = pairs;
        try {
            work();
        } catch (...) {
            // An exception that is only set would be lost with the thread.
            error = PyErr_Occurred() ? std::make_exception_ptr(nb::python_error()) : std::current_exception();
        }
        PyGILState_Release(state);
    });
    PyThreadState* const saved = PyEval_SaveThread();
    thread.join();
    PyEval_RestoreThread(saved);
    if (error) std::rethrow_exception(error);
}

constexpr int kDeepest = 32;  ///< passes inside one another on one stack

std::vector<Tensor> differentiate(const Request& request, bool new_thread = false) {
    if (!new_thread && current_task && current_task->depth >= kDeepest) {
        std::vector<Tensor> results;
        with_fresh_stack([&] { results = differentiate(request, true); });
        return results;
    }
    std::vector<Edge> roots;
    for (std::size_t i = 0; i < request.roots.size(); ++i) {
        check(static_cast<bool>(request.roots[i].edge.node), "element ", i,
              " of tensors does not require grad and does not have a grad_fn");
        roots.push_back(request.roots[i].edge);
    }
    BackwardOptions options{request.keep_graph, request.create_graph, {}};
    for (const Target& input : request.inputs) {
        check(static_cast<bool>(input.edge.node), "One of the differentiated Tensors does not require grad");
        options.inputs.push_back(input.edge);
    }
    TaskScope task(new_thread);
    std::vector<Tensor> results = run_backward(roots, request.gradients, options);
    for (std::size_t i = 0; i < results.size() && !request.accumulate; ++i) {
        check(results[i] || request.allow_unused, "The differentiated Tensor at index ", i,
              " appears to not have been used in the graph. Set allow_unused=True if this is the desired "
              "behavior.");
    }
    if (request.accumulate) accumulate_results(request.inputs, results, request.create_graph);
    task.finish();
    return results;
}

/// The results as user code gets them: no two share memory.
PyObject* handed_out(const std::vector<Tensor>& results, bool create_graph) {
    const ModeGuard mode(kNoGrad, !create_graph);
    Owned tuple = owned(PyTuple_New(static_cast<Py_ssize_t>(results.size())));
    for (std::size_t i = 0; i < results.size(); ++i) {
        Tensor g = results[i] ? private_gradient(results[i]) : Tensor();
        settle_all(g);
        PyTuple_SET_ITEM(tuple.get(), static_cast<Py_ssize_t>(i), to_python(std::move(g)));
    }
    return tuple.detach();
}

/// run_backward(tensors, grad_tensors, keep_graph, create_graph, inputs, allow_unused, accumulate)
PyObject* run_backward_python(PyObject*, PyObject* const* args, Py_ssize_t count) {
    return guarded([&]() -> PyObject* {
        if (count != 7) fail(ErrorKind::Type, "run_backward: got ", count, " arguments; 7 are needed");
        Request request{targets_from(args[0], "tensors"), {}, {}, false, false, false, false};
        request.keep_graph = PyObject_IsTrue(args[2]);
        request.create_graph = PyObject_IsTrue(args[3]);
        request.allow_unused = PyObject_IsTrue(args[5]);
        request.accumulate = PyObject_IsTrue(args[6]);
        request.gradients = gradients_for(request.roots, args[1], request.create_graph);
        if (args[4] != Py_None) request.inputs = targets_from(args[4], "inputs");
        if (request.accumulate && request.create_graph) warn_of_cycle();
        const std::vector<Tensor> results = differentiate(request);
        if (request.accumulate) Py_RETURN_NONE;
        return handed_out(results, request.create_graph);
    });
}

PyObject* gradient_edge_of(PyObject*, PyObject* object) {
    return guarded([&]() -> PyObject* {
        if (!is_tensor(object))
            fail(ErrorKind::Type, "get_gradient_edge: got ", type_name(object), "; a tensor is needed");
        const Edge edge = gradient_edge(tensor_from(object));
        check(static_cast<bool>(edge.node),
              "It is not possible to get the gradient edge for a Tensor that does not require gradients");
        return Py_BuildValue("(OI)", as_python(edge.node.get()), edge.input);
    });
}

PyObject* current_graph_task_id(PyObject*, PyObject*) {
    return PyLong_FromLongLong(current_task ? current_task->id : -1);
}

PyObject* queue_callback(PyObject*, PyObject* callable) {
    return guarded([&]() -> PyObject* {
        check(current_task, "Final callbacks can only be installed during backward pass.");
        current_task->callbacks.emplace_back(Py_NewRef(callable));
        Py_RETURN_NONE;
    });
}

PyObject* set_implied_grad(PyObject*, PyObject* object) {
    return guarded([&]() -> PyObject* {
        if (!is_tensor(object))
            fail(ErrorKind::Type, "Variable: got ", type_name(object), "; a tensor is needed");
        const Tensor x = tensor_from(object);
        set_requires_grad(x, true);
        x->implied_grad = true;
        Py_RETURN_NONE;
    });
}

PyObject* hooks_of(PyObject*, PyObject* object) {
    return guarded([&]() -> PyObject* {
        if (!is_tensor(object))
            fail(ErrorKind::Type, "_tensor_hooks: got ", type_name(object), "; a tensor is needed");
        PyObject* hooks = tensor_hooks(tensor_from(object));
        return Py_NewRef(hooks ? hooks : Py_None);
    });
}

PyObject* increment_version(PyObject*, PyObject* object) {
    return guarded([&]() -> PyObject* {
        if (!is_tensor(object)) {
            fail(ErrorKind::Type,
                 "increment_version expects each element of the iterable input to be a tensor, but got ",
                 type_name(object));
        }
        const Tensor x = tensor_from(object);
        check(!x->inference,
              "Cannot increment the version of an inference tensor: inference tensors do not track one");
        note_write(x);
        Py_RETURN_NONE;
    });
}

PyMethodDef functions[] = {
    {"run_backward", reinterpret_cast<PyCFunction>(reinterpret_cast<void*>(run_backward_python)),
     METH_FASTCALL,
     "run_backward(tensors, grad_tensors, keep_graph, create_graph, inputs, allow_unused, accumulate)"},
    {"_gradient_edge", gradient_edge_of, METH_O, "(node, output number) where a tensor's gradient goes."},
    {"_current_graph_task_id", current_graph_task_id, METH_NOARGS,
     "The number of the running backward pass, or -1."},
    {"_queue_callback", queue_callback, METH_O, "Calls this when the running backward pass has ended."},
    {"_set_implied_grad", set_implied_grad, METH_O, "Makes a leaf require grad with a flag that gives way."},
    {"_tensor_hooks", hooks_of, METH_O, "The dict of a tensor's hooks, or None."},
    {"_increment_version", increment_version, METH_O,
     "Counts a write into a tensor that was made elsewhere."},
    {}};

}  // namespace

PyObject* backward(const Tensor& x, PyObject* gradient, bool keep_graph, bool create_graph,
                   PyObject* inputs) {
    Request request{{{gradient_edge(x), x}}, {}, {}, keep_graph, create_graph, true, true};
    request.gradients = gradients_for(request.roots, gradient, create_graph);
    if (inputs != Py_None) {
        request.inputs = targets_from(inputs, "inputs");
        check(!request.inputs.empty(), "`inputs` argument to `backward()` cannot be empty.");
    }
    if (create_graph) warn_of_cycle();
    differentiate(request);
    Py_RETURN_NONE;
}

void define_autograd(nb::module_& m) {
    install_hook_calls();
    install_saved_hooks(m);
    define_modes(m);
    if (PyModule_AddFunctions(m.ptr(), functions) < 0) throw nb::python_error();
}

}  // namespace tapeless
