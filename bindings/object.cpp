// The core's objects as the interpreter's: allocation with a collector's head, iterative disposal, traversal, clearing.
//
// Objects are freed by a loop: a tensor that dies lets its node die, which lets older nodes die, and a chain of a
// million of them would overflow the stack if each death ran inside the last.
#include <cstring>
#include <vector>

#include "bindings/object.h"
#include "bindings/python.h"
#include "graph/node.h"
#include "runtime/interrupt.h"

namespace tapeless {

static_assert(sizeof(PyObject) == 16 && offsetof(Object, type) == offsetof(PyObject, ob_type));
static_assert(offsetof(Object, extent) == offsetof(PyVarObject, ob_size));

namespace {

/// Objects of one size that died lately, with their collector's head, ready to be used again.
struct FreeList {
    static constexpr std::size_t kMost = 256;
    std::vector<PyObject*> objects;
};
FreeList free_tensors;

constexpr std::size_t kNodeStep = 64, kNodeSizes = 16;
FreeList free_nodes[kNodeSizes];

PyTypeObject* type_of(const Class& cls) {
    if (!cls.binding) const_cast<Class&>(cls).binding = make_node_type(cls.name);
    return static_cast<PyTypeObject*>(cls.binding);
}

Object* prepared(PyObject* object, PyTypeObject* type) {
    Object* made = as_object(object);
    made->attributes = made->weak = nullptr;
    Py_SET_REFCNT(object, 1);
    if (type->tp_flags & Py_TPFLAGS_HEAPTYPE) Py_INCREF(type);
    Py_SET_TYPE(object, type);
    return made;
}

Object* allocate_object(const Class& cls, std::size_t extra) {
    PyTypeObject* type = type_of(cls);
    const bool tensor = &cls == &tensor_class;
    const std::size_t rounded = (extra + kNodeStep - 1) / kNodeStep * kNodeStep;
    FreeList* list = tensor                             ? &free_tensors
                     : rounded / kNodeStep < kNodeSizes ? &free_nodes[rounded / kNodeStep]
                                                        : nullptr;
    if (list && !list->objects.empty()) {
        PyObject* object = list->objects.back();
        list->objects.pop_back();
        Object* made = prepared(object, type);
        made->extent = tensor ? 0 : static_cast<std::ptrdiff_t>(rounded);
        if (!tensor)
            PyObject_GC_Track(
                object);  // The collector runs at allocations, and the next thing is filling it in.
        return made;
    }
    PyObject* object =
        tensor ? type->tp_alloc(type, 0)
               : reinterpret_cast<PyObject*>(_PyObject_GC_NewVar(type, static_cast<Py_ssize_t>(rounded)));
    if (!object) {
        PyErr_Clear();
        fail(ErrorKind::OutOfMemory, "allocate: no memory for an object of ", cls.size + extra, " bytes");
    }
    if (tensor && PyObject_GC_IsTracked(object)) PyObject_GC_UnTrack(object);
    Object* made = as_object(object);
    made->extent = tensor ? 0 : static_cast<std::ptrdiff_t>(rounded);
    made->attributes = made->weak = nullptr;
    if (!tensor) PyObject_GC_Track(object);
    return made;
}

/// A tensor is of interest to the collector from when it refers to something.
void track(Object* object) {
    if (!PyObject_GC_IsTracked(as_python(object))) PyObject_GC_Track(as_python(object));
}

void dispose_object(Object* object) { _Py_Dealloc(as_python(object)); }

void free_memory(PyObject* self, PyTypeObject* type, bool exact) {
    const std::size_t extent = static_cast<std::size_t>(as_object(self)->extent);
    FreeList* list = nullptr;
    if (exact) {
        const bool tensor = type == tensor_type;
        list = tensor                            ? &free_tensors
               : extent / kNodeStep < kNodeSizes ? &free_nodes[extent / kNodeStep]
                                                 : nullptr;
    }
    if (list && list->objects.size() < FreeList::kMost) {
        list->objects.push_back(self);
    } else {
        type->tp_free(self);
    }
    Py_DECREF(type);
}

struct Dead {
    PyObject* object;
    PyTypeObject* type;
};
std::vector<Dead> dead;
bool burying = false;

/// The types of nodes derive from node_type directly.
bool is_tensor_type(PyTypeObject* type) {
    return type == tensor_type || (type->tp_base != node_type && PyType_IsSubtype(type, tensor_type));
}

const Class& class_of(Object* object, PyTypeObject* type) {
    return is_tensor_type(type) ? static_cast<const Class&>(tensor_class) : *static_cast<Node*>(object)->cls;
}

void bury(Dead next) {
    Object* object = as_object(next.object);
    const Object head = *object;
    const bool exact = next.type == tensor_type || !is_tensor_type(next.type);
    class_of(object, next.type).destroy(object);
    *object = head;
    free_memory(next.object, next.type, exact);
}

}  // namespace

void object_dealloc(PyObject* self) {
    PyTypeObject* type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    Object* object = as_object(self);
    if (type->tp_finalize || type->tp_del) {
        if (PyObject_CallFinalizerFromDealloc(self) < 0) return;  // Resurrected.
    }
    if (object->weak) PyObject_ClearWeakRefs(self);
    if (object->attributes) {
        PyObject* attributes = static_cast<PyObject*>(std::exchange(object->attributes, nullptr));
        Py_DECREF(attributes);
    }
    if (burying) return dead.push_back({self, type});
    burying = true;
    bury({self, type});
    while (!dead.empty()) {
        const Dead next = dead.back();
        dead.pop_back();
        bury(next);
    }
    burying = false;
}

int object_traverse(PyObject* self, visitproc visit, void* arg) {
    Py_VISIT(Py_TYPE(self));
    Object* object = as_object(self);
    if (object->attributes) Py_VISIT(static_cast<PyObject*>(object->attributes));
    struct Context {
        visitproc visit;
        void* arg;
    } context{visit, arg};
    const Visit visits = {[](Object* reference, void* c) {
                              return static_cast<Context*>(c)->visit(as_python(reference),
                                                                     static_cast<Context*>(c)->arg);
                          },
                          [](void* reference, void* c) {
                              return static_cast<Context*>(c)->visit(static_cast<PyObject*>(reference),
                                                                     static_cast<Context*>(c)->arg);
                          },
                          &context};
    return class_of(object, Py_TYPE(self)).visit(object, visits);
}

int object_clear(PyObject* self) {
    Object* object = as_object(self);
    if (object->attributes) {
        PyObject* attributes = static_cast<PyObject*>(std::exchange(object->attributes, nullptr));
        Py_DECREF(attributes);
    }
    class_of(object, Py_TYPE(self)).clear(object);
    return 0;
}

PyTypeObject* tensor_type = nullptr;

namespace {

bool check_signals() {
    if (PyErr_CheckSignals() == 0) return false;
    return true;
}

}  // namespace

void define_objects(nb::module_&) {
    object_hooks = {allocate_object, dispose_object,
                    [](void* reference) { Py_INCREF(static_cast<PyObject*>(reference)); },
                    [](void* reference) { Py_DECREF(static_cast<PyObject*>(reference)); }, track};
    set_interrupt_check(check_signals);
}

}  // namespace tapeless
